use http::header::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

const PEER: &str = "10.0.0.1";

fn trust(field: ForwardedField, passed: &[&str]) -> Trust {
    Trust::compile(&TrustSettings {
        trusted_proxies: TrustedProxies::Private,
        forwarded_field: field,
        forwarded_trust: passed.iter().map(|name| name.parse().unwrap()).collect(),
    })
}

fn map(lines: &[(&str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        let name: HeaderName = name.parse().unwrap();
        fields.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    fields
}

#[track_caller]
fn check(field: ForwardedField, peer: &str, lines: &[(&str, &str)], expected: &str) {
    let client = trust(field, &[]).client(peer.parse().unwrap(), &map(lines));
    assert_eq!(client.ip.to_string(), expected, "{lines:?}");
}

#[track_caller]
fn check_list(list: &str, expected: &str) {
    let lines = [("x-forwarded-for", list)];
    check(ForwardedField::XForwardedFor, PEER, &lines, expected);
}

#[track_caller]
fn check_elements(elements: &str, expected: &str) {
    let lines = [("forwarded", elements)];
    check(ForwardedField::Forwarded, PEER, &lines, expected);
}

#[test]
fn of_a_list_the_right_most_untrusted_counts() {
    check_list("203.0.113.7", "203.0.113.7");
    check_list("198.51.100.9, 203.0.113.7", "203.0.113.7");
    check_list("198.51.100.9, 203.0.113.7, 10.0.0.2", "203.0.113.7");
    check_list("203.0.113.7:4711", "203.0.113.7");
    check_list("[2001:db8::1]:4711 , fd00::2", "2001:db8::1");
    check_list("::ffff:203.0.113.7", "203.0.113.7");
    check_list(", 203.0.113.7,, 10.0.0.2, ", "203.0.113.7");
}

#[test]
fn where_all_are_trusted_the_left_most_counts() {
    check_list("10.0.0.3, 192.168.0.2", "10.0.0.3");
    check_list("", PEER);
    check(ForwardedField::XForwardedFor, PEER, &[], PEER);
}

#[test]
fn an_entry_that_names_nobody_ends_the_walk() {
    check_list("203.0.113.7, unknown", PEER);
    check_list("203.0.113.7, unknown, 10.0.0.2", "10.0.0.2");
    check_list("203.0.113.7, é", PEER);
    check_elements("for=203.0.113.7, for=_hidden", PEER);
    check_elements("for=203.0.113.7, by=10.0.0.9, for=10.0.0.2", "10.0.0.2");
    check_elements("for=203.0.113.7, for=a;for=b", PEER);
}

#[test]
fn several_lines_are_one_list() {
    let lines = [
        ("x-forwarded-for", "198.51.100.9"),
        ("x-forwarded-for", "203.0.113.7, 10.0.0.3"),
        ("x-forwarded-for", "10.0.0.2"),
    ];
    check(ForwardedField::XForwardedFor, PEER, &lines, "203.0.113.7");
    let lines = [
        ("forwarded", "for=203.0.113.7"),
        ("forwarded", "for=10.0.0.2"),
    ];
    check(ForwardedField::Forwarded, PEER, &lines, "203.0.113.7");
}

#[test]
fn forwarded_is_read_as_rfc_7239_writes_it() {
    check_elements("for=203.0.113.7", "203.0.113.7");
    check_elements(
        r#"For="[2001:db8::1]:4711";proto=https;by=10.0.0.2"#,
        "2001:db8::1",
    );
    check_elements(
        "for=198.51.100.9, for=203.0.113.7;by=x, for=10.0.0.2",
        "203.0.113.7",
    );
    check_elements(r#"for="198.51.100.9, for=203.0.113.7"#, "203.0.113.7");
}

#[test]
fn only_the_chosen_field_is_read() {
    let lines = [
        ("forwarded", "for=203.0.113.7"),
        ("x-real-ip", "203.0.113.8"),
    ];
    check(ForwardedField::XForwardedFor, PEER, &lines, PEER);
    let lines = [("x-forwarded-for", "203.0.113.7")];
    check(ForwardedField::Forwarded, PEER, &lines, PEER);
}

#[test]
fn a_stranger_is_taken_for_itself() {
    let lines = [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
    ];
    for peer in ["192.0.2.1", "::ffff:192.0.2.1"] {
        check(ForwardedField::XForwardedFor, peer, &lines, "192.0.2.1");
        let trust = trust(ForwardedField::XForwardedFor, &[]);
        let client = trust.client(peer.parse().unwrap(), &map(&lines));
        assert_eq!((client.trusted_peer, client.proto), (false, None));
    }
    let nobody = Trust::compile(&TrustSettings::default());
    let client = nobody.client(PEER.parse().unwrap(), &map(&lines));
    assert_eq!(
        (client.ip.to_string().as_str(), client.trusted_peer),
        (PEER, false)
    );
}

#[test]
fn a_peer_in_ipv6_writing_is_the_same_peer() {
    let lines = [("x-forwarded-for", "203.0.113.7")];
    check(
        ForwardedField::XForwardedFor,
        "::ffff:10.0.0.1",
        &lines,
        "203.0.113.7",
    );
}

#[test]
fn the_walk_has_a_bound() {
    let list = vec!["10.0.0.2"; 100_000].join(",");
    check_list(&format!("203.0.113.7,{list}"), "10.0.0.2");
    let chain = vec!["10.0.0.2"; HOPS_MAX - 1].join(",");
    check_list(&format!("203.0.113.7,{chain}"), "203.0.113.7");
}

#[track_caller]
fn check_scheme(field: ForwardedField, lines: &[(&str, &str)], expected: Option<Scheme>) {
    let client = trust(field, &[]).client(PEER.parse().unwrap(), &map(lines));
    assert_eq!(client.proto, expected, "{lines:?}");
}

#[test]
fn the_scheme_is_what_a_trusted_hop_wrote() {
    use ForwardedField::{Forwarded, XForwardedFor};
    use Scheme::{Http, Https};

    check_scheme(XForwardedFor, &[], None);
    check_scheme(
        XForwardedFor,
        &[("x-forwarded-proto", "https")],
        Some(Https),
    );
    check_scheme(XForwardedFor, &[("x-forwarded-proto", "WSS")], Some(Https));
    check_scheme(
        XForwardedFor,
        &[("x-forwarded-proto", "https, http")],
        Some(Http),
    );
    check_scheme(XForwardedFor, &[("x-forwarded-proto", "gopher")], None);
    check_scheme(
        Forwarded,
        &[("forwarded", "for=203.0.113.7;proto=https")],
        Some(Https),
    );
    let chain = "for=198.51.100.9;proto=http, for=203.0.113.7;proto=https, for=10.0.0.2;proto=http";
    check_scheme(Forwarded, &[("forwarded", chain)], Some(Https));
    check_scheme(Forwarded, &[("x-forwarded-proto", "https")], None);
}

#[track_caller]
fn check_scrub(trust: &Trust, trusted: bool, kept: &[&str]) {
    let mut fields = map(&[
        ("accept", "*/*"),
        ("forwarded", "for=a"),
        ("from", "someone"),
        ("x-auth-roles", "admin"),
        ("x-auth-token", "t"),
        ("x-forwarded-for", "a"),
        ("x-forwarded-for", "b"),
        ("x-forwarded-host", "h"),
        ("x-forwarded-proto", "https"),
        ("x-forwarding", "yes"),
        ("x-real-ip", "a"),
        ("x_auth_subject", "root"),
        ("x_forwarded_for", "a"),
        ("x_real-ip", "a"),
    ]);
    trust.scrub(&mut fields, trusted);
    let mut names: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, kept);
}

#[test]
fn claims_that_are_not_believed_are_removed() {
    use ForwardedField::{Forwarded, XForwardedFor};
    let plain = ["accept", "from", "x-auth-token", "x-forwarding"];
    let passed = ["x-forwarded-host", "x-real-ip"];
    for field in [XForwardedFor, Forwarded] {
        check_scrub(&trust(field, &passed), false, &plain);
    }
    check_scrub(
        &trust(XForwardedFor, &[]),
        true,
        &[
            "accept",
            "from",
            "x-auth-token",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarding",
        ],
    );
    check_scrub(
        &trust(Forwarded, &[]),
        true,
        &[
            "accept",
            "forwarded",
            "from",
            "x-auth-token",
            "x-forwarded-proto",
            "x-forwarding",
        ],
    );
    check_scrub(
        &trust(XForwardedFor, &passed),
        true,
        &[
            "accept",
            "from",
            "x-auth-token",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarding",
            "x-real-ip",
        ],
    );
}

proptest! {
    /// Whatever a client writes, what the trusted proxy appends decides.
    #[test]
    fn nothing_a_client_invents_counts(invented in "[ -~é]{0,80}", ip in 0x0b00_0000_u32..0x7f00_0000) {
        let address = IpAddr::from(ip.to_be_bytes());
        for field in [ForwardedField::XForwardedFor, ForwardedField::Forwarded] {
            let (name, appended) = match field {
                ForwardedField::XForwardedFor => ("x-forwarded-for", format!("{invented}, {address}")),
                ForwardedField::Forwarded => ("forwarded", format!("{invented}, for={address}")),
            };
            let client = trust(field, &[]).client(PEER.parse().unwrap(), &map(&[(name, &appended)]));
            prop_assert_eq!(client.ip, address);
        }
    }
}
