//! Which name has which place?
//!
//! A name gets a dense place and keeps it as long as anyone holds its guard: a snapshot of the
//! configuration, and so every request that runs under it. After that the place is retired: its
//! figures can still be read, and the same name gets it back. It goes to another name when nothing
//! is left to read, or when many are retired.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// Retired places beyond which the one that is retired longest is given away.
const RETIRED_MAX: usize = 256;

/// What holds a place.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) index: u32,
    pub(crate) id: Arc<str>,
}

/// A guard of a place, and the template with which it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) held: Arc<Held>,
    pub(crate) template: Arc<str>,
}

#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: Arc<str>,
    /// The template to show: the newest one that anyone holds, or the last that anyone held. A
    /// configuration that was built and then refused leaves no trace here.
    pub(crate) template: Arc<str>,
    held: Weak<Held>,
    templates: Vec<Weak<str>>,
    /// The sweep that found the place retired.
    retired: Option<u64>,
}

impl Place {
    fn is_retired(&self) -> bool {
        self.held.strong_count() == 0
    }

    fn refresh(&mut self) {
        self.templates
            .retain(|template| template.strong_count() > 0);
        if let Some(newest) = self.templates.iter().rev().find_map(Weak::upgrade)
            && newest != self.template
        {
            self.template = Arc::from(&*newest); // A copy: the shown one must not keep itself alive.
        }
    }
}

/// The places of one kind: routes, or changes.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    places: Vec<Option<Place>>,
    by_id: HashMap<Arc<str>, u32>,
    free: Vec<u32>,
    sweeps: u64,
}

impl Registry {
    /// Holds the place of `id`. Also says whether the place had another name before, whose figures
    /// must be cleared.
    pub(crate) fn hold(&mut self, id: &str, template: &str) -> (Guard, bool) {
        if let Some(&index) = self.by_id.get(id)
            && let Some(place) = &mut self.places[index as usize]
        {
            let held = place.held.upgrade().unwrap_or_else(|| {
                let id = Arc::clone(&place.id);
                Arc::new(Held { index, id })
            });
            place.held = Arc::downgrade(&held);
            let known = place
                .templates
                .iter()
                .find_map(|known| known.upgrade().filter(|known| **known == *template));
            let template = known.unwrap_or_else(|| template.into());
            place
                .templates
                .retain(|known| !Weak::ptr_eq(known, &Arc::downgrade(&template)));
            place.templates.push(Arc::downgrade(&template));
            place.refresh();
            return (Guard { held, template }, false);
        }
        let (index, used) = self.take_place();
        let id: Arc<str> = id.into();
        let template: Arc<str> = template.into();
        let held = Arc::new(Held {
            index,
            id: Arc::clone(&id),
        });
        self.by_id.insert(Arc::clone(&id), index);
        self.places[index as usize] = Some(Place {
            id,
            template: Arc::from(&*template),
            held: Arc::downgrade(&held),
            templates: vec![Arc::downgrade(&template)],
            retired: None,
        });
        (Guard { held, template }, used)
    }

    /// A place that nobody has, and whether anybody had it.
    fn take_place(&mut self) -> (u32, bool) {
        if let Some(index) = self.free.pop() {
            return (index, true);
        }
        let retired = |place: &Option<Place>| place.as_ref().is_some_and(Place::is_retired);
        if self.places.iter().filter(|place| retired(place)).count() > RETIRED_MAX {
            let places = self.places.iter().enumerate();
            let longest = places
                .filter(|(_, place)| retired(place))
                .min_by_key(|(_, place)| {
                    place
                        .as_ref()
                        .map(|place| place.retired.unwrap_or(u64::MAX))
                });
            if let Some((index, Some(place))) = longest {
                self.by_id.remove(&place.id);
                return (place_number(index), true);
            }
        }
        self.places.push(None);
        (place_number(self.places.len() - 1), false)
    }

    /// Frees the retired places of which `is_empty` says that nothing is left to read, and says
    /// which they are.
    pub(crate) fn sweep(&mut self, is_empty: impl Fn(u32) -> bool) -> Vec<u32> {
        self.sweeps += 1;
        let mut freed = Vec::new();
        for (index, slot) in self.places.iter_mut().enumerate() {
            let Some(place) = slot else { continue };
            place.refresh();
            if !place.is_retired() {
                place.retired = None;
                continue;
            }
            place.retired.get_or_insert(self.sweeps);
            let index = place_number(index);
            if is_empty(index) {
                self.by_id.remove(&place.id);
                *slot = None;
                self.free.push(index);
                freed.push(index);
            }
        }
        freed
    }

    /// All places that have a name, held or retired.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Place)> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(index, place)| Some((place_number(index), place.as_ref()?)))
    }

    /// The place with a name at `index`.
    pub(crate) fn place(&self, index: u32) -> Option<&Place> {
        self.places.get(index as usize)?.as_ref()
    }

    pub(crate) fn get(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }
}

/// Places are taken one by one, by names in memory: there are never 2³².
fn place_number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_place() {
        let mut registry = Registry::default();
        let (a, used) = registry.hold("a", "/a");
        let (b, _) = registry.hold("b", "/b");
        assert_eq!((a.held.index, b.held.index, used), (0, 1, false));
        drop(a);
        registry.sweep(|_| false);
        assert_eq!(registry.hold("a", "/a").0.held.index, 0);
    }

    #[test]
    fn a_place_goes_on_only_when_nobody_holds_it_and_nothing_is_left() {
        let mut registry = Registry::default();
        let (a, _) = registry.hold("a", "/a");
        let other = a.clone();
        drop(a);
        registry.sweep(|_| true);
        assert_eq!(registry.hold("b", "/b").0.held.index, 1);
        drop(other);
        registry.sweep(|_| true);
        assert_eq!(registry.get("a"), None);
        let (c, used) = registry.hold("c", "/c");
        assert!(used && c.held.index < 2);
    }

    #[test]
    fn a_refused_configuration_leaves_no_template() {
        let mut registry = Registry::default();
        let (old, _) = registry.hold("a", "/old");
        let shown = |registry: &Registry| {
            registry
                .iter()
                .next()
                .map(|(_, place)| place.template.to_string())
        };
        let (new, _) = registry.hold("a", "/new");
        assert!(Arc::ptr_eq(&old.held, &new.held));
        assert_eq!(shown(&registry).as_deref(), Some("/new"));
        drop(new);
        registry.sweep(|_| false);
        assert_eq!(shown(&registry).as_deref(), Some("/old"));
    }

    #[test]
    fn many_retired_names_do_not_grow_the_table() {
        let mut registry = Registry::default();
        for number in 0..10 * RETIRED_MAX {
            registry.hold(&number.to_string(), "/");
            registry.sweep(|_| false);
        }
        assert!(registry.places.len() <= RETIRED_MAX + 2);
        assert_eq!(registry.by_id.len(), registry.places.len());
    }
}
