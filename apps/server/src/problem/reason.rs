//! One match from the reasons of all crates to a word and a sentence.
use std::error::Error;
use std::io;

use cache::CacheRefusal;
use http::{Extensions, Response, StatusCode};

use crate::flag_gate::FlagOff;
use crate::guard::Panicked;
use crate::limits;
use crate::listen::head::HeadFault;

/// The reason for what a target of the gateway itself refused: a file that is not there, a method that a
/// folder does not take, an address that a redirect cannot make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetRefusal;

/// What is told of a refusal.
#[derive(Debug)]
pub(super) struct Reason {
    /// The word of `Proxy-Status`, of metrics and of the access log.
    pub(super) word: &'static str,
    /// A sentence for the client: what happened, and what would be right. Nothing of the inside.
    pub(super) detail: String,
    /// What an operator wants to know, shown where details are.
    pub(super) cause: Option<String>,
}

impl Reason {
    fn new(word: &'static str, detail: impl Into<String>) -> Self {
        Self {
            word,
            detail: detail.into(),
            cause: None,
        }
    }
}

/// Whether a response with these extensions was made by a layer that refused.
pub fn is_refusal(extensions: &Extensions) -> bool {
    !extensions.is_empty() && find(extensions, StatusCode::OK).is_some()
}

pub(super) fn of<B>(response: &Response<B>) -> Option<Reason> {
    let status = response.status();
    let error = status.is_client_error() || status.is_server_error();
    find(response.extensions(), status).filter(|_| error)
}

fn find(extensions: &Extensions, status: StatusCode) -> Option<Reason> {
    use route_core::Refusal as Route;
    if let Some(refusal) = extensions.get::<upstream::Refusal>() {
        let mut reason = Reason::new(refusal.proxy_error(), upstream_detail(status));
        reason.cause = Some(refusal.to_string());
        return Some(reason);
    }
    if let Some(fault) = extensions.get::<HeadFault>() {
        return Some(Reason::new(
            "http_request_error",
            format!("The request's head is refused: {}.", fault.reason()),
        ));
    }
    if let Some(refusal) = extensions.get::<Route>() {
        let detail = match refusal {
            Route::NotFound => "No route has this host and path.".to_owned(),
            Route::MethodNotAllowed => "The routes for this path do not take this method; Allow lists those that they take.".to_owned(),
            Route::Misdirected => "No route is for the host that the target names.".to_owned(),
            Route::BadPath(error) => format!("The path has no normal form: {error}."),
            Route::Ambiguous => "The path can be read in two ways: send it without %2F, %5C and ;.".to_owned(),
            _ => "The request has no route.".to_owned(),
        };
        return Some(Reason::new("http_request_error", detail));
    }
    if let Some(refusal) = extensions.get::<limits::Refusal>() {
        return Some(match refusal {
            limits::Refusal::TooLarge(limit) => Reason::new(
                "http_request_error",
                format!("The request's body is over {limit} bytes."),
            ),
            limits::Refusal::TimedOut(time) => Reason::new(
                "http_response_timeout",
                format!("There was no answer in {} ms.", time.as_millis()),
            ),
        });
    }
    if let Some(refusal) = extensions.get::<CacheRefusal>() {
        return Some(match refusal {
            CacheRefusal::NotStored => Reason::new(
                "http_request_error",
                "The request wants a stored answer only, and there is none that may be used.",
            ),
            _ => Reason::new(
                "destination_unavailable",
                "The service behind the gateway has all that it can take; try again later.",
            ),
        });
    }
    if extensions.get::<FlagOff>().is_some() {
        return Some(Reason::new(
            "http_request_error",
            "No route has this host and path.",
        ));
    }
    if extensions.get::<Panicked>().is_some() {
        return Some(Reason::new(
            "proxy_internal_error",
            "The gateway failed while it answered this request.",
        ));
    }
    if extensions.get::<TargetRefusal>().is_some() {
        let detail = match status {
            StatusCode::NOT_FOUND => "There is nothing at this path.",
            StatusCode::METHOD_NOT_ALLOWED => {
                "This resource does not take this method; Allow lists those that it takes."
            }
            StatusCode::RANGE_NOT_SATISFIABLE => "The range lies outside of what there is.",
            StatusCode::PRECONDITION_FAILED => {
                "What is there now does not meet the request's condition."
            }
            _ => "The request could not be answered.",
        };
        return Some(Reason::new("http_request_error", detail));
    }
    None
}

/// Whether a request's body ended because its client went away, and not because it is malformed.
pub(super) fn client_left(extensions: &Extensions) -> bool {
    let Some(failure) = extensions.get::<upstream::RequestBodyError>() else {
        return false;
    };
    let malformed = |error: &hyper::Error| {
        let cause = error
            .source()
            .and_then(|cause| cause.downcast_ref::<io::Error>());
        let kind = cause.map(io::Error::kind);
        error.is_parse()
            || matches!(
                kind,
                Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
            )
    };
    failure
        .find::<hyper::Error>()
        .is_some_and(|error| !malformed(error))
}

fn upstream_detail(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "The request's body broke off or was malformed.",
        StatusCode::SERVICE_UNAVAILABLE => {
            "The service behind the gateway has all that it can take; try again later."
        }
        StatusCode::GATEWAY_TIMEOUT => "The service behind the gateway did not answer in time.",
        StatusCode::LOOP_DETECTED => "The request has passed this gateway before.",
        _ => "The service behind the gateway could not be reached, or its answer broke off.",
    }
}
