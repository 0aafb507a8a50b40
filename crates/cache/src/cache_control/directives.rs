//! The members of a `Cache-Control` line (RFC 9111 §5.2), read leniently.

use std::time::Duration;

use http::HeaderName;

/// The largest number of seconds that a directive may say; more counts as this (RFC 9111 §1.2.2).
pub(super) const SECONDS_MAX: u64 = 1 << 31;

/// The longest name of a directive that is known here.
const NAME_MAX: usize = 24;

/// The members of one line, split at commas outside of quoted strings and trimmed.
pub(super) struct Directives<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Directives<'a> {
    type Item = Directive<'a>;

    fn next(&mut self) -> Option<Directive<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.iter().position(|byte| {
            let ends = *byte == b',' && !quoted;
            if *byte == b'"' && !escaped {
                quoted = !quoted;
            }
            escaped = quoted && *byte == b'\\' && !escaped;
            ends
        });
        // A quote that never ends hides nothing: what stands behind it could forbid.
        let end = match end {
            None if quoted => self.0.iter().position(|byte| *byte == b','),
            end => end,
        };
        let (member, rest) = match end {
            Some(end) => (&self.0[..end], &self.0[end + 1..]),
            None => (self.0, &b""[..]),
        };
        self.0 = rest;
        let member = member.trim_ascii();
        let (name, argument) = match member.iter().position(|byte| *byte == b'=') {
            Some(equals) => (&member[..equals], Some(&member[equals + 1..])),
            None => (member, None),
        };
        // The grammar has no blanks around the equals sign.
        let is_sound = !name.ends_with(b" ") && !name.ends_with(b"\t");
        Some(Directive {
            name: name.trim_ascii_end(),
            argument: argument.map(|argument| if is_sound { argument } else { b"" }),
        })
    }
}

/// One member: a name, perhaps with an argument, which blanks around the equals sign make a malformed one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directive<'a> {
    name: &'a [u8],
    pub(super) argument: Option<&'a [u8]>,
}

impl Directive<'_> {
    /// The name in lower case, in `room`; empty where it is longer than all that are known.
    pub(super) fn name<'r>(&self, room: &'r mut [u8; NAME_MAX]) -> &'r str {
        let Some(lower) = room.get_mut(..self.name.len()) else {
            return "";
        };
        lower.copy_from_slice(self.name);
        lower.make_ascii_lowercase();
        std::str::from_utf8(lower).unwrap_or("")
    }

    /// The argument in seconds, as a token or, which a recipient ought to take too, as a quoted string (§5.2); `None`
    /// where it is missing or anything else than digits.
    pub(super) fn seconds(&self) -> Option<Duration> {
        let argument = unquoted(self.argument?);
        if argument.is_empty() || !argument.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let seconds = argument.iter().fold(0_u64, |sum, digit| {
            (sum * 10 + u64::from(digit - b'0')).min(SECONDS_MAX)
        });
        Some(Duration::from_secs(seconds))
    }

    /// The field names of the argument (§5.2.2.4, §5.2.2.7); `None` where there is no argument, or one that is not a
    /// list of names: then the directive is about the whole response.
    pub(super) fn field_names(&self) -> Option<Vec<HeaderName>> {
        let argument = self.argument?;
        let inner = match argument {
            [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => inner,
            bare if !bare.contains(&b'"') => bare,
            _ => return None,
        };
        let mut names = Vec::new();
        for name in inner.split(|byte| *byte == b',') {
            let name = name.trim_ascii();
            if !name.is_empty() {
                names.push(HeaderName::from_bytes(name).ok()?);
            }
        }
        (!names.is_empty()).then_some(names)
    }
}

/// Room for the name of a directive.
pub(super) fn room() -> [u8; NAME_MAX] {
    [0; NAME_MAX]
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        bare => bare,
    }
}
