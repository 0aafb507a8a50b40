//! Which coding does the client want most? (RFC 9110 §12.5.3)
use http::HeaderMap;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A content coding that the gateway can make.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Coding {
    /// RFC 8878.
    Zstd,
    /// RFC 7932.
    Br,
    /// RFC 1952.
    Gzip,
}

impl Coding {
    /// All, the preferred first.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Br, Self::Gzip];

    /// Its name in the HTTP Content Coding Registry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Br => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Whether `token` names it, whatever its case; `x-gzip` is `gzip` (RFC 9110 §8.4.1.3).
    fn is_named(self, token: &[u8]) -> bool {
        token.eq_ignore_ascii_case(self.as_str().as_bytes())
            || (self == Self::Gzip && token.eq_ignore_ascii_case(b"x-gzip"))
    }
}

/// The codings of a route, the preferred first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codings([Option<Coding>; 3]);

impl Codings {
    /// These, in this order, each once; `None` where there is none.
    pub fn new(codings: &[Coding]) -> Option<Self> {
        let mut kept = [None; 3];
        let mut count = 0;
        for coding in codings {
            if !kept.contains(&Some(*coding)) {
                kept[count] = Some(*coding);
                count += 1;
            }
        }
        (count > 0).then_some(Self(kept))
    }

    fn iter(self) -> impl Iterator<Item = Coding> {
        self.0.into_iter().flatten()
    }

