//! Who asks, and may they?
//!
//! - With tokens configured, every call brings one (`Authorization: Bearer …`). They are compared by digest, all of
//!   them, in constant time; who tried too many wrong ones is not heard for a while.
//! - Without one the API is there only where the program says that it is open (on loopback, outside production), and
//!   only to `Host` `localhost`, `127.0.0.1` and `[::1]`: no web page reaches it under a name of its own.
//! - A call that changes something must be one that no page of another origin can make a browser send.

use config_flags::Secret;
use http::header::{AUTHORIZATION, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::api::Peer;
use crate::problem::Problem;
use tries::WrongTries;

pub(crate) mod page;
pub(crate) mod tries;

/// Under which name the one token of `admin.token` is known.
const ADMIN: &str = "admin";
/// Who asks where nobody needs a token.
const ANYONE: &str = "local";

/// What a token lets its bearer do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Role {
    /// See everything, change nothing.
    Read,
    /// See and change everything.
    Write,
    /// Evaluate flags, nothing else.
    Evaluate,
}

/// `[admin.tokens.NAME]`: a token for one person or program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
pub struct TokenSettings {
    /// The token: 32 characters or more.
    #[validate(length(min = 32))]
    pub token: Secret,
    /// What its bearer may do: `read`, `write` or `evaluate`.
    pub role: Role,
}

/// Something wrong with the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessFault {
    /// The key, from `admin` on.
    pub key: String,
    /// What is wrong with it; never the token itself.
    pub message: String,
}

/// Who may ask.
#[derive(Clone, Debug, Default)]
pub struct Access(Vec<Known>);

#[derive(Clone, Debug)]
struct Known {
    name: String,
    /// A digest, so that the comparison takes as long whatever is right about a try.
    token: blake3::Hash,
    role: Role,
}

/// Whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller<'a> {
    pub(crate) name: &'a str,
    pub(crate) role: Role,
}

impl Access {
    /// The bearers of `admin.token`, who may do everything, and of `admin.tokens`; all faults at once.
    pub fn compile<'a>(
        token: Option<&Secret>,
        tokens: impl IntoIterator<Item = (&'a str, &'a TokenSettings)>,
    ) -> Result<Self, Vec<AccessFault>> {
        let one = token.map(|token| (ADMIN, token, Role::Write, "admin.token".to_owned()));
        let others = tokens.into_iter().map(|(name, settings)| {
            let key = format!("admin.tokens.{name}.token");
            (name, &settings.token, settings.role, key)
        });
        let mut known: Vec<Known> = Vec::new();
        let mut faults = Vec::new();
        for (name, token, role, key) in one.into_iter().chain(others) {
            let mut fault = |message: &str| {
                faults.push(AccessFault {
                    key: key.clone(),
                    message: message.to_owned(),
                });
            };
            if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
                fault(
                    "a token is of visible ASCII characters without blanks, such as `openssl rand -hex 32` gives",
                );
            }
            let token = blake3::hash(token.expose().as_bytes());
            if let Some(same) = known.iter().find(|known| known.token == token) {
                fault(&format!(
                    "the same token as that of {}: each needs its own",
                    same.name
                ));
            }
            if known.iter().any(|known| known.name == name) {
                fault(
                    "`admin` is the name of admin.token: choose another name, or do without admin.token",
                );
            }
            known.push(Known {
                name: name.to_owned(),
                token,
                role,
            });
        }
        if faults.is_empty() {
            Ok(Self(known))
        } else {
            Err(faults)
        }
    }

    /// Whether a call needs a token. Without any, there is no API where the program does not say that it is open.
    pub fn needs_token(&self) -> bool {
        !self.0.is_empty()
    }

    /// Who asks, if they may ask at all.
    pub(crate) fn caller(
        &self,
        request: &Parts,
        peer: &Peer,
        tries: &WrongTries,
    ) -> Result<Caller<'_>, Problem> {
        if self.needs_token() {
            return self.bearer(request, peer, tries);
        }
        if !peer.is_open {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "Without admin.token (ADMIN_TOKEN, 32 characters or more) the admin API is there only on loopback and outside production.",
            ));
        }
        if !is_here(host(request)) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "Without admin.token the admin API answers only to Host localhost, 127.0.0.1 and [::1].",
            ));
        }
        Ok(Caller {
            name: ANYONE,
            role: Role::Write,
        })
    }

    fn bearer(
        &self,
        request: &Parts,
        peer: &Peer,
        tries: &WrongTries,
    ) -> Result<Caller<'_>, Problem> {
        let refused = |detail: &'static str, challenge: &'static str| {
            Problem::new(StatusCode::UNAUTHORIZED, detail)
                .with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
        };
        let Some(token) = token(request) else {
            return Err(refused(
                "The admin API needs a token: Authorization: Bearer TOKEN, with that of admin.token (ADMIN_TOKEN) or of admin.tokens.",
                "Bearer realm=\"admin\"",
            ));
        };
        if let Some(wait) = tries.wait(peer.address, peer.now) {
            let seconds = wait.as_secs() + 1;
            let detail =
                format!("Too many wrong tokens came from this address. Try again in {seconds} s.");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
                .with(RETRY_AFTER, HeaderValue::from(seconds)));
        }
        let digest = blake3::hash(token);
        // To the end, whichever it is; digests are compared in constant time.
        let mut found = None;
        for known in &self.0 {
            if known.token == digest {
                found = Some(known);
            }
        }
        let Some(known) = found else {
            tries.count(peer.address, peer.now);
            tracing::warn!(client = %peer.address, "a wrong token for the admin API");
            return Err(refused(
                "No such token is configured.",
                "Bearer realm=\"admin\", error=\"invalid_token\"",
            ));
        };
        Ok(Caller {
            name: &known.name,
            role: known.role,
        })
    }
}

