//! How much memory may this process take?

use std::fs;

/// The memory limit of the container (cgroup version 2, then 1) in bytes, where there is one.
pub fn container_memory_limit() -> Option<u64> {
    [
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ]
    .iter()
    .find_map(|file| limit(&fs::read_to_string(file).ok()?))
}

/// `max`, and version 1's number beyond all memory, are no limit.
fn limit(text: &str) -> Option<u64> {
    let limit: u64 = text.trim().parse().ok()?;
    (limit < 1 << 60).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn no_limit_is_none() {
        assert_eq!(limit("536870912\n"), Some(536_870_912));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
    }
}
