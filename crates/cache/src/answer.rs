//! What an answer from the store looks like.

use std::sync::Arc;
use std::time::Duration;

use http::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::asked::Asked;
use crate::body::CacheBody;
use crate::range::{self, Ranged};
use crate::reuse::Fresh;
use crate::status::{CacheOutcome, HitValues, X_CACHE};
use crate::stored::StoredResponse;
use crate::validation;

/// An answer from the store that has been decided: what is left is to write it.
#[derive(Debug)]
pub(crate) struct Hit {
    stored: Arc<StoredResponse>,
    age: HeaderValue,
    status: HeaderValue,
    outcome: CacheOutcome,
    part: Part,
    /// What is for this client alone.
    cookies: Vec<HeaderValue>,
}

/// What of a stored response a request gets.
#[derive(Debug)]
pub(crate) enum Part {
    Whole,
    Head,
    NotModified,
    Ranged(Box<Ranged>),
}

impl Part {
    /// What a request gets of a response with this head and a body of `length` bytes.
    pub(crate) fn of(
        stored: &StoredResponse,
        method: &Method,
        request: &HeaderMap,
        asked: Asked,
    ) -> Self {
        // Preconditions are for answers that would succeed, ranges for a 200 (RFC 9110 §13.2.1, §14.2).
        let ok = stored.status() == StatusCode::OK;
        if asked.conditional
            && stored.status().is_success()
            && validation::held_by(request, stored.validators())
        {
            Self::NotModified
        } else if *method == Method::HEAD {
            Self::Head
        } else if asked.range && ok {
            let whole = (stored.status(), stored.head().fields());
            let length = stored.body().len() as u64;
            match range::judge((method, request), whole, length) {
                Ranged::Whole => Self::Whole,
                part => Self::Ranged(Box::new(part)),
            }
        } else {
            Self::Whole
        }
    }
}

impl Hit {
    /// A fresh stored response.
    pub(crate) fn fresh(
        stored: &Arc<StoredResponse>,
        fresh: Fresh,
        part: Part,
        values: Option<&mut HitValues>,
    ) -> Self {
        let (age, status) = match values {
            Some(values) => values.write(fresh),
            None => HitValues::once(fresh),
        };
        Self {
            stored: Arc::clone(stored),
            age,
            status,
            outcome: CacheOutcome::Hit,
            part,
            cookies: Vec::new(),
        }
    }

    /// A stored response that is more than a hit; `status` is what `Cache-Status` says.
    pub(crate) fn other(
        stored: Arc<StoredResponse>,
        age: Duration,
        part: Part,
        (outcome, status): (CacheOutcome, HeaderValue),
    ) -> Self {
        Self {
            stored,
            age: HeaderValue::from(age.as_secs()),
            status,
            outcome,
            part,
            cookies: Vec::new(),
        }
    }

    /// The same with cookies that its client is to have.
    pub(crate) fn with_cookies(self, cookies: Vec<HeaderValue>) -> Self {
        Self { cookies, ..self }
    }

    /// Writes the answer.
    pub(crate) fn into_response<B>(self) -> Response<CacheBody<B>> {
        let Self {
            stored,
            age,
            status,
            outcome,
            part,
            cookies,
        } = self;
        let mut headers = stored.head().fields_of_answer(age, status);
        if outcome != CacheOutcome::Hit {
            headers.insert(X_CACHE, HeaderValue::from_static(outcome.as_str()));
        }
        for cookie in cookies {
            headers.append(SET_COOKIE, cookie);
        }
        let mut status = stored.status();
        let body = match part {
            Part::Whole => CacheBody::stored(stored.body().clone()),
            Part::Head => {
                // RFC 9110 §8.6: a 204 has no length.
                if stored.status() != StatusCode::NO_CONTENT {
                    headers.insert(CONTENT_LENGTH, HeaderValue::from(stored.body().len()));
                }
                CacheBody::default()
            }
            Part::NotModified => {
                status = StatusCode::NOT_MODIFIED;
                keep_for_not_modified(&mut headers);
                CacheBody::default()
            }
            Part::Ranged(ranged) => {
                let (code, content) = ranged.apply(&mut headers, stored.body());
                status = code;
                CacheBody::ranged(content)
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
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
