//! May a page of another origin read this answer?
//!
//! - Where a route has a [`CorsPolicy`], every `Access-Control-*` field is the gateway's: those of the inner answer are
//!   removed, on errors and refusals too. A route without one passes untouched.
//! - A preflight (`OPTIONS` with `Origin` and `Access-Control-Request-Method`) never reaches the inner service. It is 204:
//!   with the permission where origin, method and fields are allowed, else without any `Access-Control-*` field, which a
//!   browser takes as a no. A [`Preflight`] in the answer's extensions says why.
//! - Where the answer depends on the origin, `Vary: Origin` is on every answer, also on those to requests without
//!   `Origin`: a cache must not give a page what was made for another. With `*` all get the same, so there is no `Vary`.
//! - Credentials never go with `*`; settings that ask for it are refused.
//!
//! The rules of the browser's side are the Fetch standard's (CORS protocol).

mod layer;
mod origin;
mod policy;
mod preflight;
mod settings;

pub use self::layer::{Cors, CorsFuture, CorsLayer};
pub use self::origin::{AllowedOrigin, OriginError};
pub use self::policy::{CorsError, CorsPolicy};
pub use self::preflight::Preflight;
pub use self::settings::{CorsSettings, CorsTable};
