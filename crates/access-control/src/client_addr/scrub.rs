//! What a sender may not claim is taken away before anyone behind the gateway could believe it.

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

use super::settings::ForwardedField;
use super::{Trust, X_FORWARDED_FOR, X_FORWARDED_PROTO};

/// The fields in which the gateway tells an upstream who the principal is.
const PRINCIPAL: [&str; 4] = [
    "x-auth-subject",
    "x-auth-segments",
    "x-auth-roles",
    "x-auth-scopes",
];

impl Trust {
    /// Removes the fields that the sender of `fields` is not believed in.
    ///
    /// | field | from a trusted proxy | from anyone else |
    /// | --- | --- | --- |
    /// | the one that `forwarded_field` names | kept | removed |
    /// | `X-Forwarded-Proto` | kept | removed |
    /// | what `forwarded_trust` lists | kept | removed |
    /// | any other of `Forwarded`, `X-Forwarded-*`, `X-Real-IP` | removed | removed |
    /// | `X-Auth-Subject`, `-Segments`, `-Roles`, `-Scopes` | removed | removed |
    ///
    /// Each with `_` for `-` is always removed: many programs behind a gateway take the two for one. Call it with
    /// [`ClientAddr::trusted_peer`](crate::ClientAddr::trusted_peer) after [`Trust::client`] has read the fields; it
    /// serves for trailers as well, with `false`.
    pub fn scrub(&self, fields: &mut HeaderMap, trusted: bool) {
        // Allocates only when there is something to remove.
        let refused: Vec<HeaderName> = fields
            .keys()
            .filter(|name| is_claim(name.as_str()) && !(trusted && self.believes(name)))
            .cloned()
            .collect();
        for name in refused {
            fields.remove(name);
        }
    }

    /// Whether a trusted proxy is believed in the field `name`.
    fn believes(&self, name: &HeaderName) -> bool {
        let field = match self.field {
            ForwardedField::XForwardedFor => X_FORWARDED_FOR,
            ForwardedField::Forwarded => FORWARDED,
        };
        *name == field || *name == X_FORWARDED_PROTO || self.passed.contains(name)
    }
}

/// Whether a field could be one that [`Trust::scrub`] removes; false for nearly all. A head that has none need not be
/// scrubbed. `name` is in lower case.
pub fn may_be_claim(name: &str) -> bool {
    name.starts_with(['f', 'x'])
}

/// Whether the field says who a request comes from. `name` is in lower case.
fn is_claim(name: &str) -> bool {
    if !may_be_claim(name) {
        return false;
    }
    let same = |known: &str| {
        let bytes = name
            .bytes()
            .map(|byte| if byte == b'_' { b'-' } else { byte });
        bytes.eq(known.bytes())
    };
    let begins = |start: &str| {
        let bytes = name
            .bytes()
            .map(|byte| if byte == b'_' { b'-' } else { byte });
        name.len() >= start.len() && bytes.take(start.len()).eq(start.bytes())
    };
    name == "forwarded"
        || begins("x-forwarded-")
        || same("x-forwarded")
        || same("x-real-ip")
        || PRINCIPAL.iter().any(|known| same(known))
}
