//! When the wait for a response head ends.

use std::time::{Duration, Instant};

use crate::feed::Standing;

/// The limits of one try, settled before it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// From the last byte that the upstream took to its response head.
    pub(crate) response: Duration,
    /// From the last byte of the request to the response head, all tries together.
    pub(crate) total: Option<Duration>,
    /// The client's own end of its patience (`grpc-timeout`).
    pub(crate) absolute: Option<Instant>,
}

impl Limits {
    /// The moment at which the wait ends, if nothing happens until then.
    ///
    /// `moved` is when the upstream last took a byte. While the client has the next byte to send no
    /// limit of the upstream runs.
    pub(crate) fn next(&self, standing: &Standing, moved: Instant) -> Option<Instant> {
        let response = (!standing.on_client).then(|| moved.checked_add(self.response));
        [response.flatten(), self.hard(standing.ended_at)]
            .into_iter()
            .flatten()
            .min()
    }

    /// The end that no further try moves.
    pub(crate) fn hard(&self, ended_at: Option<Instant>) -> Option<Instant> {
        let total = self
            .total
            .zip(ended_at)
            .and_then(|(total, ended)| ended.checked_add(total));
        [total, self.absolute].into_iter().flatten().min()
    }
}

/// The limit for one try: what is set on the upstream, else 15 s or the route's time where that was
/// set longer.
pub(crate) fn response_limit(upstream: Option<Duration>, route: Option<Duration>) -> Duration {
    const DEFAULT: Duration = Duration::from_secs(15);
    upstream.unwrap_or_else(|| route.map_or(DEFAULT, |route| route.max(DEFAULT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_limit_to_pass_wins() {
        let start = Instant::now();
        let limits = Limits {
            response: s(15),
            total: Some(s(30)),
            absolute: None,
        };
        let mut standing = Standing {
            on_client: true,
            progress: 0,
            ended_at: None,
        };
        assert_eq!(limits.next(&standing, start), None, "the client is sending");
        standing.on_client = false;
        assert_eq!(
            limits.next(&standing, start),
            Some(start + s(15)),
            "the upstream does not read"
        );
        standing.ended_at = Some(start);
        assert_eq!(
            limits.next(&standing, start + s(20)),
            Some(start + s(30)),
            "a second try"
        );
        let hasty = Limits {
            absolute: Some(start + s(3)),
            ..limits
        };
        assert_eq!(hasty.next(&standing, start), Some(start + s(3)));
        assert_eq!(hasty.hard(None), Some(start + s(3)));
    }

    #[test]
    fn endless_is_no_overflow() {
        let start = Instant::now();
        let limits = Limits {
            response: Duration::MAX,
            total: Some(Duration::MAX),
            absolute: None,
        };
        let standing = Standing {
            on_client: false,
            progress: 0,
            ended_at: Some(start),
        };
        assert_eq!(limits.next(&standing, start), None);
    }

    #[test]
    fn a_try_lasts_fifteen_seconds_or_what_was_set_longer() {
        assert_eq!(response_limit(None, None), s(15));
        assert_eq!(response_limit(None, Some(s(10))), s(15));
        assert_eq!(response_limit(None, Some(s(60))), s(60));
        assert_eq!(response_limit(Some(s(5)), Some(s(60))), s(5));
    }
}
