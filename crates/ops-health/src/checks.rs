//! The checks that come with the crate, none of them simulated.

mod memory;
mod ping;
mod targets;
mod tcp;

pub use memory::{MemoryCheck, MemoryUse};
pub use ping::PingCheck;
pub use targets::{TargetState, TargetsCheck};
pub use tcp::ReachCheck;
