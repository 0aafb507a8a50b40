//! The path that the target sees, and the address of a redirect.
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::LOCATION;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderValue, Request, StatusCode, Uri};
use route_core::Template;
use thiserror::Error;
use tower::{Layer, Service};

use super::Ready;
use crate::with_parameters::{ParameterError, WithParameters};

/// Gives the target the path that the route's `strip_prefix` or `rewrite` makes.
///
/// It stands below the cache, so that keys and invalidations are in the client's terms.
#[derive(Clone, Copy, Debug)]
pub struct RewriteLayer {
    /// The new path, without the query; `None` keeps the request's own.
    pub rewrite: fn(&Extensions) -> Option<String>,
}

impl<S> Layer<S> for RewriteLayer {
    type Service = Rewritten<S>;

    fn layer(&self, inner: S) -> Rewritten<S> {
        Rewritten {
            inner,
            layer: *self,
        }
    }
}

/// The service of [`RewriteLayer`].
#[derive(Clone, Debug)]
pub struct Rewritten<S> {
    inner: S,
    layer: RewriteLayer,
}

impl<S, A> Service<Request<A>> for Rewritten<S>
where
    S: Service<Request<A>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> S::Future {
        if let Some(path) = (self.layer.rewrite)(request.extensions())
            && let Some(uri) = with_path(request.uri(), &path)
        {
            *request.uri_mut() = uri;
        }
        self.inner.call(request)
    }
}

/// The same address with another path; the query stays as it is.
pub(super) fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let target = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.ok()?);
    Uri::from_parts(parts).ok()
}

/// Where a redirect sends a client.
#[derive(Clone, Debug)]
pub struct Redirect {
    to: WithParameters,
    status: StatusCode,
}

/// What `redirect.to` may be wrong about.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RedirectError {
    /// Its parameters are not the path's.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Not something that `Location` may have.
    #[error(
        "{0:?} is neither an address such as \"https://example.com/{{rest}}\" nor a path that starts with /"
    )]
    Address(String),
}

impl Redirect {
    /// Reads `to`, whose `{name}`s are parameters of `template`.
    pub fn compile(
        to: &str,
        status: StatusCode,
        template: &Template,
    ) -> Result<Self, RedirectError> {
        let sound = to.starts_with('/') || to.starts_with("http://") || to.starts_with("https://");
        let authority = to.split_once("://").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or("");
        // A parameter in it would let a client choose the host.
        let sound = sound && !authority.contains('{');
        if !sound || to.starts_with("//") || HeaderValue::from_str(to).is_err() {
            return Err(RedirectError::Address(to.to_owned()));
        }
        let to = WithParameters::compile(to, template)?;
        Ok(Self { to, status })
    }

    /// The address for one request: parameters as they came, and the request's query where `to` has none.
    pub fn to<'a>(
        &self,
        captured: impl Fn(&str) -> Option<&'a str>,
        query: Option<&str>,
    ) -> Option<HeaderValue> {
        let mut to = self.to.fill(captured)?;
        // A parameter must not turn a path of this host into the address of another.
        if self.to.beginning().starts_with('/') && to.starts_with("//") {
            return None;
        }
        if let Some(query) = query.filter(|_| !to.contains('?')) {
            let place = to.find('#').unwrap_or(to.len());
            to.insert_str(place, query);
            to.insert(place, '?');
        }
        HeaderValue::try_from(to).ok()
    }

    pub(super) fn answer(&self, to: HeaderValue) -> Ready {
        let mut fields = HeaderMap::new();
        fields.insert(LOCATION, to);
        (self.status, fields, Bytes::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(to: &str) -> Result<Redirect, RedirectError> {
        Redirect::compile(to, StatusCode::FOUND, &"/old/{id}/{*rest}".parse().unwrap())
    }

    #[track_caller]
    fn check(to: &str, query: Option<&str>, expected: &str) {
        let captured = |name: &str| match name {
            "id" => Some("7"),
            "rest" => Some("a/b"),
            _ => None,
        };
        assert_eq!(redirect(to).unwrap().to(captured, query).unwrap(), expected);
    }

    #[test]
    fn parameters_and_the_query_are_carried() {
        check("/new/{id}", None, "/new/7");
        check(
            "https://example.com/{rest}",
            Some("x=1"),
            "https://example.com/a/b?x=1",
        );
        check("/new?id={id}", Some("x=1"), "/new?id=7");
    }

    #[test]
    fn the_query_stands_before_a_fragment() {
        check("/new#top", Some("x=1"), "/new?x=1#top");
    }

    #[test]
    fn a_parameter_cannot_name_another_host() {
        let redirect = redirect("/{rest}").unwrap();
        assert_eq!(redirect.to(|_| Some("/evil.example"), None), None);
    }

    #[test]
    fn faults_are_told() {
        assert_eq!(
            redirect("/a/{b").unwrap_err(),
            RedirectError::Parameter(ParameterError::Brace("/a/{b".to_owned()))
        );
        assert_eq!(
            redirect("/a/{b}").unwrap_err(),
            RedirectError::Parameter(ParameterError::Unknown("b".to_owned()))
        );
        assert!(matches!(
            redirect("javascript:alert(1)"),
            Err(RedirectError::Address(_))
        ));
        assert!(matches!(
            redirect("https://example.com{rest}"),
            Err(RedirectError::Address(_))
        ));
        assert!(matches!(
            redirect("//evil.example"),
            Err(RedirectError::Address(_))
        ));
    }
}
