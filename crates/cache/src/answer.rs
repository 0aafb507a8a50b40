//! What an answer from the store looks like.

use std::sync::Arc;

use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;

use crate::body::CacheBody;
use crate::reuse::{Fresh, Reuse};
use crate::status::HitValues;
use crate::stored::StoredResponse;

/// A hit that has been decided: what is left is to write it.
#[derive(Debug)]
pub(crate) struct Hit {
    stored: Arc<StoredResponse>,
    age: HeaderValue,
    status: HeaderValue,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Head,
    NotModified,
}

impl Hit {
    /// A hit with what `reuse` says the stored response is good for; `None` when it is stale.
    pub(crate) fn of(
        stored: &Arc<StoredResponse>,
        reuse: Reuse,
        values: Option<&mut HitValues>,
    ) -> Option<Self> {
        let (fresh, part): (Fresh, Part) = match reuse {
            Reuse::Whole(fresh) => (fresh, Part::Whole),
            Reuse::Head(fresh) => (fresh, Part::Head),
            Reuse::NotModified(fresh) => (fresh, Part::NotModified),
            Reuse::Stale => return None,
        };
        let (age, status) = match values {
            Some(values) => values.write(fresh),
            None => HitValues::once(fresh),
        };
        Some(Self {
            stored: Arc::clone(stored),
            age,
            status,
            part,
        })
    }

    /// Writes the answer.
    pub(crate) fn into_response<B: Body>(self) -> Response<CacheBody<B>> {
        let Self {
            stored,
            age,
            status,
            part,
        } = self;
        let mut headers = stored.fields_of_hit(age, status);
        let mut response = Response::new(match part {
            Part::Whole => CacheBody::stored(stored.body().clone()),
            Part::Head | Part::NotModified => CacheBody::default(),
        });
        *response.status_mut() = stored.status();
        match part {
            Part::Whole => {}
            Part::Head => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(stored.body().len()));
            }
            Part::NotModified => {
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                keep_for_not_modified(&mut headers);
            }
        }
        *response.headers_mut() = headers;
        response
    }
}

/// Takes off a head what is about the content that a 304 does not have (RFC 9110 §15.4.5).
pub(crate) fn keep_for_not_modified(headers: &mut HeaderMap) {
    // A stored head has one of them or none, so a look at the names costs less than a search for each.
    let is_of_content = |name: &&HeaderName| OF_CONTENT.contains(name);
    while let Some(name) = headers.keys().find(is_of_content).cloned() {
        headers.remove(name);
    }
}

static OF_CONTENT: [HeaderName; 5] = [
    CONTENT_LENGTH,
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_RANGE,
];
