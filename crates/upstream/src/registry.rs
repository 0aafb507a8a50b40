//! The upstreams of a process, across changes of its configuration.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::settings::UpstreamSettings;
use crate::tunnels::Tunnels;
use crate::upstream::Upstream;

/// Hands out upstreams by name, so that a new configuration meets the old one's figures.
///
/// It keeps none alive by itself: an upstream that no configuration holds any more is gone.
#[derive(Debug, Default)]
pub struct Upstreams {
    known: Mutex<HashMap<String, Weak<Upstream>>>,
    tunnels: Arc<Tunnels>,
}

impl Upstreams {
    /// Makes an empty registry.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Returns the upstream called `name`, made anew where its settings differ from the known one's.
    ///
    /// A new one shares the counts (in flight, tunnels, retry budget) with the one before, and with
    /// it every endpoint whose address stays; connections kept for those stay in use. The old one
    /// serves the requests that hold it.
    pub fn get_or_insert(&self, name: &str, settings: &UpstreamSettings) -> Arc<Upstream> {
        let mut known = self.known.lock();
        known.retain(|_, upstream| upstream.strong_count() > 0);
        let upstream = match known.get(name).and_then(Weak::upgrade) {
            Some(same) if same.settings() == settings => return same,
            Some(before) => before.changed(settings),
            None => Upstream::with_tunnels(name, settings, Arc::clone(&self.tunnels)),
        };
        known.insert(name.to_owned(), Arc::downgrade(&upstream));
        upstream
    }

    /// Returns all that are alive, in no order.
    pub fn all(&self) -> Vec<Arc<Upstream>> {
        let known = self.known.lock();
        known.values().filter_map(Weak::upgrade).collect()
    }

    /// Returns the tunnels and event streams of all of them, for the drain.
    pub fn tunnels(&self) -> &Arc<Tunnels> {
        &self.tunnels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(ports: &[u16]) -> UpstreamSettings {
        UpstreamSettings::for_endpoints(
            ports
                .iter()
                .map(|port| format!("http://a:{port}").parse().unwrap()),
        )
    }

    #[test]
    fn the_same_settings_give_the_same_upstream() {
        let registry = Upstreams::new();
        let first = registry.get_or_insert("a", &settings(&[1]));
        assert!(Arc::ptr_eq(
            &first,
            &registry.get_or_insert("a", &settings(&[1]))
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &registry.get_or_insert("b", &settings(&[1]))
        ));
    }

    #[test]
    fn a_change_keeps_counts_and_the_endpoints_that_stay() {
        let registry = Upstreams::new();
        let before = registry.get_or_insert("a", &settings(&[1, 2]));
        assert!(before.counts().in_flight.try_take(9));
        before.endpoints()[1].begin();
        let after = registry.get_or_insert("a", &settings(&[2, 3]));
        assert_eq!(after.in_flight(), 1);
        assert!(Arc::ptr_eq(&before.endpoints()[1], &after.endpoints()[0]));
        assert_eq!(after.endpoints()[0].requests(), 1);
        assert_eq!(after.endpoints()[1].requests(), 0);
        // Over HTTP/2 a kept HTTP/1 connection is of no use, so the endpoint is another one.
        let http2 = registry.get_or_insert(
            "a",
            &UpstreamSettings {
                http2: true,
                ..settings(&[2, 3])
            },
        );
        assert!(!Arc::ptr_eq(&after.endpoints()[0], &http2.endpoints()[0]));
    }

    #[test]
    fn what_nobody_holds_is_forgotten() {
        let registry = Upstreams::new();
        drop(registry.get_or_insert("a", &settings(&[1])));
        assert!(registry.all().is_empty());
        let _kept = registry.get_or_insert("b", &settings(&[1]));
        assert_eq!(registry.known.lock().len(), 1);
    }
}
