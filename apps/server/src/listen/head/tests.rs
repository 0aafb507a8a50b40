use http::Uri;

use super::*;

const LIMITS: Limits = Limits {
    head_bytes_max: 32 * 1024,
    fields_max: 100,
    target_bytes_max: 8 * 1024,
};

/// A head from lines: the request line without its version, then fields.
fn head(version: Version, lines: &[&str]) -> Request<()> {
    let (method, target) = lines[0].split_once(' ').unwrap();
    let mut request = Request::builder()
        .version(version)
        .method(method)
        .uri(Uri::try_from(target).unwrap());
    for line in &lines[1..] {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(()).unwrap()
}

fn inspected(request: &Request<()>, limits: Limits) -> Result<(), HeadFault> {
    inspect(request, &Names::of(request.headers()), limits)
}

#[track_caller]
fn check(version: Version, lines: &[&str], expected: Result<(), HeadFault>) {
    assert_eq!(
        inspected(&head(version, lines), LIMITS),
        expected,
        "{lines:?}"
    );
}

#[track_caller]
fn http1(lines: &[&str], expected: Result<(), HeadFault>) {
    check(Version::HTTP_11, lines, expected);
}

#[track_caller]
fn http2(lines: &[&str], expected: Result<(), HeadFault>) {
    check(Version::HTTP_2, lines, expected);
}

#[test]
fn an_ordinary_head_passes() {
    http1(&["GET /a?b=c", "host: h"], Ok(()));
    http1(&["POST /a", "host: h:80", "content-length: 12"], Ok(()));
    http1(
        &["POST /a", "host: h", "transfer-encoding: chunked"],
        Ok(()),
    );
    http1(
        &["POST /a", "host: h", "transfer-encoding: Chunked"],
        Ok(()),
    );
    http1(&["OPTIONS *", "host: h"], Ok(()));
    http1(&["GET http://h", "host: h"], Ok(()));
    http2(&["GET https://h/a"], Ok(()));
}

#[test]
fn http_1_1_has_exactly_one_host_and_http_1_0_at_most_one() {
    http1(&["GET /"], Err(HeadFault::NoHost));
    http1(&["GET http://h/"], Err(HeadFault::NoHost));
    http1(
        &["GET /", "host: a", "host: a"],
        Err(HeadFault::SeveralHosts),
    );
    http1(
        &["GET /", "host: a, b"],
        Err(HeadFault::Host(HostFault::Name)),
    );
    http1(&["GET /", "host: "], Err(HeadFault::Host(HostFault::Name)));
    http1(
        &["GET /", "host: u@h"],
        Err(HeadFault::Host(HostFault::UserInfo)),
    );
    http1(
        &["GET /", "host: h:99999"],
        Err(HeadFault::Host(HostFault::Port)),
    );
    check(Version::HTTP_10, &["GET /"], Ok(()));
    check(
        Version::HTTP_10,
        &["GET /", "host: a", "host: b"],
        Err(HeadFault::SeveralHosts),
    );
    check(
        Version::HTTP_10,
        &["GET /", "host: a b"],
        Err(HeadFault::Host(HostFault::Name)),
    );
}

#[test]
fn http_2_has_an_authority_and_no_host_that_contradicts_it() {
    http2(&["GET https://h/", "host: h"], Ok(()));
    http2(&["GET https://H/", "host: h."], Ok(()));
    http2(
        &["GET https://h/", "host: other"],
        Err(HeadFault::SeveralHosts),
    );
    http2(
        &["GET https://h/", "host: h:8080"],
        Err(HeadFault::SeveralHosts),
    );
    http2(
        &["GET https://h/", "host: h", "host: h"],
        Err(HeadFault::SeveralHosts),
    );
    http2(&["GET /", "host: h"], Ok(()));
    http2(&["GET /"], Err(HeadFault::NoHost));
    http2(
        &["GET https://u@h/"],
        Err(HeadFault::Host(HostFault::UserInfo)),
    );
}

#[test]
fn a_target_names_a_resource_over_http() {
    http1(&["GET foo", "host: h"], Err(HeadFault::NoPath));
    http1(&["GET h:80", "host: h"], Err(HeadFault::NoPath));
    http1(&["GET *", "host: h"], Err(HeadFault::Asterisk));
    http1(&["GET ftp://h/x", "host: h"], Err(HeadFault::Scheme));
    http1(
        &["GET http://u:p@h/x", "host: h"],
        Err(HeadFault::Host(HostFault::UserInfo)),
    );
    http1(
        &["GET http://h:99999/x", "host: h"],
        Err(HeadFault::Host(HostFault::Port)),
    );
}

#[test]
fn the_router_answers_for_connect_and_trace() {
    http1(&["CONNECT h:443", "host: h:443"], Ok(()));
    http1(&["TRACE /", "host: h"], Ok(()));
}

#[test]
fn the_only_transfer_coding_is_one_chunked() {
    for coding in [
        "chunked, chunked",
        "gzip, chunked",
        "identity",
        "xchunked",
        "chunked;q=1",
        "",
    ] {
        let line = format!("transfer-encoding: {coding}");
        http1(
            &["POST /", "host: h", &line],
            Err(HeadFault::TransferEncoding),
        );
    }
    let twice = [
        "POST /",
        "host: h",
        "transfer-encoding: chunked",
        "transfer-encoding: chunked",
    ];
    http1(&twice, Err(HeadFault::TransferEncoding));
    let coded = ["POST https://h/", "transfer-encoding: chunked"];
    http2(&coded, Err(HeadFault::TransferEncoding));
}

#[test]
fn a_length_is_one_number_in_its_shortest_writing() {
    for length in [
        "01",
        "00",
        "+1",
        "-1",
        "0x1",
        "1, 1",
        "1.0",
        "",
        " ",
        "9223372036854775808",
        "1e3",
    ] {
        let line = format!("content-length: {length}");
        http1(&["POST /", "host: h", &line], Err(HeadFault::ContentLength));
    }
    http1(&["POST /", "host: h", "content-length: 0"], Ok(()));
    http1(
        &["POST /", "host: h", "content-length: 9223372036854775807"],
        Ok(()),
    );
    let twice = ["POST https://h/", "content-length: 1", "content-length: 1"];
    http2(&twice, Err(HeadFault::ContentLength));
}

#[test]
fn sizes_have_limits() {
    let limits = Limits {
        head_bytes_max: 100,
        fields_max: 3,
        target_bytes_max: 10,
    };
    let judged = |version, lines: &[&str]| inspected(&head(version, lines), limits);

    assert_eq!(
        judged(Version::HTTP_11, &["GET /123456789", "host: h"]),
        Ok(())
    );
    let long = judged(Version::HTTP_11, &["GET /1234567890", "host: h"]);
    assert_eq!(long, Err(HeadFault::TargetTooLong));
    let absolute = judged(Version::HTTP_11, &["GET http://h/12", "host: h"]);
    assert_eq!(absolute, Err(HeadFault::TargetTooLong));
    let many = judged(
        Version::HTTP_11,
        &["GET /", "host: h", "a: 1", "a: 2", "a: 3"],
    );
    assert_eq!(many, Err(HeadFault::TooManyFields));

    // 32 + 1 + 35 bytes and 32 more: exactly 100.
    let value = "v".repeat(67);
    assert_eq!(
        judged(Version::HTTP_2, &["GET https://h/", &format!("a: {value}")]),
        Ok(())
    );
    let large = judged(
        Version::HTTP_2,
        &["GET https://h/", &format!("a: {value}v")],
    );
    assert_eq!(large, Err(HeadFault::HeadTooLarge));
}

#[test]
fn faults_have_a_status_and_only_400_closes() {
    for (fault, status, closes) in [
        (HeadFault::TargetTooLong, 414, false),
        (HeadFault::TooManyFields, 431, false),
        (HeadFault::HeadTooLarge, 431, false),
        (HeadFault::NoHost, 400, true),
        (HeadFault::TransferEncoding, 400, true),
    ] {
        assert_eq!(
            (fault.status().as_u16(), fault.closes()),
            (status, closes),
            "{fault:?}"
        );
    }
}

#[test]
fn the_effective_host_is_the_targets_else_the_fields() {
    let host_of =
        |version, lines: &[&str]| host(&head(version, lines)).map(|host| host.name().to_owned());
    assert_eq!(
        host_of(Version::HTTP_11, &["GET /", "host: Field:80"]).as_deref(),
        Some("field")
    );
    assert_eq!(
        host_of(Version::HTTP_11, &["GET http://T/", "host: f"]).as_deref(),
        Some("t")
    );
    assert_eq!(host_of(Version::HTTP_10, &["GET /"]), None);
    assert_eq!(host_of(Version::HTTP_11, &["GET /", "host: a b"]), None);
}

#[test]
fn names_with_underscores_are_dropped() {
    let mut fields = head(
        Version::HTTP_11,
        &["GET /", "x_a: 1", "x_a: 2", "x-a: 3", "_: 4"],
    )
    .headers()
    .clone();
    assert_eq!(scrub_underscores(&mut fields), 3);
    assert_eq!(fields.len(), 1);
    assert_eq!(scrub_underscores(&mut fields), 0);
}
