//! What the monitor asks of a request, and the access log's line at its end.
use std::sync::Arc;
use std::time::SystemTime;

use http::Extensions;
use perf_monitor::{Arms, CacheOutcome, Ended, SlotIndex, Subject};

use crate::access_log::Line;
use crate::trip::{Arm, Trip};

/// The request as the monitor and the access log see it.
pub fn subject(extensions: &Extensions) -> Option<Arc<dyn Subject>> {
    let trip = Trip::of(extensions)?;
    Some(Arc::clone(trip) as Arc<dyn Subject>)
}

impl Subject for Trip {
    fn slot(&self) -> SlotIndex {
        self.bundle()
            .map_or(SlotIndex::NONE, |bundle| bundle.slot.index())
    }

    fn counted(&self) -> bool {
        self.held.snapshot.features.monitoring && self.builtin().is_none()
    }

    fn cache(&self) -> CacheOutcome {
        match Trip::cache(self) {
            None => CacheOutcome::None,
            Some(cache::CacheOutcome::Hit) => CacheOutcome::Hit,
            Some(cache::CacheOutcome::Stale) => CacheOutcome::Stale,
            Some(cache::CacheOutcome::Revalidated) => CacheOutcome::Revalidated,
            Some(cache::CacheOutcome::Miss) => CacheOutcome::Miss,
            Some(cache::CacheOutcome::Bypass) => CacheOutcome::Bypass,
        }
    }

    fn arms(&self) -> Arms {
        let mut arms = Arms::NONE;
        if let arm @ (Arm::Stable | Arm::Canary) = self.arm()
            && let Some(canary) = self.bundle().and_then(|bundle| bundle.canary.as_ref())
        {
            arms.set(canary.change.id(), arm == Arm::Canary);
        }
        arms
    }

    fn error_type(&self) -> Option<&'static str> {
        self.error()
    }

    fn stands_for(&self) -> Option<u16> {
        Trip::stands_for(self)
    }

    fn scheme(&self) -> &'static str {
        self.edge.scheme
    }

    fn ended(&self, ended: &Ended) {
        let log = &self.held.snapshot.registries.access_log;
        if !log.wants(ended.status, ended.aborted || ended.broken) || self.builtin().is_some() {
            return;
        }
        // The word that metrics have: of a refusal of ours, or of an answer that broke off.
        let error = self.error().or(ended.error_type.filter(|_| ended.broken));
        let asked = self.endpoint().is_some();
        let made_by = match (ended.broken, self.error()) {
            (true, _) if asked => Some("upstream"),
            (true, _) | (false, Some(_)) => Some("gateway"),
            (false, None) if asked && ended.status >= 500 => Some("upstream"),
            (false, None) => None,
        };
        let canary = self.bundle().and_then(|bundle| bundle.canary.as_ref());
        let arms = canary.filter(|_| self.arm() != Arm::None).map(|canary| {
            let side = if self.arm() == Arm::Canary {
                "canary"
            } else {
                "stable"
            };
            format!("{}={side}", canary.change.name())
        });
        let (path, query) = self
            .target()
            .map_or(("", None), |target| (target.path(), target.query()));
        log.write(&Line {
            time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            request_id: &self.edge.ids.request_id_text(),
            trace_id: &self.edge.ids.trace_id(),
            client: self.edge.client.as_ref().map(|client| client.ip),
            method: self.edge.method.as_str(),
            host: self.edge.host.as_str(),
            path: log.target(path, query),
            route: self.route_id().unwrap_or("_NONE"),
            status: ended.status,
            made_by,
            error,
            endpoint: self.endpoint(),
            tries: self.tries(),
            upstream_ms: self.upstream_ms(),
            total_ms: ended.total_time.as_secs_f64() * 1_000.0,
            bytes_in: ended.request_bytes,
            bytes_out: ended.response_bytes,
            cache: Trip::cache(self).map(cache::CacheOutcome::as_str),
            arms: arms.into_iter().collect(),
        });
    }
}
