//! What the log, metrics, an admin API and a dashboard show.

use std::time::Instant;

use super::state::{BreakerState, CallCounts, Transition};

/// What there is to show of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerStatus {
    /// Where it stands.
    pub state: BreakerState,
    /// Since when.
    pub since: Instant,
    /// The latest change; its number is that of all changes.
    pub last: Option<Transition>,
    /// When it lets calls pass on trial, where it is open by itself, or has all trials under way and gives their places away.
    pub tries_at: Option<Instant>,
    /// What the window holds.
    pub counts: CallCounts,
    /// How often it opened, by itself or by hand.
    pub opened: u64,
    /// Calls that it refused.
    pub refused: u64,
}