    /// The coding that a request with these fields gets; `None`: the answer stays as it is.
    ///
    /// The highest quality wins, of equal ones the route's first. A coding that only `*` covers has its quality.
    /// Without `Accept-Encoding`, where `identity` is named with a higher quality, or under the request's
    /// `no-transform`, it is none; and so where nothing fits, `identity;q=0` or not: an answer that the client
    /// may be able to read is worth more than a 406.
    pub fn choose(self, fields: &HeaderMap) -> Option<Coding> {
        if forbids_transforms(fields) {
            return None;
        }
        let mut named = [None; 3];
        let (mut identity, mut any) = (None, None);
        for line in fields.get_all(ACCEPT_ENCODING) {
            for element in line.as_bytes().split(|byte| *byte == b',') {
                let Some((token, quality)) = read(element) else {
                    continue;
                };
                // Of one that is named twice the lower counts: less is never wrong.
                let note = |place: &mut Option<u16>| {
                    *place = Some(place.map_or(quality, |known| known.min(quality)));
                };
                if token == b"*" {
                    note(&mut any);
                } else if token.eq_ignore_ascii_case(b"identity") {
                    note(&mut identity);
                } else if let Some(at) = self.iter().position(|coding| coding.is_named(token)) {
                    note(&mut named[at]);
                }
            }
        }
        let floor = identity.unwrap_or(0);
        let mut best: Option<(Coding, u16)> = None;
        for (at, coding) in self.iter().enumerate() {
            let quality = named[at].or(any).unwrap_or(0);
            if quality > 0 && quality >= floor && best.is_none_or(|(_, known)| quality > known) {
                best = Some((coding, quality));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// Reduces a request's `Accept-Encoding` to the coding that it gets, `identity` where that is none, so that
    /// stored responses and the upstream know so many kinds of request and no more.
    pub fn narrow(self, fields: &mut HeaderMap) -> Option<Coding> {
        let coding = self.choose(fields);
        let name = coding.map_or("identity", Coding::as_str);
        fields.insert(ACCEPT_ENCODING, HeaderValue::from_static(name));
        coding
    }
}

/// Whether `Cache-Control` forbids to change the content (RFC 9111 §5.2.1.6, §5.2.2.6).
pub(super) fn forbids_transforms(fields: &HeaderMap) -> bool {
    fields.get_all(CACHE_CONTROL).iter().any(|line| {
        let mut directives = line.as_bytes().split(|byte| *byte == b',');
        directives.any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
    })
}

/// One element of the list with its quality in thousandths; `None` where it is not legible.
fn read(element: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = element.split(|byte| *byte == b';');
    let token = parts.next()?.trim_ascii();
    if token.is_empty() {
        return None;
    }
    let mut thousandths = 1000;
    for part in parts {
        let (b'q' | b'Q', value) = part.trim_ascii().split_first()? else {
            return None;
        };
        thousandths = quality(value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii())?;
    }
    Some((token, thousandths))
}

/// `0.25` as 250 (RFC 9110 §12.4.2).
fn quality(text: &[u8]) -> Option<u16> {
    let (whole, fraction) = match text {
        [whole] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return None,
    };
    let mut thousandths = match whole {
        b'0' => 0,
        b'1' => 1000,
        _ => return None,
    };
    let mut place = 100;
    for digit in fraction {
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths += u16::from(digit - b'0') * place;
        place /= 10;
    }
    (thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(lines: &[&str]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for line in lines {
            fields.append(ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
        }
        fields
    }

    #[track_caller]
    fn check(lines: &[&str], expected: Option<Coding>) {
        let all = Codings::new(&Coding::ALL).unwrap();
        let mut fields = fields(lines);
        assert_eq!(all.choose(&fields), expected, "{lines:?}");
        assert_eq!(all.narrow(&mut fields), expected);
        // Whoever asks again finds the same.
        assert_eq!(all.narrow(&mut fields), expected);
        let name = expected.map_or("identity", Coding::as_str);
        assert_eq!(
            fields.get_all(ACCEPT_ENCODING).iter().collect::<Vec<_>>(),
            [name]
        );
    }

    #[test]
    fn the_highest_quality_wins_and_of_equal_ones_the_routes_first() {
        use Coding::{Br, Gzip, Zstd};
        check(&[], None);
        check(&[""], None);
        check(&["identity"], None);
        check(&["deflate, compress"], None);
        check(&["gzip"], Some(Gzip));
        check(&["GZip"], Some(Gzip));
        check(&["x-gzip"], Some(Gzip));
        check(&["gzip, deflate, br, zstd"], Some(Zstd));
        check(&["gzip, deflate, br"], Some(Br));
        check(&["gzip", "br"], Some(Br));
        check(&["gzip;q=1.0, br;q=0.9, zstd;q=0.5"], Some(Gzip));
        check(&["gzip ; Q=0.2 ,br ; q=0.25"], Some(Br));
        check(&["gzip;q=0.001"], Some(Gzip));
        check(&["gzip;q=0"], None);
        check(&["gzip;q=0.000, br;q=0"], None);
        check(&["*"], Some(Zstd));
        check(&["zstd;q=0, *"], Some(Br));
        check(&["*;q=0, gzip"], Some(Gzip));
        check(&["*;q=0"], None);
        check(&["gzip, *;q=0.1"], Some(Gzip));
        check(&["identity;q=0, gzip;q=0.1"], Some(Gzip));
        check(&["identity;q=0"], None);
        check(&["identity;q=1, gzip;q=0.5"], None);
        check(&["identity;q=0.5, gzip;q=0.5"], Some(Gzip));
        check(&["gzip, gzip;q=0"], None);
        for illegible in [
            "gzip;q=2",
            "gzip;q=1.001",
            "gzip;q=0.1234",
            "gzip;level=9",
            "gzip;q",
        ] {
            check(&[illegible], None);
            check(&[illegible, "br"], Some(Br));
        }
    }

    #[test]
    fn a_route_may_have_some_in_its_own_order() {
        let some = Codings::new(&[Coding::Gzip, Coding::Br, Coding::Gzip]).unwrap();
        assert_eq!(
            some.choose(&fields(&["br, gzip, zstd"])),
            Some(Coding::Gzip)
        );
        assert_eq!(some.choose(&fields(&["zstd"])), None);
        assert_eq!(Codings::new(&[]), None);
    }

    #[test]
    fn a_request_may_forbid_it() {
        let all = Codings::new(&Coding::ALL).unwrap();
        let mut fields = fields(&["gzip"]);
        fields.insert(
            CACHE_CONTROL,
            HeaderValue::from_static("max-age=0, No-Transform"),
        );
        assert_eq!(all.choose(&fields), None);
    }

    proptest! {
        #[test]
        fn what_is_chosen_was_accepted(list in proptest::collection::vec(
            ("(gzip|br|zstd|identity|deflate|\\*)", 0_u16..=1000), 0..8)
        ) {
            let text: Vec<_> = list
                .iter()
                .map(|(token, q)| format!("{token};q={}.{:03}", q / 1000, q % 1000))
                .collect();
            let chosen = Codings::new(&Coding::ALL).unwrap().choose(&fields(&[&text.join(", ")]));
            let least = |token: &str| {
                list.iter().filter(|(named, _)| named == token).map(|(_, q)| *q).min()
            };
            let of = |coding: Coding| least(coding.as_str()).or(least("*")).unwrap_or(0);
            let most = Coding::ALL.into_iter().map(of).max().unwrap_or(0);
            match chosen {
                Some(coding) => prop_assert!(of(coding) > 0 && of(coding) == most),
                None => prop_assert!(most == 0 || least("identity").is_some_and(|q| q > most)),
            }
        }

        #[test]
        fn any_bytes_are_read_to_their_end(line in "[ -~]{0,64}") {
            let _ = Codings::new(&Coding::ALL).unwrap().choose(&fields(&[&line]));
        }
    }
}
