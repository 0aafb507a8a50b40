//! Answers what found no route, so that layers below meet none without.
//!
//! The status and the fields that go with it are set, the body is empty, and the reason is in the
//! response's extensions: whoever wants a document in the body makes it of that. On a host and path
//! where fields decide, every answer names them in `Vary`, this layer's own and those from below.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{ALLOW, HeaderMap, VARY};
use http::{Extensions, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::alone::kept;
use crate::matched::{Finding, Found};
use crate::normalize::PathError;

/// Why a request was refused, in the extensions of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 404: no route has this path.
    #[error("no route for this path")]
    NotFound,
    /// 405: the path's routes take other methods; `Allow` says which.
    #[error("method not allowed on this path")]
    MethodNotAllowed,
    /// 421: an absolute target on a host of which nothing is known.
    #[error("no route for this host")]
    Misdirected,
    /// 400: the path has no normal form.
    #[error("malformed path")]
    BadPath(#[source] PathError),
    /// 400: the path could be taken for another one, which is guarded.
    #[error("ambiguous path")]
    Ambiguous,
}

impl Refusal {
    /// The status that says so.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::BadPath(_) | Self::Ambiguous => StatusCode::BAD_REQUEST,
        }
    }
}

/// Refuses what found no route, and adds `Vary`.
#[derive(Clone, Copy, Debug)]
pub struct RefuseLayer {
    finding: fn(&Extensions) -> Option<&Found>,
}

impl RefuseLayer {
    /// Learns from `finding` what was found; None lets the request pass.
    pub fn new(finding: fn(&Extensions) -> Option<&Found>) -> Self {
        Self { finding }
    }

    /// For use below [`RouteLayer::alone`](crate::RouteLayer::alone).
    pub fn alone() -> Self {
        Self::new(kept)
    }
}

impl<S> Layer<S> for RefuseLayer {
    type Service = Refuse<S>;

    fn layer(&self, inner: S) -> Refuse<S> {
        Refuse {
            inner,
            layer: *self,
        }
    }
}

/// The service of [`RefuseLayer`].
#[derive(Clone, Debug)]
pub struct Refuse<S> {
    inner: S,
    layer: RefuseLayer,
}

impl<S, A, B> Service<Request<A>> for Refuse<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = RefuseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let found = (self.layer.finding)(request.extensions());
        let vary = found.and_then(|found| found.vary.clone());
        let kind = match found.and_then(Answer::to) {
            Some(answer) => Kind::Answered {
                answer: Some(answer),
            },
            None => Kind::Asked {
                inner: self.inner.call(request),
            },
        };
        RefuseFuture { kind, vary }
    }
}

/// What is said without asking further.
#[derive(Debug)]
struct Answer {
    /// None for an `OPTIONS` that was answered, which nobody refused.
    refusal: Option<Refusal>,
    allow: Option<HeaderValue>,
}

impl Answer {
    /// The answer to what found no route.
    fn to(found: &Found) -> Option<Self> {
        let (refusal, allow) = match &found.finding {
            Finding::Matched(_) => return None,
            Finding::NotFound => (Some(Refusal::NotFound), None),
            Finding::MethodNotAllowed { allow } => {
                (Some(Refusal::MethodNotAllowed), Some(allow.clone()))
            }
            Finding::Options { allow } => (None, Some(allow.clone())),
            Finding::Misdirected => (Some(Refusal::Misdirected), None),
            Finding::BadPath(error) => (Some(Refusal::BadPath(*error)), None),
            Finding::Ambiguous { .. } => (Some(Refusal::Ambiguous), None),
        };
        Some(Self { refusal, allow })
    }

    fn response<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.refusal.map_or(StatusCode::NO_CONTENT, Refusal::status);
        if let Some(allow) = self.allow {
            response.headers_mut().insert(ALLOW, allow);
        }
        if let Some(refusal) = self.refusal {
            response.extensions_mut().insert(refusal);
        }
        response
    }
}

pin_project! {
    /// The future of [`Refuse`].
    #[derive(Debug)]
    pub struct RefuseFuture<F> {
        #[pin]
        kind: Kind<F>,
        vary: Option<HeaderValue>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<F> {
        // None once it was given out.
        Answered { answer: Option<Answer> },
        Asked { #[pin] inner: F },
    }
}

impl<F, B, E> Future for RefuseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.kind.project() {
            KindProj::Asked { inner } => ready!(inner.poll(cx))?,
            KindProj::Answered { answer } => match answer.take() {
                Some(answer) => answer.response(),
                // Polled again after its end, which no caller may rely on.
                None => return Poll::Pending,
            },
        };
        if let Some(vary) = this.vary.take() {
            add_vary(response.headers_mut(), vary);
        }
        Poll::Ready(Ok(response))
    }
}

/// Adds the names that are not in `Vary` yet.
fn add_vary(headers: &mut HeaderMap, vary: HeaderValue) {
    if !headers.contains_key(VARY) {
        headers.insert(VARY, vary);
        return;
    }
    let missing: Vec<&str> = {
        let lines = headers.get_all(VARY).iter();
        let known: Vec<&str> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .collect();
        let is_known = |name: &&str| {
            known
                .iter()
                .any(|known| *known == "*" || known.eq_ignore_ascii_case(name))
        };
        let names = vary.to_str().unwrap_or_default().split(", ");
        names.filter(|name| !is_known(name)).collect()
    };
    // Names and commas are a value always.
    if !missing.is_empty()
        && let Ok(missing) = HeaderValue::try_from(missing.join(", "))
    {
        headers.append(VARY, missing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &[&'static str], after: &[&str]) {
        let mut headers = HeaderMap::new();
        for line in before {
            headers.append(VARY, HeaderValue::from_static(line));
        }
        add_vary(&mut headers, HeaderValue::from_static("x-a, x-b"));
        assert_eq!(headers.get_all(VARY).iter().collect::<Vec<_>>(), after);
    }

    #[test]
    fn vary_gains_what_it_lacks() {
        check(&[], &["x-a, x-b"]);
        check(&["Origin"], &["Origin", "x-a, x-b"]);
        check(&["Origin, X-B"], &["Origin, X-B", "x-a"]);
        check(&["X-B", "x-a"], &["X-B", "x-a"]);
        check(&["*"], &["*"]);
    }
}
