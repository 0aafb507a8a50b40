//! The rules of one route, ready for requests.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

use super::origin::AllowedOrigin;
use super::settings::{CorsSettings, CorsTable};

const ANY: HeaderValue = HeaderValue::from_static("*");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// Which pages may read a route's answers; made from [`CorsSettings`] when the configuration is read.
#[derive(Clone, Debug, PartialEq)]
pub struct CorsPolicy {
    /// Whether `*` is among the origins; the others do not matter then.
    any: bool,
    origins: Vec<AllowedOrigin>,
    pub(super) methods: Option<Listed>,
    pub(super) headers: Option<Listed>,
    expose: Option<HeaderValue>,
    credentials: bool,
    pub(super) max_age: HeaderValue,
}

/// A list, and the same as a field's value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listed {
    pub(super) names: Vec<Box<str>>,
    pub(super) value: HeaderValue,
}

/// Why settings make no [`CorsPolicy`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CorsError {
    /// Credentials with `*`: any page of the web could act as its visitor.
    #[error("credentials go with exact origins and names only, and {key} has *")]
    CredentialsWithWildcard {
        /// The key of the table that has the `*`.
        key: &'static str,
    },
}

/// What one request's answer will say, settled before the request goes on.
#[derive(Debug)]
pub(super) struct Grant {
    origin: Option<HeaderValue>,
    credentials: bool,
    expose: Option<HeaderValue>,
    vary: bool,
}

impl CorsPolicy {
    /// Makes `settings` ready for requests; `Ok(None)` where they are `false`.
    ///
    /// `default_origins` stand in where the settings name no origins of their own.
    pub fn compile(
        settings: &CorsSettings,
        default_origins: &[AllowedOrigin],
    ) -> Result<Option<Self>, CorsError> {
        let default_table;
        let table = match settings {
            CorsSettings::Switch(false) => return Ok(None),
            CorsSettings::Switch(true) => {
                default_table = CorsTable::default();
                &default_table
            }
            CorsSettings::Table(table) => table,
        };
        let origins = table.origins.as_deref().unwrap_or(default_origins);
        let any = origins.iter().any(AllowedOrigin::is_any);
        let headers = table.headers.as_deref().unwrap_or_default();
        let is_wildcard = |name: &crate::FieldName| name.as_str() == "*";
        if table.credentials {
            for (key, wild) in [
                ("origins", any),
                ("headers", headers.iter().any(is_wildcard)),
                ("expose", table.expose.iter().any(is_wildcard)),
            ] {
                if wild {
                    return Err(CorsError::CredentialsWithWildcard { key });
                }
            }
        }
        let methods = table.methods.as_deref();
        let headers = table
            .headers
            .as_deref()
            .filter(|names| !names.iter().any(is_wildcard));
        let expose = listed(table.expose.iter().map(crate::FieldName::as_str));
        Ok(Some(Self {
            any,
            origins: origins.to_vec(),
            methods: methods.map(|names| listed(names.iter().map(crate::MethodName::as_str))),
            headers: headers.map(|names| listed(names.iter().map(crate::FieldName::as_str))),
            expose: (!table.expose.is_empty()).then_some(expose.value),
            credentials: table.credentials,
            max_age: HeaderValue::from(table.max_age.as_secs()),
        }))
    }

    /// What the answer to a request with `fields` will say.
    pub(super) fn grant(&self, fields: &HeaderMap) -> Grant {
        let origin = if self.any {
            Some(ANY)
        } else {
            sole(fields, &ORIGIN)
                .filter(|origin| self.allows(origin))
                .cloned()
        };
        Grant {
            credentials: self.credentials && origin.is_some(),
            expose: self.expose.clone().filter(|_| origin.is_some()),
            origin,
            vary: !self.any,
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        self.origins
            .iter()
            .any(|allowed| allowed.matches(origin.as_bytes()))
    }
}

impl Grant {
    /// Whether the request's origin may read the answer.
    pub(super) fn allowed(&self) -> bool {
        self.origin.is_some()
    }

    /// The same without the permission.
    pub(super) fn refused(self) -> Self {
        Self {
            origin: None,
            credentials: false,
            expose: None,
            vary: self.vary,
        }
    }

    /// Makes `fields`, those of an answer, say so and nothing else.
    pub(super) fn apply(mut self, fields: &mut HeaderMap) {
        remove_own(fields);
        if let Some(expose) = self.expose.take() {
            fields.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose);
        }
        self.apply_preflight(fields);
    }

    /// The same for a preflight, which has no fields of others and nothing to read.
    pub(super) fn apply_preflight(self, fields: &mut HeaderMap) {
        if let Some(origin) = self.origin {
            fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        }
        if self.credentials {
            fields.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        }
        if self.vary && !varies_by_origin(fields) {
            fields.append(VARY, VARY_ORIGIN);
        }
    }
}

/// The value of a field that may stand once only.
pub(super) fn sole<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = fields.get_all(name).into_iter();
    values.next().filter(|_| values.next().is_none())
}

/// Takes away every `Access-Control-*` field of an answer.
fn remove_own(fields: &mut HeaderMap) {
    let is_own = |name: &&HeaderName| name.as_str().starts_with("access-control-");
    // Allocates only when there is something to remove.
    let own: Vec<HeaderName> = fields.keys().filter(is_own).cloned().collect();
    for name in own {
        fields.remove(name);
    }
}

fn varies_by_origin(fields: &HeaderMap) -> bool {
    let lines = fields.get_all(VARY).into_iter();
    let mut names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    names.any(|name| {
        let name = name.trim_ascii();
        name == b"*" || name.eq_ignore_ascii_case(b"origin")
    })
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Listed {
    let names: Vec<Box<str>> = names.map(Into::into).collect();
    // Names are tokens, so that their list is a value; an empty one allows nothing.
    let value = HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static(""));
    Listed { names, value }
}
