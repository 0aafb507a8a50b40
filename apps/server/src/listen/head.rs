//! Which request heads are refused: what is visible of their framing and their target behind hyper.
//!
//! - A target over its limit is 414, fields over theirs are 431.
//! - A head that two readers could read differently is 400, and an HTTP/1 connection closes after it:
//!   none (in HTTP/1.1), several or ill-formed `Host`, an HTTP/2 `host` that contradicts `:authority`, any
//!   `Transfer-Encoding` but one `chunked`, a repeated or malformed `Content-Length`.
//! - So is a target that names no resource of ours: an empty path, `*` without `OPTIONS`, user info, a
//!   port over 65535, another scheme than http(s).
//!
//! `CONNECT` and `TRACE` pass: the router answers for methods. What hyper mends or refuses before a
//! service sees it (RFC 9112 §6.3: both lengths, equal repeated lengths, bare line feeds) is not seen here.

mod host;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE,
    HOST, IF_NONE_MATCH, REFERER, TRANSFER_ENCODING, USER_AGENT,
};
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version};

pub use host::{Host, HostFault};

/// What a field costs besides its name and value (RFC 9113 §10.5.1).
const FIELD_OVERHEAD: usize = 32;

/// Limits of a request's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of all fields on HTTP/2, each with 32 on top. (On HTTP/1 hyper holds the head to it.)
    pub head_bytes_max: usize,
    /// Most fields.
    pub fields_max: usize,
    /// Most bytes of the target.
    pub target_bytes_max: usize,
}

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadFault {
    /// The target is longer than [`Limits::target_bytes_max`].
    TargetTooLong,
    /// There are more fields than [`Limits::fields_max`].
    TooManyFields,
    /// The fields are larger than [`Limits::head_bytes_max`].
    HeadTooLarge,
    /// The target has no path.
    NoPath,
    /// The target is `*`, but the method is not `OPTIONS`.
    Asterisk,
    /// The target's scheme is neither http nor https.
    Scheme,
    /// A `Host` is needed, and there is none.
    NoHost,
    /// There are several `Host` fields, or one that contradicts `:authority`.
    SeveralHosts,
    /// The host is ill-formed.
    Host(HostFault),
    /// The transfer coding is not exactly one `chunked`.
    TransferEncoding,
    /// The length is repeated, or is no number below 2^63 in its shortest writing.
    ContentLength,
}

impl HeadFault {
    /// The status that says so: 400, 414 or 431.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::TooManyFields | Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The word for it, in logs and metrics.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TargetTooLong => "target-too-long",
            Self::TooManyFields => "too-many-fields",
            Self::HeadTooLarge => "head-too-large",
            Self::NoPath => "no-path",
            Self::Asterisk => "asterisk-without-options",
            Self::Scheme => "unknown-scheme",
            Self::NoHost => "no-host",
            Self::SeveralHosts => "several-hosts",
            Self::Host(fault) => fault.reason(),
            Self::TransferEncoding => "transfer-encoding",
            Self::ContentLength => "content-length",
        }
    }

    /// Whether an HTTP/1 connection must close after the answer, because where the next request begins is
    /// in doubt.
    pub fn closes(self) -> bool {
        self.status() == StatusCode::BAD_REQUEST
    }
}

/// What one look at a head's fields tells: it costs less than a search for each that somebody at the edge looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names<'a> {
    /// The first `Host`.
    pub host: Option<&'a HeaderValue>,
    /// Whether there is another.
    pub several_hosts: bool,
    /// The others.
    pub kinds: Kinds,
}

/// Which kinds of fields there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is whether one kind of field is there"
)]
pub struct Kinds {
    /// `Content-Length` or `Transfer-Encoding`.
    pub framing: bool,
    /// `X-Request-Id` or `traceparent`.
    pub ids: bool,
    /// `tracestate`.
    pub trace_state: bool,
    /// `Content-Type`.
    pub content_type: bool,
    /// Those that may say whom a request comes from.
    pub claims: bool,
    /// Those with a `_` in their name.
    pub underscores: bool,
}

impl<'a> Names<'a> {
    /// Looks at the names.
    pub fn of(fields: &'a HeaderMap) -> Self {
        let mut names = Self::default();
        for (name, value) in fields {
            // Names that `http` knows are compared as numbers; a text is fetched for the others only.
            if *name == HOST {
                names.several_hosts = names.host.is_some();
                names.host.get_or_insert(value);
            } else if *name == CONTENT_LENGTH || *name == TRANSFER_ENCODING {
                names.kinds.framing = true;
            } else if *name == CONTENT_TYPE {
                names.kinds.content_type = true;
            } else if !NOBODYS.contains(name) {
                names.kinds.see(name.as_str());
            }
        }
        names
    }
}

impl Kinds {
    fn see(&mut self, name: &str) {
        match name {
            "x-request-id" | "traceparent" => self.ids = true,
            "tracestate" => self.trace_state = true,
            _ => {}
        }
        self.claims |= access_control::may_be_claim(name);
        self.underscores |= name.bytes().any(|byte| byte == b'_');
    }
}

/// The fields that most requests have and that are none of these.
// A static: a constant would be made anew, and dropped, at each look.
static NOBODYS: [HeaderName; 8] = [
    USER_AGENT,
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONNECTION,
    COOKIE,
    REFERER,
    IF_NONE_MATCH,
];

