//! A service behind [`CorsLayer`], asked with plain requests.

use std::convert::Infallible;

use access_control::{AllowedOrigin, CorsLayer, CorsPolicy, CorsSettings};
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt as _, service_fn};

pub(crate) const APP: &str = "https://app.example.com";

/// What a server found out about a request's route.
#[derive(Clone)]
struct Route {
    policy: Option<CorsPolicy>,
    methods: Option<HeaderValue>,
}

/// A route with a policy, and what stands behind it.
pub(crate) struct Gate {
    route: Route,
    status: StatusCode,
    inner: HeaderMap,
}

pub(crate) fn fields(lines: &[(&str, &str)]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, value) in lines {
        let name: http::HeaderName = name.parse().unwrap();
        fields.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    fields
}

fn policy(extensions: &Extensions) -> Option<&CorsPolicy> {
    extensions.get::<Route>()?.policy.as_ref()
}

fn methods(extensions: &Extensions) -> Option<HeaderValue> {
    extensions.get::<Route>()?.methods.clone()
}

impl Gate {
    /// `cors` as it stands in a file; the default origin is [`APP`].
    pub(crate) fn new(cors: Value) -> Self {
        let settings: CorsSettings = serde_json::from_value(cors).unwrap();
        let defaults: Vec<AllowedOrigin> = serde_json::from_value(json!([APP])).unwrap();
        let route = Route {
            policy: CorsPolicy::compile(&settings, &defaults).unwrap(),
            methods: None,
        };
        Self {
            route,
            status: StatusCode::OK,
            inner: HeaderMap::new(),
        }
    }

    /// The path answers these methods.
    pub(crate) fn answering(mut self, methods: &'static str) -> Self {
        self.route.methods = Some(HeaderValue::from_static(methods));
        self
    }

    /// The service behind says this.
    pub(crate) fn behind(mut self, status: StatusCode, lines: &[(&str, &str)]) -> Self {
        self.status = status;
        self.inner = fields(lines);
        self
    }

    /// The answer's head; its body is `inner`, or empty when the service behind was not asked.
    pub(crate) async fn ask(&self, method: &str, lines: &[(&str, &str)]) -> Response<String> {
        let (status, inner) = (self.status, self.inner.clone());
        let service = service_fn(move |_: Request<()>| {
            let mut response = Response::new("inner".to_owned());
            *response.status_mut() = status;
            *response.headers_mut() = inner.clone();
            std::future::ready(Ok::<_, Infallible>(response))
        });
        let mut request = Request::new(());
        *request.method_mut() = method.parse().unwrap();
        *request.headers_mut() = fields(lines);
        request.extensions_mut().insert(self.route.clone());
        CorsLayer::new(policy, methods)
            .layer(service)
            .oneshot(request)
            .await
            .unwrap()
    }
}

/// All lines of an answer, sorted, as `name: value`.
pub(crate) fn lines<B>(response: &Response<B>) -> Vec<String> {
    let mut lines: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort_unstable();
    lines
}
