//! Which of the fields that a gateway decides by a head has.
//!
//! Most heads have none or one of them: a look at all names costs less than a search for each.

use http::header::{
    ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER, TE, VIA,
};

use super::hop_by_hop;

/// A set of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(u16);

impl Names {
    pub(crate) const ACCEPT: Self = Self(1);
    pub(crate) const CONNECTION: Self = Self(1 << 1);
    pub(crate) const CONTENT_LENGTH: Self = Self(1 << 2);
    pub(crate) const CONTENT_TYPE: Self = Self(1 << 3);
    pub(crate) const KEEP_ALIVE: Self = Self(1 << 4);
    pub(crate) const RETRY_AFTER: Self = Self(1 << 5);
    pub(crate) const TE: Self = Self(1 << 6);
    pub(crate) const VIA: Self = Self(1 << 7);
    /// Any of those that are for one hop, by what they are.
    pub(crate) const ONE_HOP: Self = Self(1 << 8);
    /// `Via` with our own entry at its end, which no head comes with.
    pub(crate) const OUR_VIA: Self = Self(1 << 9);

    /// The names of `headers`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sets = headers.keys().map(Self::of_one);
        Self(sets.fold(0, |all, one| all | one.0))
    }

    fn of_one(name: &HeaderName) -> Self {
        let and_one_hop = |one: Self| Self(one.0 | Self::ONE_HOP.0);
        if *name == ACCEPT {
            Self::ACCEPT
        } else if *name == CONTENT_TYPE {
            Self::CONTENT_TYPE
        } else if *name == CONTENT_LENGTH {
            Self::CONTENT_LENGTH
        } else if *name == CONNECTION {
            and_one_hop(Self::CONNECTION)
        } else if *name == TE {
            and_one_hop(Self::TE)
        } else if *name == VIA {
            Self::VIA
        } else if *name == RETRY_AFTER {
            Self::RETRY_AFTER
        } else if hop_by_hop::is_always(name) {
            if name.as_str() == "keep-alive" {
                and_one_hop(Self::KEEP_ALIVE)
            } else {
                Self::ONE_HOP
            }
        } else {
            Self(0)
        }
    }

    /// These and `names`.
    pub(crate) fn and(self, names: Self) -> Self {
        Self(self.0 | names.0)
    }

    /// Whether any of `names` is among them.
    pub(crate) fn have(self, names: Self) -> bool {
        self.0 & names.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_field_of_one_hop_is_seen() {
        let all = [
            CONNECTION,
            TE,
            http::header::TRANSFER_ENCODING,
            http::header::UPGRADE,
            HeaderName::from_static("keep-alive"),
            HeaderName::from_static("proxy-connection"),
            HeaderName::from_static("http2-settings"),
            ACCEPT,
            CONTENT_TYPE,
            CONTENT_LENGTH,
            VIA,
            RETRY_AFTER,
            HeaderName::from_static("x-other"),
        ];
        for name in all {
            let mut headers = HeaderMap::new();
            headers.insert(&name, HeaderValue::from_static("a"));
            let names = Names::of(&headers);
            assert_eq!(
                names.have(Names::ONE_HOP),
                hop_by_hop::is_always(&name),
                "{name}"
            );
        }
    }
}
