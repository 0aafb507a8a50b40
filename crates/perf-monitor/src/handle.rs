//! What a program holds of routes and changes.

use std::sync::Arc;

use crate::arms::ChangeId;
use crate::registry::{Guard, Held};
use crate::sample::SlotIndex;

/// The names of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteLabel<'a> {
    /// The configured id, the label `urm_route`.
    pub id: &'a str,
    /// The path template, the label `http_route`.
    pub template: &'a str,
}

/// A route's place among the cells, kept as long as anyone has a clone of this.
///
/// Whatever can still bring a request to the route holds one: the snapshot of the configuration, and
/// through it each request.
#[derive(Clone, Debug)]
pub struct RouteSlot(Guard);

impl RouteSlot {
    pub(crate) fn new(guard: Guard) -> Self {
        Self(guard)
    }

    /// The place.
    #[inline]
    pub fn index(&self) -> SlotIndex {
        SlotIndex(self.0.held.index)
    }

    /// The route's id.
    pub fn id(&self) -> &str {
        &self.0.held.id
    }

    /// The template with which the slot was asked for.
    pub fn template(&self) -> &str {
        &self.0.template
    }

    pub(crate) fn held(&self) -> &Arc<Held> {
        &self.0.held
    }
}

/// A change whose arms are measured, known as long as anyone has a clone of this.
#[derive(Clone, Debug)]
pub struct Change(Arc<Held>);

impl Change {
    pub(crate) fn new(held: Arc<Held>) -> Self {
        Self(held)
    }

    /// The number that goes into [`Arms`](crate::Arms).
    pub fn id(&self) -> ChangeId {
        ChangeId(self.0.index)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.id
    }
}
