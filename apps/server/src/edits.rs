//! Edits of a route's request and response fields.
//!
//! Two layers around the cache: the request's fields are edited above it (`Vary` is judged on them), the
//! response's below it, so that a stored response has them once.
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use thiserror::Error;
use tower::{Layer, Service};

use crate::compress::Codings;
use crate::settings::HeaderEdits;

/// Compiled edits: removed first, then set, then added; at last `Accept-Encoding` is narrowed.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, HeaderValue)>,
    add: Vec<(HeaderName, HeaderValue)>,
    narrow: Option<Codings>,
}

/// What a route's edits may be wrong about; the text names the field.
#[derive(Debug, Error)]
pub enum EditError {
    /// Not a field name of RFC 9110 §5.1.
    #[error("{0:?} is no field name")]
    Name(String),
    /// Not a field value of RFC 9110 §5.5.
    #[error("the value of {0} has a byte that no field may have")]
    Value(String),
    /// A field that frames or routes the message.
    #[error("{0} frames or routes the message and cannot be edited")]
    Framing(HeaderName),
}

static FRAMING: [HeaderName; 7] = [
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

fn name(text: &str) -> Result<HeaderName, EditError> {
    let name: HeaderName = text.parse().map_err(|_| EditError::Name(text.to_owned()))?;
    if FRAMING.contains(&name) {
        return Err(EditError::Framing(name));
    }
    Ok(name)
}

fn pair(field: &str, text: &str) -> Result<(HeaderName, HeaderValue), EditError> {
    let name = name(field)?;
    let value = HeaderValue::from_str(text).map_err(|_| EditError::Value(field.to_owned()))?;
    Ok((name, value))
}

impl Edits {
    /// Checks names and values, all of them: each fault with the key below the edits' own. `narrow`: after them,
    /// `Accept-Encoding` is reduced to the coding that the answer gets ([`Codings::narrow`]). `None` where there is
    /// nothing to do.
    pub fn compile(
        edits: &HeaderEdits,
        narrow: Option<Codings>,
    ) -> Result<Option<Arc<Self>>, Vec<(String, EditError)>> {
        if edits.is_empty() && narrow.is_none() {
            return Ok(None);
        }
        let mut compiled = Self {
            narrow,
            ..Self::default()
        };
        let mut faults = Vec::new();
        for (place, field) in edits.remove.iter().enumerate() {
            match name(field) {
                Ok(name) => compiled.remove.push(name),
                Err(error) => faults.push((format!("remove[{place}]"), error)),
            }
        }
        for (kind, values, into) in [
            ("set", &edits.set, &mut compiled.set),
            ("add", &edits.add, &mut compiled.add),
        ] {
            for (field, text) in values {
                match pair(field, &text.0) {
                    Ok(pair) => into.push(pair),
                    Err(error) => faults.push((format!("{kind}.{field}"), error)),
                }
            }
        }
        if faults.is_empty() {
            Ok(Some(Arc::new(compiled)))
        } else {
            Err(faults)
        }
    }

    fn apply(&self, fields: &mut HeaderMap) {
        for name in &self.remove {
            fields.remove(name);
        }
        for (name, value) in &self.set {
            fields.insert(name.clone(), value.clone());
        }
        for (name, value) in &self.add {
            fields.append(name.clone(), value.clone());
        }
        if let Some(codings) = self.narrow {
            codings.narrow(fields);
        }
    }
}

/// Edits the fields of requests.
#[derive(Clone, Copy, Debug)]
pub struct EditRequestLayer {
    /// Finds the edits of a request.
    pub edits: fn(&Extensions) -> Option<&Arc<Edits>>,
}

impl<S> Layer<S> for EditRequestLayer {
    type Service = EditRequest<S>;

    fn layer(&self, inner: S) -> EditRequest<S> {
        EditRequest {
            inner,
            layer: *self,
        }
    }
}

/// The service of [`EditRequestLayer`].
#[derive(Clone, Debug)]
pub struct EditRequest<S> {
    inner: S,
    layer: EditRequestLayer,
}

impl<S, A> Service<Request<A>> for EditRequest<S>
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
        if let Some(edits) = (self.layer.edits)(request.extensions()).cloned() {
            edits.apply(request.headers_mut());
        }
        self.inner.call(request)
    }
}

/// Edits the fields of responses.
#[derive(Clone, Copy, Debug)]
pub struct EditResponseLayer {
    /// Finds the edits of a request's response.
    pub edits: fn(&Extensions) -> Option<&Arc<Edits>>,
}

impl<S> Layer<S> for EditResponseLayer {
    type Service = EditResponse<S>;

    fn layer(&self, inner: S) -> EditResponse<S> {
        EditResponse {
            inner,
            layer: *self,
        }
    }
}

/// The service of [`EditResponseLayer`].
#[derive(Clone, Debug)]
pub struct EditResponse<S> {
    inner: S,
    layer: EditResponseLayer,
}

impl<S, A, B> Service<Request<A>> for EditResponse<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = EditResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let edits = (self.layer.edits)(request.extensions()).cloned();
        EditResponseFuture {
            inner: self.inner.call(request),
            edits,
        }
    }
}

pin_project! {
    /// The future of [`EditResponse`].
    pub struct EditResponseFuture<F> {
        #[pin]
        inner: F,
        edits: Option<Arc<Edits>>,
    }
}

impl<F, B, E> Future for EditResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if let Some(edits) = this.edits {
            edits.apply(response.headers_mut());
        }
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::HeaderText;

    #[test]
    fn removes_then_sets_then_adds() {
        let edits = HeaderEdits {
            set: [("x-a".to_owned(), HeaderText("new".to_owned()))].into(),
            add: [("x-a".to_owned(), HeaderText("more".to_owned()))].into(),
            remove: vec!["x-b".to_owned()],
        };
        let edits = Edits::compile(&edits, None).unwrap().unwrap();
        let mut fields = HeaderMap::new();
        fields.insert("x-a", HeaderValue::from_static("old"));
        fields.insert("x-b", HeaderValue::from_static("old"));
        edits.apply(&mut fields);
        let values: Vec<_> = fields.get_all("x-a").iter().collect();
        assert_eq!(values, ["new", "more"]);
        assert!(!fields.contains_key("x-b"));
    }

    #[test]
    fn framing_cannot_be_edited() {
        let edits = HeaderEdits {
            remove: vec!["Content-Length".to_owned()],
            ..HeaderEdits::default()
        };
        let faults = Edits::compile(&edits, None).unwrap_err();
        assert!(
            matches!(&faults[..], [(key, EditError::Framing(_))] if key == "remove[0]"),
            "{faults:?}"
        );
    }
}
