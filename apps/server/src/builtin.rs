//! The endpoints that the server answers itself: probes, from memory and at once, and `/metrics`, rendered on
//! a thread of its own.
//!
//! On the main listener they stand where no route took their path; the admin listener has them always.

mod layer;
mod render;

use http::Method;
use ops_health::Probe;

pub use layer::{BuiltinFuture, BuiltinLayer, Builtins};
pub use render::{Figures, Rendered, Renderer, renderer};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// A probe.
    Probe(Probe),
    /// The figures, as Prometheus text or JSON.
    Metrics,
}

impl Builtin {
    /// Those of the main listener.
    pub const ALL: [Self; 5] = [
        Self::Probe(Probe::Health),
        Self::Probe(Probe::Live),
        Self::Probe(Probe::Ready),
        Self::Probe(Probe::Startup),
        Self::Metrics,
    ];

    /// Its path on the main listener.
    pub fn path(self) -> &'static str {
        match self {
            Self::Probe(Probe::Health) => "/health",
            Self::Probe(Probe::Live) => "/health/live",
            Self::Probe(Probe::Ready) => "/health/ready",
            Self::Probe(Probe::Startup) => "/health/startup",
            Self::Metrics => "/metrics",
        }
    }

    /// The one with this path on the main listener.
    pub fn of(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.path() == path)
    }

    /// The one with this path on the admin listener, which knows Kubernetes' short names too.
    pub fn of_admin(path: &str) -> Option<Self> {
        Probe::of_path(path)
            .map(Self::Probe)
            .or_else(|| Self::of(path))
    }

    /// Whether it answers `method`.
    pub fn takes(method: &Method) -> bool {
        matches!(*method, Method::GET | Method::HEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_names_are_the_admin_listener_s() {
        assert_eq!(Builtin::of("/readyz"), None);
        assert_eq!(
            Builtin::of_admin("/readyz"),
            Some(Builtin::Probe(Probe::Ready))
        );
        assert_eq!(
            Builtin::of("/health/ready"),
            Some(Builtin::Probe(Probe::Ready))
        );
        assert_eq!(Builtin::of_admin("/metrics"), Some(Builtin::Metrics));
    }
}
