//! What is in force, and since where?

use std::fmt;
use std::path::Path;

use super::origin::{Origin, Sources};
use super::path::{self, Step};
use super::problem::Problem;
use super::shape::Shape;
use super::tree::{Kind, Node};

/// Settings that are sound, and where each of them came from.
///
/// Of the layers only places are kept, no values. `Debug` shows the settings alone.
#[non_exhaustive]
pub struct Loaded<T> {
    /// The settings.
    pub settings: T,
    pub(super) places: Place,
    pub(super) sources: Sources,
    pub(super) shape: Shape,
    warnings: Vec<Problem>,
}

impl<T> Loaded<T> {
    pub(super) fn new(
        settings: T,
        tree: Node,
        sources: Sources,
        shape: Shape,
        warnings: Vec<Problem>,
    ) -> Self {
        Self {
            settings,
            places: Place::of(tree),
            sources,
            shape,
            warnings,
        }
    }

    /// What is no fault, but worth telling: variables that were passed over, and why.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The files that were read, in the order of the layers.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.sources.files()
    }

    /// Where the value at `key` was written (`config/local.toml:3:8`, `variable PORT`, `--port`); `None` where only the
    /// type's default stands there.
    pub fn origin(&self, key: &str) -> Option<String> {
        let place = self.places.find(key)?;
        Some(self.sources.describe(place.at))
    }

    /// Whether a person set `key`, or a key below it, rather than a default or a built-in profile.
    pub fn is_set(&self, key: &str) -> bool {
        let place = self.places.find(key);
        place.is_some_and(|place| place.any(&|at| !self.sources.is_built_in(at)))
    }
}

impl<T: fmt::Debug> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The merged tree without its values.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) at: Origin,
    below: Below,
}

#[derive(Debug)]
enum Below {
    Nothing,
    /// Sorted by key.
    Table(Vec<(String, Place)>),
    List(Vec<Place>),
}

impl Place {
    fn of(node: Node) -> Self {
        let below = match node.kind {
            Kind::Table(table) => {
                let places = table.into_iter().map(|(key, node)| (key, Self::of(node)));
                Below::Table(places.collect())
            }
            Kind::List(list) => Below::List(list.into_iter().map(Self::of).collect()),
            _ => Below::Nothing,
        };
        Self { at: node.at, below }
    }

    pub(super) fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.below, step) {
            (Below::Table(table), Step::Key(key)) => {
                let at = table.binary_search_by(|(name, _)| name.cmp(key)).ok()?;
                Some(&table[at].1)
            }
            (Below::List(list), Step::Index(index)) => list.get(*index),
            _ => None,
        }
    }

    fn find(&self, key: &str) -> Option<&Self> {
        let steps = path::read(key);
        steps.iter().try_fold(self, |place, step| place.child(step))
    }

    fn any(&self, is: &dyn Fn(Origin) -> bool) -> bool {
        match &self.below {
            Below::Nothing => is(self.at),
            // The place of a table is that of its last layer alone.
            Below::Table(table) => is(self.at) || table.iter().any(|(_, place)| place.any(is)),
            Below::List(list) => is(self.at) || list.iter().any(|place| place.any(is)),
        }
    }
}
