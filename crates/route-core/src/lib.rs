//! Which route is this, and what travels with it?
//!
//! A [`Route`] is a [`Matcher`] (path [`Template`], methods, hosts, [`Condition`]s on fields and query)
//! with a name and [`Policies`]: a typed map in which every layer of a stack finds its own settings,
//! of which this crate knows nothing. A [`Table`] holds all routes; building it refuses two between
//! which nothing decides and says so ([`Conflict`]).
//!
//! [`Table::find`] says of one request ([`Lookup`]) what was [`Found`]: the matched route with its
//! parameters ([`Captures`]), or why there is none, as a [`Finding`]. It is a plain function over
//! values; so is [`normalize`], which gives the many spellings of a path one form, and
//! [`readings`], which tells what a careless next hop might take it for.
//!
//! Two tower layers carry that out. [`RouteLayer`] puts the finding into the request,
//! [`RefuseLayer`] answers what found no route (404, 405, 421, 400, and 204 to `OPTIONS`). What an
//! upstream is to see is said by [`Rewrite`], and [`TextTemplate`] fills a route's parameters into texts.
//!
//! ```
//! use std::convert::Infallible;
//! use std::sync::Arc;
//!
//! use http::{Request, Response};
//! use route_core::{MatchedRoute, Matcher, RefuseLayer, Route, RouteLayer, Table, TableOptions};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let route = Route::new("greet".parse()?, Matcher::new("/greet/{name}".parse()?));
//! let table = Table::build(vec![route], &TableOptions::default()).map_err(|all| all[0].clone())?;
//!
//! let service = ServiceBuilder::new()
//!     .layer(RouteLayer::alone(Arc::new(table)))
//!     .layer(RefuseLayer::alone())
//!     .service(service_fn(async |request: Request<()>| {
//!         let route = request.extensions().get::<MatchedRoute>();
//!         let name = route.and_then(|route| route.param("name")).unwrap_or("nobody");
//!         Ok::<_, Infallible>(Response::new(format!("hello {name}")))
//!     }));
//!
//! let response = service.clone().oneshot(Request::get("//greet/%41nn").body(())?).await?;
//! assert_eq!(response.body(), "hello Ann");
//! let response = service.oneshot(Request::get("/elsewhere").body(())?).await?;
//! assert_eq!(response.status(), 404);
//! # Ok(())
//! # }
//! ```

mod alone;
mod condition;
mod host;
mod id;
mod layer;
mod matched;
mod matcher;
mod method;
mod normalize;
mod policy;
mod precedence;
mod readings;
mod refuse;
mod rewrite;
mod route;
mod table;
mod template;
mod text;

pub use alone::MatchedRoute;
pub use condition::Condition;
pub use host::{HostError, HostPattern};
pub use id::{RouteId, RouteIdError};
pub use layer::{RouteLayer, Routed};
pub use matched::{Captures, Finding, Found, Matched};
pub use matcher::Matcher;
pub use method::{MethodError, MethodToken};
pub use normalize::{PathError, normalize};
pub use policy::Policies;
pub use precedence::{Conflict, ConflictReason};
pub use readings::{as_next_hop_reads, readings};
pub use refuse::{Refusal, Refuse, RefuseFuture, RefuseLayer};
pub use rewrite::{Rewrite, RewriteError};
pub use route::{Guard, Route};
pub use table::{Lookup, Table, TableOptions};
pub use template::{Template, TemplateError};
pub use text::{TextError, TextTemplate};