impl Role {
    pub(crate) fn may_read(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }

    pub(crate) fn may_write(self) -> bool {
        self == Self::Write
    }
}

/// The credentials of a `Bearer` request; of two fields, none (RFC 6750 §2.1).
fn token(request: &Parts) -> Option<&[u8]> {
    let mut fields = request.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (fields.next(), fields.next()) else {
        return None;
    };
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| token.trim_ascii())
}

/// The host that a request asks for.
pub(crate) fn host(request: &Parts) -> &str {
    let target = request.uri.authority().map(http::uri::Authority::as_str);
    let field = || request.headers.get(HOST)?.to_str().ok();
    target.or_else(field).unwrap_or_default()
}

/// Whether a host, with whatever port, is this machine's own.
fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_three_names() {
        for host in [
            "localhost",
            "LocalHost:3001",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:3001",
        ] {
            assert!(is_here(host), "{host}");
        }
        for host in [
            "",
            "localhost.evil",
            "evil.localhost",
            "127.0.0.1.evil",
            "127.0.0.2",
            "[::2]",
            "::1",
            "localhost:evil",
            "localhost@evil",
            "evil:127.0.0.1",
        ] {
            assert!(!is_here(host), "{host}");
        }
    }

    fn fault(token: Option<&str>, tokens: &[(&str, &str)]) -> Vec<String> {
        let token = token.map(Secret::from);
        let tokens: Vec<_> = tokens
            .iter()
            .map(|(name, token)| {
                let (token, role) = (Secret::from(*token), Role::Read);
                (*name, TokenSettings { token, role })
            })
            .collect();
        let tokens = tokens.iter().map(|(name, settings)| (*name, settings));
        let faults = Access::compile(token.as_ref(), tokens);
        let faults = faults.err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.key).collect()
    }

    #[test]
    fn each_token_is_one_persons_and_can_be_sent() {
        assert!(fault(Some("a"), &[("ann", "b"), ("bob", "c")]).is_empty());
        assert_eq!(
            fault(Some("a"), &[("ann", "a")]),
            ["admin.tokens.ann.token"]
        );
        assert_eq!(
            fault(None, &[("ann", "b"), ("bob", "b")]),
            ["admin.tokens.bob.token"]
        );
        assert_eq!(
            fault(Some("a"), &[("admin", "b")]),
            ["admin.tokens.admin.token"]
        );
        assert!(fault(None, &[("admin", "b")]).is_empty());
        assert_eq!(fault(Some("a b"), &[("ann", "ä")]).len(), 2);
    }
}
