//! A host and its port: `Host`, `:authority`, or the authority of a target (RFC 9110 §7.2).

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// Longest name that DNS can carry (RFC 1035 §2.3.4), as text without the trailing dot.
const NAME_BYTES_MAX: usize = 253;

/// A valid host in its normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    name: Cow<'a, str>,
    port: Option<u16>,
}

/// Why a host is ill-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostFault {
    /// It is empty, or has a character, an empty label or a length that no name has; a list of names too.
    Name,
    /// It has user info (`user@host`).
    UserInfo,
    /// Its port is not a number up to 65535.
    Port,
}

impl HostFault {
    /// The word for it, in logs and metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Name => "host-name",
            Self::UserInfo => "user-info",
            Self::Port => "host-port",
        }
    }
}

impl<'a> Host<'a> {
    /// Reads a host with an optional port.
    ///
    /// Names are letters, digits, `-`, `.`, `_` and `~` (an international name comes as punycode). The
    /// grammar of RFC 3986 would allow more, commas and percent-encoding among it, which nobody's name has
    /// and which two readers may understand differently.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, HostFault> {
        // No name and no port has the sign, so it need be looked for only where something is wrong.
        Self::read(text).map_err(|fault| {
            if text.contains('@') {
                HostFault::UserInfo
            } else {
                fault
            }
        })
    }

    fn read(text: &'a str) -> Result<Self, HostFault> {
        let (name, rest) = if text.starts_with('[') {
            let end = text.find(']').ok_or(HostFault::Name)?;
            let address = &text[1..end];
            address.parse::<Ipv6Addr>().map_err(|_| HostFault::Name)?;
            text.split_at(end + 1)
        } else {
            let (name, rest) = split_name(text).ok_or(HostFault::Name)?;
            (name.strip_suffix('.').unwrap_or(name), rest)
        };
        Ok(Self {
            name: lower(name),
            port: port(rest)?,
        })
    }

    /// The name or address, in lower case, without a trailing dot; an IPv6 address in brackets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port, where one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The name; it borrows from the request unless that wrote capitals.
    pub fn into_name(self) -> Cow<'a, str> {
        self.name
    }
}

/// The bytes of a name (RFC 3986 §3.2.2: of `reg-name` those that a host has in practice).
const NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut bytes: &[u8] = b".-_~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    while let [byte, rest @ ..] = bytes {
        table[*byte as usize] = true;
        bytes = rest;
    }
    table
};

/// A name, and what stands behind it from its colon on.
fn split_name(text: &str) -> Option<(&str, &str)> {
    // As behind a dot: a label may neither begin nor end here.
    let (mut before, mut end) = (b'.', text.len());
    for (place, byte) in text.bytes().enumerate() {
        if !NAME_BYTES[usize::from(byte)] || (byte == b'.' && before == b'.') {
            if byte != b':' {
                return None;
            }
            end = place;
            break;
        }
        before = byte;
    }
    let is_rooted = before == b'.' && end > 1;
    let length = end - usize::from(is_rooted);
    let (name, rest) = text.split_at(end);
    (end > 0 && (before != b'.' || is_rooted) && length <= NAME_BYTES_MAX).then_some((name, rest))
}

fn port(rest: &str) -> Result<Option<u16>, HostFault> {
    match rest.strip_prefix(':') {
        Some("") => Ok(None), // RFC 3986 §3.2.3: the same as none.
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map(Some).map_err(|_| HostFault::Port)
        }
        Some(_) => Err(HostFault::Port),
        None if rest.is_empty() => Ok(None),
        None => Err(HostFault::Name), // Something behind the bracket.
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, Option<u16>), HostFault>) {
        let read = Host::parse(text);
        let read = read
            .as_ref()
            .map(|host| (host.name(), host.port()))
            .map_err(|fault| *fault);
        assert_eq!(read, expected, "{text:?}");
    }

    #[test]
    fn names_and_addresses_have_one_normal_form() {
        check("example.com", Ok(("example.com", None)));
        check("Example.COM.", Ok(("example.com", None)));
        check("example.com.:8080", Ok(("example.com", Some(8080))));
        check("example.com:", Ok(("example.com", None)));
        check("my_service-1", Ok(("my_service-1", None)));
        check("127.0.0.1:65535", Ok(("127.0.0.1", Some(65535))));
        check("[::1]", Ok(("[::1]", None)));
        check("[FE80::1]:443", Ok(("[fe80::1]", Some(443))));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a b",
            "a,b",
            "a/b",
            "a%2fb",
            "é",
            "a\\b",
            "a?b",
            "*",
            "[::1",
            "[::1]x",
            "[1.2.3.4]",
            "[fe80::1%eth0]",
            "[v1.x]",
            "::1 ",
            "a\0",
        ] {
            check(text, Err(HostFault::Name));
        }
        check(&"a".repeat(253), Ok((&"a".repeat(253), None)));
        check(&"a".repeat(254), Err(HostFault::Name));
    }

    #[test]
    fn a_port_is_a_number_up_to_65535() {
        for text in [
            "a:65536", "a:99999", "a:x", "a:+1", "a:-1", "a:1:2", "[::1]:x", "a:80 ",
        ] {
            check(text, Err(HostFault::Port));
        }
    }

    #[test]
    fn user_info_is_refused() {
        check("user@a", Err(HostFault::UserInfo));
        check("user:password@a:80", Err(HostFault::UserInfo));
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_a_normal_form_is_its_own(text in "\\PC{0,40}|[a-zA-Z0-9.:@\\[\\]_-]{0,40}") {
            if let Ok(host) = Host::parse(&text) {
                let name = host.name();
                prop_assert!(!name.is_empty());
                prop_assert!(!name.ends_with('.'));
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
                prop_assert!(!name.contains(['@', ',', '/', '\\', '?', '#', '%']));
                let again = Host::parse(name).unwrap();
                prop_assert_eq!(again.name(), name);
            }
        }

        #[test]
        fn every_name_and_port_is_read(name in "[a-z0-9]{1,10}(\\.[a-z0-9]{1,10}){0,3}", port in any::<u16>()) {
            let text = format!("{name}:{port}");
            let host = Host::parse(&text).unwrap();
            prop_assert_eq!((host.name(), host.port()), (name.as_str(), Some(port)));
        }
    }
}
