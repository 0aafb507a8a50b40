//! Whether a request is tried once more.

use std::time::Duration;

use http::StatusCode;

use crate::exchange::Failure;
use crate::refusal::Refusal;
use crate::settings::{RetryOn, RetrySettings};

/// How a try ended that may be followed by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The upstream answered; `says_when`: with a `Retry-After`.
    Answered { status: StatusCode, says_when: bool },
    /// The gateway would have to answer for it.
    Refused(Refusal),
}

/// What of the request bears on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Further tries so far.
    pub(crate) retries: u32,
    pub(crate) idempotent: bool,
    /// The body is empty, or all that was sent of it is held.
    pub(crate) held: bool,
}

/// Whether the settings want a further try. The budget is asked after this.
pub(crate) fn wanted(settings: &RetrySettings, sent: Sent, outcome: Outcome) -> bool {
    if sent.retries >= settings.attempts || !sent.held {
        return false;
    }
    let listed = |status| settings.on.contains(&RetryOn::Status(status));
    match outcome {
        // The upstream has said when; to come before that helps neither.
        Outcome::Answered {
            says_when: true, ..
        } => false,
        Outcome::Answered { status, .. } => sent.idempotent && listed(status),
        // Nothing was sent, so any method may try again.
        Outcome::Refused(refusal) if refusal.is_connect() => {
            settings.on.contains(&RetryOn::Connect)
        }
        // The client's fault, or the answer's content: another try would bring the same.
        Outcome::Refused(
            Refusal::ResponseTimeout | Refusal::ConnectionLost | Refusal::Incomplete,
        ) => sent.idempotent && refused_status(outcome).is_some_and(listed),
        Outcome::Refused(_) => false,
    }
}

fn refused_status(outcome: Outcome) -> Option<StatusCode> {
    match outcome {
        Outcome::Refused(refusal) => Some(refusal.status()),
        Outcome::Answered { .. } => None,
    }
}

/// Whether the request goes once to a new connection, which is no retry: a kept connection may
/// have been closed by the endpoint in the very moment that it was used.
pub(crate) fn wanted_afresh(was_kept: bool, failure: Failure, sent: Sent) -> bool {
    was_kept
        && failure.unanswered
        && failure.refusal == Refusal::ConnectionLost
        && sent.held
        && (failure.unsent || sent.idempotent)
}

/// The pause before a further try: 25 ms, half of it either way by `random`, so that those that
/// failed together do not come back together.
pub(crate) fn pause(random: u64) -> Duration {
    Duration::from_micros(12_500 + random % 25_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Sent = Sent {
        retries: 0,
        idempotent: true,
        held: true,
    };
    const POST: Sent = Sent {
        idempotent: false,
        ..GET
    };

    fn answered(status: u16) -> Outcome {
        let status = StatusCode::from_u16(status).unwrap();
        Outcome::Answered {
            status,
            says_when: false,
        }
    }

    #[track_caller]
    fn check(sent: Sent, outcome: Outcome, expected: bool) {
        assert_eq!(wanted(&RetrySettings::default(), sent, outcome), expected);
    }

    #[test]
    fn what_is_tried_again() {
        check(GET, answered(503), true);
        check(GET, answered(500), false);
        check(GET, answered(200), false);
        check(POST, answered(503), false);
        check(Sent { held: false, ..GET }, answered(503), false);
        check(Sent { retries: 1, ..GET }, answered(503), false);
        let when = Outcome::Answered {
            status: StatusCode::SERVICE_UNAVAILABLE,
            says_when: true,
        };
        check(GET, when, false);
        check(POST, Outcome::Refused(Refusal::ConnectionRefused), true);
        check(POST, Outcome::Refused(Refusal::ConnectTimeout), true);
        check(POST, Outcome::Refused(Refusal::ConnectionLost), false);
        check(GET, Outcome::Refused(Refusal::ConnectionLost), true);
        check(GET, Outcome::Refused(Refusal::ResponseTimeout), true);
        check(GET, Outcome::Refused(Refusal::RequestBody), false);
        check(GET, Outcome::Refused(Refusal::Malformed), false);
    }

    #[test]
    fn a_list_without_a_word_takes_it_out() {
        let only = RetrySettings {
            on: vec![RetryOn::Status(StatusCode::BAD_GATEWAY)],
            ..RetrySettings::default()
        };
        assert!(!wanted(
            &only,
            GET,
            Outcome::Refused(Refusal::ConnectionRefused)
        ));
        assert!(wanted(
            &only,
            GET,
            Outcome::Refused(Refusal::ConnectionLost)
        ));
        assert!(!wanted(&RetrySettings::none(), GET, answered(502)));
    }

    #[test]
    fn a_dead_kept_connection_costs_no_retry() {
        let lost = Failure {
            refusal: Refusal::ConnectionLost,
            unsent: false,
            unanswered: true,
            broken: true,
        };
        assert!(wanted_afresh(true, lost, GET));
        assert!(
            !wanted_afresh(false, lost, GET),
            "a new connection that fails is a failure"
        );
        assert!(
            !wanted_afresh(true, lost, POST),
            "it may have been carried out"
        );
        assert!(wanted_afresh(
            true,
            Failure {
                unsent: true,
                ..lost
            },
            POST
        ));
        assert!(!wanted_afresh(
            true,
            Failure {
                unanswered: false,
                ..lost
            },
            GET
        ));
        assert!(!wanted_afresh(true, lost, Sent { held: false, ..GET }));
        let late = Failure {
            refusal: Refusal::ResponseTimeout,
            ..lost
        };
        assert!(!wanted_afresh(true, late, GET));
    }

    #[test]
    fn the_pause_is_near_25_ms() {
        for random in [0, 12_499, u64::MAX] {
            let pause = pause(random).as_micros();
            assert!((12_500..37_500).contains(&pause));
        }
    }
}
