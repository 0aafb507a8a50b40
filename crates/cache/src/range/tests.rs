use super::*;
use http::header::{ACCEPT_RANGES, AGE, DATE, IF_RANGE, RANGE, VARY};
use proptest::prelude::*;

const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const MADE: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

fn map(fields: &[(HeaderName, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn hit() -> HeaderMap {
    map(&[
        (CONTENT_TYPE, "text/plain"),
        (CONTENT_ENCODING, "br"),
        (CONTENT_LANGUAGE, "en"),
        (CONTENT_LOCATION, "/a.en"),
        (CONTENT_DISPOSITION, "inline"),
        (HeaderName::from_static("content-digest"), "sha-256=:AA==:"),
        (HeaderName::from_static("repr-digest"), "sha-256=:AA==:"),
        (ETAG, "\"a\""),
        (LAST_MODIFIED, MODIFIED),
        (DATE, MADE),
        (CACHE_CONTROL, "max-age=60"),
        (EXPIRES, MADE),
        (VARY, "accept"),
        (AGE, "5"),
        (ACCEPT_RANGES, "bytes"),
    ])
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

fn range(value: &str) -> HeaderMap {
    map(&[(RANGE, value)])
}

fn get(request: &HeaderMap, length: u64) -> Ranged {
    judge((&Method::GET, request), (StatusCode::OK, &hit()), length)
}

fn written(content: Content) -> Vec<u8> {
    match content {
        Content::Bytes(bytes) => bytes.to_vec(),
        Content::Pieces(pieces) => pieces.flatten().collect(),
    }
}

/// The head and the bytes of each part, read without a look at what wrote them.
fn parts<'a>(content: &'a [u8], kind: &HeaderValue) -> Vec<(&'a str, &'a [u8])> {
    let kind = kind.to_str().unwrap();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    // The first delimiter needs no line before it (RFC 2046 §5.1.1).
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = content.strip_prefix(&delimiter.as_bytes()[2..]).unwrap();
    let mut parts = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let find = |text: &[u8]| part.windows(text.len()).position(|window| window == text);
        let (head, end) = (
            find(b"\r\n\r\n").unwrap(),
            find(delimiter.as_bytes()).unwrap(),
        );
        parts.push((str::from_utf8(&part[..head]).unwrap(), &part[head + 4..end]));
        rest = &part[end + delimiter.len()..];
    }
    assert_eq!(rest, b"--\r\n");
    parts
}

/// First, last and length in a `Content-Range`.
fn positions(value: &str) -> (usize, usize, usize) {
    let (range, length) = value
        .strip_prefix("bytes ")
        .and_then(|value| value.split_once('/'))
        .unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let number = |text: &str| text.parse().unwrap();
    (number(first), number(last), number(length))
}

#[test]
fn a_range_counts_for_a_get_of_a_stored_200() {
    let request = range("bytes=0-1");
    assert_eq!(get(&request, 10), Ranged::One(Span { first: 0, last: 1 }));
    for method in [Method::HEAD, Method::POST] {
        let found = judge((&method, &request), (StatusCode::OK, &hit()), 10);
        assert_eq!(found, Ranged::Whole);
    }
    for status in [
        StatusCode::NON_AUTHORITATIVE_INFORMATION,
        StatusCode::NOT_FOUND,
    ] {
        let found = judge((&Method::GET, &request), (status, &hit()), 10);
        assert_eq!(found, Ranged::Whole);
    }
    assert_eq!(get(&HeaderMap::new(), 10), Ranged::Whole);
    assert_eq!(get(&range("bytes=10-"), 10), Ranged::Unsatisfiable);
}

#[test]
fn a_condition_that_fails_gives_the_whole_whatever_the_range() {
    for value in ["bytes=0-1", "bytes=10-"] {
        for (condition, counts) in [
            ("\"a\"", true),
            (MODIFIED, true),
            ("\"b\"", false),
            ("W/\"a\"", false),
            (MADE, false),
        ] {
            let request = map(&[(RANGE, value), (IF_RANGE, condition)]);
            let found = get(&request, 10);
            assert_eq!(found != Ranged::Whole, counts, "{value} if {condition}");
        }
    }
    assert_eq!(get(&map(&[(IF_RANGE, "\"a\"")]), 10), Ranged::Whole);
}

#[test]
fn one_part_keeps_the_stored_fields_but_the_digest_of_the_whole() {
    let body = Bytes::from_static(b"0123456789");
    let mut headers = hit();
    headers.insert(CONTENT_RANGE, HeaderValue::from_static("bytes 0-0/1"));
    let (status, content) = get(&range("bytes=2-4"), 10).apply(&mut headers, &body);
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    assert_eq!(headers[CONTENT_RANGE], "bytes 2-4/10");
    assert_eq!(headers[CONTENT_LENGTH], "3");
    let Content::Bytes(part) = content else {
        panic!("{content:?}");
    };
    assert_eq!(
        (part.as_ref(), part.as_ptr()),
        (&b"234"[..], body[2..].as_ptr())
    );
    for name in [CONTENT_RANGE, CONTENT_LENGTH] {
        headers.remove(name);
    }
    let mut expected = hit();
    expected.remove("content-digest");
    assert_eq!(headers, expected);
}

#[test]
fn several_parts_say_their_ranges_themselves() {
    let body = Bytes::from_static(b"0123456789");
    let mut headers = hit();
    headers.insert(CONTENT_RANGE, HeaderValue::from_static("bytes 0-0/1"));
    let (status, content) = get(&range("bytes=7-,0-1,20-"), 10).apply(&mut headers, &body);
    assert_eq!(status, StatusCode::PARTIAL_CONTENT);
    let content = written(content);
    assert_eq!(headers[CONTENT_LENGTH], content.len().to_string());
    let head = |range| format!("Content-Type: text/plain\r\nContent-Range: bytes {range}/10");
    let (first, second) = (head("7-9"), head("0-1"));
    assert_eq!(
        parts(&content, &headers[CONTENT_TYPE]),
        [(&*first, &b"789"[..]), (&*second, &b"01"[..])]
    );
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let mut expected = hit();
    expected.remove("content-digest");
    assert_eq!(headers, expected);
}

#[test]
fn parts_of_a_response_without_a_type_have_none() {
    let mut headers = HeaderMap::new();
    let body = Bytes::from_static(b"0123456789");
    let (_, content) = get(&range("bytes=0-1,5-6"), 10).apply(&mut headers, &body);
    let content = written(content);
    let parts = parts(&content, &headers[CONTENT_TYPE]);
    assert_eq!(parts[0].0, "Content-Range: bytes 0-1/10");
}

#[test]
fn what_cannot_be_satisfied_says_how_long_the_whole_is() {
    let mut headers = hit();
    let body = Bytes::from_static(b"0123456789");
    let (status, content) = get(&range("bytes=10-"), 10).apply(&mut headers, &body);
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(headers[CONTENT_RANGE], "bytes */10");
    assert_eq!(
        names(&headers),
        ["accept-ranges", "age", "content-range", "date", "vary"]
    );
    assert!(written(content).is_empty());
    let (status, _) = get(&range("bytes=0-"), 0).apply(&mut headers, &Bytes::new());
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(headers[CONTENT_RANGE], "bytes */0");
}

#[test]
fn the_whole_is_the_hit_as_it_is() {
    let mut headers = hit();
    let body = Bytes::from_static(b"0123456789");
    let (status, content) = Ranged::Whole.apply(&mut headers, &body);
    assert_eq!((status, headers), (StatusCode::OK, hit()));
    assert_eq!(written(content), body);
}

/// A member of a set: its text, and the bytes of a body that it names.
fn member() -> impl Strategy<Value = (String, u64, Option<u64>)> {
    prop_oneof![
        (0_u64..400, 0_u64..200).prop_map(|(first, more)| {
            (
                format!("{first}-{}", first + more),
                first,
                Some(first + more),
            )
        }),
        (0_u64..400).prop_map(|first| (format!("{first}-"), first, None)),
        (0_u64..400).prop_map(|count| (format!("-{count}"), u64::MAX, Some(count))),
    ]
}

proptest! {
    #[test]
    fn parts_say_what_the_body_is(
        body in proptest::collection::vec(any::<u8>(), 0..300),
        members in proptest::collection::vec(member(), 1..12),
    ) {
        let mut named = vec![false; body.len()];
        for (_, first, last) in &members {
            let (first, last) = (*first, *last);
            for (at, named) in (0_u64..).zip(&mut named) {
                *named |= match (first, last) {
                    (u64::MAX, Some(count)) => at + count >= body.len() as u64,
                    (first, last) => at >= first && last.is_none_or(|last| at <= last),
                };
            }
        }
        let texts: Vec<_> = members.iter().map(|(text, ..)| text.as_str()).collect();
        let request = range(&format!("bytes={}", texts.join(", ")));
        let body = Bytes::from(body);
        let mut headers = hit();
        let ranged = get(&request, body.len() as u64);
        let (status, content) = ranged.clone().apply(&mut headers, &body);
        let content = written(content);
        let mut given = vec![false; body.len()];
        let mut give = |value: &str, part: &[u8]| {
            let (first, last, length) = positions(value);
            assert_eq!(length, body.len());
            assert_eq!(part, &body[first..=last]);
            for given in &mut given[first..=last] {
                assert!(!*given, "a byte is sent twice");
                *given = true;
            }
        };
        match ranged {
            Ranged::Whole => {
                prop_assert!(members.len() > 2 || body.is_empty());
                prop_assert_eq!(status, StatusCode::OK);
                prop_assert_eq!(&content, &body);
            }
            Ranged::Unsatisfiable => {
                prop_assert!(!named.contains(&true));
                prop_assert!(content.is_empty());
            }
            Ranged::One(_) => {
                give(headers[CONTENT_RANGE].to_str().unwrap(), &content);
                prop_assert_eq!(given, named);
            }
            Ranged::Many(spans) => {
                prop_assert!(!headers.contains_key(CONTENT_RANGE));
                let parts = parts(&content, &headers[CONTENT_TYPE]);
                prop_assert_eq!(parts.len(), spans.len());
                for (head, part) in parts {
                    let (_, value) = head.split_once("Content-Range: ").unwrap();
                    give(value, part);
                }
                prop_assert_eq!(given, named);
            }
        }
        if status == StatusCode::PARTIAL_CONTENT {
            prop_assert_eq!(&headers[CONTENT_LENGTH], &content.len().to_string());
        }
    }

    #[test]
    fn no_request_makes_it_panic(
        ranges in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..3),
        set in "(bytes=)?[0-9, \t=-]{0,80}",
        condition in proptest::collection::vec(any::<u8>(), 0..40),
        length in any::<u64>(),
        body in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut request = range(&set);
        if !ranges.is_empty() {
            request.clear();
        }
        for line in ranges.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()) {
            request.append(RANGE, line);
        }
        let body = Bytes::from(body);
        // A body of another length than the one that was judged is cut short, and ends no process.
        let ranged = get(&request, length);
        ranged.apply(&mut hit(), &body);
        if let Ok(condition) = HeaderValue::from_bytes(&condition) {
            request.append(IF_RANGE, condition.clone());
            let stored = HeaderMap::from_iter([(ETAG, condition.clone()), (LAST_MODIFIED, condition)]);
            judge((&Method::GET, &request), (StatusCode::OK, &stored), length);
        }
    }
}
