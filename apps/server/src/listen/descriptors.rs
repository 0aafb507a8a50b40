//! The process's limit of open files, raised to what the connections need.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that are neither a client's nor an upstream's connection: logs, stores, listeners.
const RESERVED: u64 = 512;

/// How many descriptors `connections` need: each may hold one towards an upstream too.
fn wanted(connections: u64) -> u64 {
    connections.saturating_mul(2).saturating_add(RESERVED)
}

/// What the soft limit becomes: never lower than it is, never above the hard one.
fn raised(soft: u64, hard: Option<u64>, wanted: u64) -> u64 {
    let allowed = hard.map_or(wanted, |hard| wanted.min(hard));
    soft.max(allowed)
}

/// Raises the soft limit of open files to what `connections` need, as far as the hard one allows.
///
/// Returns how many connections the limit in force is enough for.
pub(super) fn provide(connections: u64) -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let Some(soft) = limit.current else {
        return Ok(connections); // Unlimited.
    };
    let new = raised(soft, limit.maximum, wanted(connections));
    if new > soft {
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(new),
                maximum: limit.maximum,
            },
        )?;
    }
    Ok((new.saturating_sub(RESERVED) / 2).min(connections))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_rises_as_far_as_it_may_and_never_falls() {
        assert_eq!(raised(1_024, Some(1_048_576), wanted(10_000)), 20_512);
        assert_eq!(raised(1_024, Some(4_096), wanted(10_000)), 4_096);
        assert_eq!(raised(1_024, None, wanted(10_000)), 20_512);
        assert_eq!(raised(65_536, Some(65_536), wanted(10)), 65_536);
    }

    #[test]
    fn what_is_in_force_is_told() {
        assert_eq!(provide(1).unwrap(), 1);
    }
}
