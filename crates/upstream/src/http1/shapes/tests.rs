use proptest::prelude::*;

use super::*;
use crate::forward::response::prepare;

/// What can be seen of a head: as the client gets it, and what is known of the connection.
fn seen(parsed: Result<Parsed, Refusal>) -> String {
    match parsed {
        Ok(Parsed::Final(mut answer)) => {
            let ours = answer.names.have(Names::OUR_VIA);
            prepare(&mut answer.head, answer.names);
            let mut fields: Vec<_> = answer.head.headers.iter().collect();
            // Taking fields off changes the order of names.
            fields.sort_by_key(|(name, _)| name.as_str());
            // Of fields that were taken off nothing else is known.
            let names =
                [Names::RETRY_AFTER, Names::CONTENT_TYPE].map(|name| answer.names.have(name));
            assert!(ours || !answer.names.have(Names::OUR_VIA));
            format!(
                "{:?} {:?} {fields:?} {:?} {} {:?} {names:?} {:?}",
                answer.head.status,
                answer.head.version,
                answer.length,
                answer.persists,
                answer.keep_alive,
                answer.rest,
            )
        }
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn check(shapes: &mut Shapes, bytes: &[u8], asked_head: bool) {
    let alone = head::parse(bytes, asked_head, &mut Spellings::default());
    let parsed = shapes.parse(bytes, asked_head, 7);
    assert_eq!(
        seen(parsed),
        seen(alone),
        "{}",
        String::from_utf8_lossy(bytes)
    );
}

fn is_known(shapes: &mut Shapes, bytes: &[u8]) -> bool {
    let parsed = shapes.parse(bytes, false, 7);
    matches!(parsed, Ok(Parsed::Final(answer)) if answer.names.have(Names::OUR_VIA))
}

const NGINX: &str = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon\r\nContent-Type: text/plain\r\n\
    Content-Length: 4\r\nConnection: keep-alive\r\nETag: \"a\"\r\n\r\nbody";

#[test]
fn a_head_like_the_one_before_is_known() {
    let mut shapes = Shapes::default();
    assert!(!is_known(&mut shapes, NGINX.as_bytes()));
    assert!(is_known(&mut shapes, NGINX.as_bytes()));
    let other = NGINX
        .replace("Mon", "Tue")
        .replace('4', "2")
        .replace("\"a\"", "");
    assert!(is_known(&mut shapes, other.as_bytes()));
    let more = NGINX.replace("ETag", "Age: 1\r\nETag");
    assert!(!is_known(&mut shapes, more.as_bytes()));
    let found = NGINX.replace("200 OK", "404 Not Found");
    assert!(!is_known(&mut shapes, found.as_bytes()), "another place");
    assert!(is_known(&mut shapes, NGINX.as_bytes()));
    for _ in 0..PATIENCE {
        is_known(&mut shapes, more.as_bytes());
    }
    assert!(is_known(&mut shapes, more.as_bytes()));
}

#[test]
fn a_value_that_stays_is_known_in_the_end() {
    let mut shapes = Shapes::default();
    is_known(&mut shapes, NGINX.as_bytes());
    let other = NGINX.replace("Mon", "Tue");
    for _ in 0..=VALUE_PATIENCE {
        assert!(is_known(&mut shapes, other.as_bytes()));
    }
    let shape = |shapes: &Shapes| {
        let shapes = shapes
            .places
            .iter()
            .find_map(|place| place.shape.as_deref());
        let shape = shapes.unwrap();
        (
            shape.lines[1].written.to_vec(),
            shape.fields["date"].clone(),
        )
    };
    assert_eq!(
        shape(&shapes),
        (b"Date: Tue\r\n".to_vec(), "Tue".parse().unwrap())
    );
    check(&mut shapes, NGINX.as_bytes(), false);
    check(&mut shapes, other.as_bytes(), false);
}

#[test]
fn cookies_are_not_kept() {
    let mut shapes = Shapes::default();
    let head = NGINX.replace("ETag: \"a\"", "Set-Cookie: secret");
    for _ in 0..20 {
        is_known(&mut shapes, head.as_bytes());
        check(&mut shapes, head.as_bytes(), false);
    }
    assert!(is_known(&mut shapes, head.as_bytes()));
    assert!(!format!("{:?}", shapes.places).contains("secret"));
}

#[test]
fn what_is_refused_is_refused_also_in_a_known_shape() {
    let mut shapes = Shapes::default();
    for (from, to) in [
        ("Mon", "M\non"),
        ("Mon", "M\ron"),
        ("Mon", "M\0"),
        ("Mon", "Mon\r\n fold"),
        ("Date: ", "Date : "),
        ("Date: Mon\r\n", "Date: Mon\n"),
        ("4", "+4"),
        ("4", "04"),
        ("4", "4, 4"),
        ("4", "4\r\nContent-Length: 4"),
        ("4", "4\r\nTransfer-Encoding: chunked"),
        ("HTTP/1.1", "HTTP/1.2"),
        ("keep-alive", "close, etag"),
    ] {
        check(&mut shapes, NGINX.as_bytes(), false);
        check(&mut shapes, NGINX.replace(from, to).as_bytes(), false);
    }
}

/// Heads that are nearly alike, each a few of the same lines.
fn heads() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let first = prop_oneof![
        20 => Just("HTTP/1.1 200 OK"),
        1 => Just("HTTP/1.1 304 Not Modified"),
        1 => Just("HTTP/1.1 204 No Content"),
        1 => Just("HTTP/1.1 200 Fine"),
        1 => Just("HTTP/1.0 200 OK"),
        1 => Just("HTTP/1.1 103 Early Hints"),
    ];
    let length = prop_oneof![
        8 => Just("Content-Length: 4\r\n"), 4 => Just("content-length: 2\r\n"), 1 => Just(""),
        4 => Just("Transfer-Encoding: chunked\r\n"), 1 => Just("Content-Length: x\r\n"),
        1 => Just("Transfer-Encoding: gzip\r\n"),
    ];
    let connection = prop_oneof![
        8 => Just("Connection: keep-alive\r\n"), 4 => Just(""), 1 => Just("Connection: close\r\n"),
        1 => Just("Connection: date\r\n"), 2 => Just("Keep-Alive: timeout=5\r\n"),
        1 => Just("Connection: keep-alive\r\nKeep-Alive: timeout=6\r\n"),
    ];
    let value = prop_oneof![
        8 => Just("a".to_owned()), 4 => "[ \t]{0,2}[a-c]{0,3}[ \t]{0,2}", 1 => "[ -~\r\n\t\u{0}\u{7f}é]{0,4}",
        1 => Just("a".repeat(300)),
    ];
    let more = prop_oneof![
        12 => Just(""), 1 => Just("Date: b\r\n"), 1 => Just("Via: 1.1 other\r\n"), 1 => Just(" fold\r\n"),
        1 => Just("Set-Cookie: a\r\n"), 1 => Just("Retry-After: 3\r\n"), 1 => Just("no line"), 1 => Just("\n"),
    ];
    let head = (
        first,
        value.clone(),
        length,
        connection,
        value,
        more,
        any::<bool>(),
        0..40_usize,
    );
    let head = head.prop_map(|(first, date, length, connection, kind, more, asked_head, cut)| {
        let text = format!(
            "{first}\r\nDate: {date}\r\n{length}{connection}Content-Type: {kind}\r\n{more}\r\n4\r\nbody"
        );
        // Most come whole.
        let end = if cut < 30 { text.len() } else { text.len() * (cut - 30) / 10 };
        (text.as_bytes()[..end].to_vec(), asked_head)
    });
    proptest::collection::vec(head, 1..60)
}

proptest! {
    #[test]
    fn heads_are_read_as_they_are_alone(heads in heads()) {
        let mut shapes = Shapes::default();
        for (head, asked_head) in &heads {
            check(&mut shapes, head, *asked_head);
            // The second of two is the one that is known.
            check(&mut shapes, head, *asked_head);
        }
        prop_assert!(shapes.places.len() <= PLACES);
    }
}