/// Judges the head of `request`, which has the fields that `names` tells.
///
/// # Errors
/// The first fault, in this order: sizes, target, host, framing.
pub fn inspect<B>(
    request: &Request<B>,
    names: &Names<'_>,
    limits: Limits,
) -> Result<(), HeadFault> {
    sizes(request, limits)?;
    target(request)?;
    hosts(request, names)?;
    if names.kinds.framing {
        transfer_encoding(request)?;
        content_length(request.headers())?;
    }
    Ok(())
}

/// The host that `request` is for: its target's where it has one, else its `Host` field's.
///
/// `None` for an HTTP/1.0 request without one, and for what [`inspect`] refuses.
pub fn host<B>(request: &Request<B>) -> Option<Host<'_>> {
    let text = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request.headers().get(HOST)?.to_str().ok()?,
    };
    Host::parse(text).ok()
}

/// Drops fields whose name has a `_`; returns how many values that were.
///
/// Some applications read `_` and `-` as the same, so that a client's `x_forwarded_for` would pass for
/// the `x-forwarded-for` that only the gateway may write.
pub fn scrub_underscores(fields: &mut HeaderMap) -> usize {
    let is_odd = |name: &HeaderName| name.as_str().as_bytes().contains(&b'_');
    if !fields.keys().any(is_odd) {
        return 0;
    }
    let before = fields.len();
    let odd: Vec<HeaderName> = fields.keys().filter(|name| is_odd(name)).cloned().collect();
    for name in odd {
        fields.remove(name);
    }
    before - fields.len()
}

fn sizes<B>(request: &Request<B>, limits: Limits) -> Result<(), HeadFault> {
    let http2 = request.version() == Version::HTTP_2;
    if target_length(request, http2) > limits.target_bytes_max {
        return Err(HeadFault::TargetTooLong);
    }
    let fields = request.headers();
    if fields.len() > limits.fields_max {
        return Err(HeadFault::TooManyFields);
    }
    if http2 {
        let size: usize = fields
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD)
            .sum();
        if size > limits.head_bytes_max {
            return Err(HeadFault::HeadTooLarge);
        }
    }
    Ok(())
}

/// The target's length as it was sent; on HTTP/2 that of `:path`.
fn target_length<B>(request: &Request<B>, http2: bool) -> usize {
    let target = request.uri();
    let path = target
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    if http2 {
        return path;
    }
    let scheme = target
        .scheme_str()
        .map_or(0, |scheme| scheme.len() + "://".len());
    let authority = target
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    scheme + authority + path
}

fn target<B>(request: &Request<B>) -> Result<(), HeadFault> {
    let target = request.uri();
    if target
        .scheme()
        .is_some_and(|scheme| *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS)
    {
        return Err(HeadFault::Scheme);
    }
    match target.path().as_bytes() {
        _ if request.method() == Method::CONNECT => Ok(()),
        [b'/', ..] => Ok(()),
        b"*" if request.method() == Method::OPTIONS => Ok(()),
        b"*" => Err(HeadFault::Asterisk),
        _ => Err(HeadFault::NoPath),
    }
}

fn hosts<B>(request: &Request<B>, names: &Names<'_>) -> Result<(), HeadFault> {
    if names.several_hosts {
        return Err(HeadFault::SeveralHosts);
    }
    let field = match names.host {
        Some(field) => {
            let text = field
                .to_str()
                .map_err(|_| HeadFault::Host(HostFault::Name))?;
            Some(Host::parse(text).map_err(HeadFault::Host)?)
        }
        None => None,
    };
    let target = match request.uri().authority() {
        Some(authority) => Some(Host::parse(authority.as_str()).map_err(HeadFault::Host)?),
        None => None,
    };
    match (request.version(), target, field) {
        // RFC 9112 §3.2: a `Host` is required whatever the target's form.
        (Version::HTTP_11, _, None) | (Version::HTTP_2, None, None) => Err(HeadFault::NoHost),
        (Version::HTTP_2, Some(target), Some(field)) if target != field => {
            Err(HeadFault::SeveralHosts)
        }
        _ => Ok(()),
    }
}

fn transfer_encoding<B>(request: &Request<B>) -> Result<(), HeadFault> {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None)
            if request.version() == Version::HTTP_11
                && coding
                    .as_bytes()
                    .trim_ascii()
                    .eq_ignore_ascii_case(b"chunked") =>
        {
            Ok(())
        }
        _ => Err(HeadFault::TransferEncoding),
    }
}

fn content_length(fields: &HeaderMap) -> Result<(), HeadFault> {
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    let (Some(length), None) = (lengths.next(), lengths.next()) else {
        return if fields.contains_key(CONTENT_LENGTH) {
            Err(HeadFault::ContentLength)
        } else {
            Ok(())
        };
    };
    let digits = length.as_bytes();
    let well_formed = match digits {
        b"0" => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let fits = || {
        length
            .to_str()
            .is_ok_and(|digits| digits.parse::<i64>().is_ok())
    };
    if well_formed && fits() {
        Ok(())
    } else {
        Err(HeadFault::ContentLength)
    }
}

#[cfg(test)]
mod tests;
