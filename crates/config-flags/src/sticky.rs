//! Where the stickiness key of a caller without a user id comes from.

use http::header::{COOKIE, HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

/// What holds for all flags.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct FlagSettings {
    /// The header or cookie whose value is the stickiness key where there is no user id. Without it, a caller without a
    /// user id is in no share.
    #[validate(custom(function = "one_source"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sticky: Option<Sticky>,
}

/// The header or the cookie that holds the stickiness key; exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Sticky {
    /// The name of a header, such as `x-session-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The name of a cookie, such as `sid`. Case matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
}

fn one_source(sticky: &Sticky) -> Result<(), ValidationError> {
    match StickySource::of(sticky) {
        Ok(_) => Ok(()),
        Err(fault) => Err(ValidationError::new("sticky").with_message(fault.into())),
    }
}

/// Where to find the stickiness key in a request: [`FlagSettings::sticky`], made ready.
///
/// ```
/// use config_flags::{FlagSettings, Sticky, StickySource};
/// use http::{HeaderMap, HeaderValue};
///
/// let settings = FlagSettings {
///     sticky: Some(Sticky { cookie: Some("sid".into()), ..Sticky::default() }),
/// };
/// let source = StickySource::new(&settings);
///
/// let mut headers = HeaderMap::new();
/// headers.insert("cookie", HeaderValue::from_static("theme=dark; sid=a81f"));
/// assert_eq!(source.key(&headers), Some("a81f"));
/// assert_eq!(source.field().unwrap(), "cookie");
/// ```
#[derive(Clone, Debug, Default)]
pub struct StickySource(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    Nowhere,
    Header(HeaderName),
    Cookie(Box<str>),
}

impl StickySource {
    /// Makes the source of `settings` ready. Settings that do not pass [`Validate`] give a source without keys.
    pub fn new(settings: &FlagSettings) -> Self {
        settings
            .sticky
            .as_ref()
            .and_then(|sticky| Self::of(sticky).ok())
            .unwrap_or_default()
    }

    fn of(sticky: &Sticky) -> Result<Self, &'static str> {
        match (&sticky.header, &sticky.cookie) {
            (Some(header), None) => HeaderName::try_from(header.as_str())
                .map(|name| Self(Source::Header(name)))
                .map_err(|_| "is not the name of a header"),
            (None, Some(cookie)) if is_token(cookie) => {
                Ok(Self(Source::Cookie(cookie.as_str().into())))
            }
            (None, Some(_)) => Err("is not the name of a cookie"),
            _ => Err("takes either a header or a cookie"),
        }
    }

    /// The key that a request with `headers` brings: the first non-empty value of the header or cookie. A value that
    /// is not text is none.
    pub fn key<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let key = match &self.0 {
            Source::Nowhere => return None,
            Source::Header(name) => headers.get(name)?.to_str().ok()?.trim_ascii(),
            Source::Cookie(name) => cookie(headers, name)?,
        };
        (!key.is_empty()).then_some(key)
    }

    /// The request's field that the key comes from: what `Vary` must name where the key decided.
    pub fn field(&self) -> Option<&HeaderName> {
        match &self.0 {
            Source::Nowhere => None,
            Source::Header(name) => Some(name),
            Source::Cookie(_) => Some(&COOKIE),
        }
    }
}

/// The value of the first cookie called `name` (RFC 6265 §4.2.1). HTTP/2 may bring cookies in several fields (RFC 9113
/// §8.2.3), and another cookie's strange bytes must not hide ours, so the pieces are read one by one.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|field| field.as_bytes().split(|byte| *byte == b';'))
        .find_map(|pair| {
            let value = pair.trim_ascii().strip_prefix(name.as_bytes())?;
            let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii();
            let bare = value
                .strip_prefix(b"\"")
                .and_then(|quoted| quoted.strip_suffix(b"\""));
            std::str::from_utf8(bare.unwrap_or(value)).ok()
        })
}

/// A cookie's name is a token (RFC 9110 §5.6.2), and a header's name is one too, but of any case.
fn is_token(name: &str) -> bool {
    HeaderName::try_from(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn sticky(header: Option<&str>, cookie: Option<&str>) -> FlagSettings {
        FlagSettings {
            sticky: Some(Sticky {
                header: header.map(Into::into),
                cookie: cookie.map(Into::into),
            }),
        }
    }

    fn headers(fields: &[(&'static str, &'static [u8])]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| {
                let value = HeaderValue::from_bytes(value).unwrap();
                (HeaderName::from_static(name), value)
            })
            .collect()
    }

    #[track_caller]
    fn check(settings: &FlagSettings, fields: &[(&'static str, &'static [u8])], key: Option<&str>) {
        assert!(settings.validate().is_ok());
        assert_eq!(StickySource::new(settings).key(&headers(fields)), key);
    }

    #[test]
    fn a_header_is_a_key() {
        let settings = sticky(Some("X-Session"), None);
        check(&settings, &[("x-session", b"s1")], Some("s1"));
        check(&settings, &[("x-session", b"  s1 ")], Some("s1"));
        check(&settings, &[("x-session", b"")], None);
        check(&settings, &[("x-session", b"\xff")], None);
        check(&settings, &[("x-other", b"s1")], None);
    }

    #[test]
    fn a_cookie_is_a_key() {
        let settings = sticky(None, Some("sid"));
        check(&settings, &[("cookie", b"sid=s1")], Some("s1"));
        check(&settings, &[("cookie", b"a=b;sid = s1 ; c=d")], Some("s1"));
        check(&settings, &[("cookie", b"sid=\"s1\"")], Some("s1"));
        check(&settings, &[("cookie", b"sid=a=b")], Some("a=b"));
        check(&settings, &[("cookie", b"a=\xff; sid=s1")], Some("s1"));
        check(
            &settings,
            &[("cookie", b"a=b"), ("cookie", b"sid=s1")],
            Some("s1"),
        );
        check(&settings, &[("cookie", b"sid=s1; sid=s2")], Some("s1"));
        check(
            &settings,
            &[("cookie", b"SID=s1; sidx=s2; xsid=s3; sid")],
            None,
        );
        check(&settings, &[("cookie", b"sid=")], None);
        check(&settings, &[("cookie", b"sid=\"")], Some("\""));
    }

    #[test]
    fn without_a_source_there_is_no_key() {
        check(&FlagSettings::default(), &[("cookie", b"sid=s1")], None);
    }

    #[test]
    fn a_source_is_one_of_the_two() {
        for fault in [
            sticky(None, None),
            sticky(Some("x-a"), Some("a")),
            sticky(Some("no header"), None),
            sticky(None, Some("a=b")),
            sticky(None, Some("")),
        ] {
            assert!(fault.validate().is_err(), "{fault:?}");
            assert_eq!(
                StickySource::new(&fault).key(&headers(&[("x-a", b"1")])),
                None
            );
        }
    }
}
