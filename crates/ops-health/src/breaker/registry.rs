//! The breakers of a program, by the name of what they stand before.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::settings::BreakerSettings;
use super::state::Transition;
use super::{Breaker, BreakerObserver};

/// Keeps breakers by name, so that they outlive a change of the configuration.
#[derive(Default)]
pub struct Breakers {
    by_name: Mutex<BTreeMap<Box<str>, Arc<Breaker>>>,
    observer: Option<Arc<BreakerObserver>>,
}

impl Breakers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// None yet; `observer` hears of each change of each of them.
    pub fn with_observer(observer: impl Fn(&Breaker, &Transition) + Send + Sync + 'static) -> Self {
        Self {
            observer: Some(Arc::new(observer)),
            ..Self::default()
        }
    }

    /// Returns the breaker of this name with these settings in force: the one that is there, or a new one.
    pub fn ensure(&self, name: &str, settings: &BreakerSettings, now: Instant) -> Arc<Breaker> {
        let mut by_name = self.by_name.lock();
        if let Some(breaker) = by_name.get(name) {
            breaker.set_settings(settings.clone(), now);
            return Arc::clone(breaker);
        }
        let mut breaker = Breaker::new(name, settings.clone(), now);
        if let Some(observer) = self.observer.clone() {
            breaker = breaker.with_observer(move |breaker, told| observer(breaker, told));
        }
        let breaker = Arc::new(breaker);
        by_name.insert(name.into(), Arc::clone(&breaker));
        breaker
    }

    /// Finds a breaker.
    pub fn get(&self, name: &str) -> Option<Arc<Breaker>> {
        self.by_name.lock().get(name).cloned()
    }

    /// Returns all of them, by name.
    pub fn all(&self) -> Vec<Arc<Breaker>> {
        self.by_name.lock().values().cloned().collect()
    }

    /// Forgets those whose names are not to be kept; who holds one still has it.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.by_name.lock().retain(|name, _| keep(name));
    }
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all()).finish()
    }
}
