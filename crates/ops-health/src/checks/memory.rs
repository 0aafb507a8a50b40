//! `memory`: does what the process holds come near what it may hold?
//!
//! The resident set is compared with the container's limit (cgroup v2, or v1), or with the machine's memory where that is less.
//! Over 80 % is degraded, over 90 % unhealthy: past that the kernel may end the process. Linux only: the figures come from
//! `/proc` and `/sys/fs/cgroup`.

use std::path::Path;
use std::{fs, io};

use async_trait::async_trait;

use crate::check::{CheckResult, Criticality, HealthCheck, Status};

const NAME: &str = "memory";

/// Compares the resident set with what the container or the machine allows. Critical.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryCheck(());

impl MemoryCheck {
    /// The check.
    pub const fn new() -> Self {
        Self(())
    }
}

#[async_trait]
impl HealthCheck for MemoryCheck {
    fn name(&self) -> &str {
        NAME
    }

    async fn execute(&self) -> CheckResult {
        match tokio::task::spawn_blocking(MemoryUse::read).await {
            Ok(Ok(memory)) => CheckResult::new(NAME, memory.status())
                .with("resident_bytes", memory.resident_bytes)
                .with("limit_bytes", memory.limit_bytes)
                .with("share", format_args!("{:.3}", memory.share())),
            // Not knowing is no reason to call the whole unhealthy.
            Ok(Err(error)) => CheckResult::degraded(NAME).with("error", error),
            Err(error) => CheckResult::degraded(NAME).with("error", error),
        }
    }

    fn criticality(&self) -> Criticality {
        Criticality::Critical
    }
}

/// What the process holds, and what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryUse {
    /// The resident set of this process, in bytes.
    pub resident_bytes: u64,
    /// The container's limit, or the machine's memory where that is less, in bytes.
    pub limit_bytes: u64,
}

impl MemoryUse {
    /// Reads the figures of this process. It reads files: not for a worker's thread.
    pub fn read() -> io::Result<Self> {
        Self::read_below(Path::new("/"))
    }

    fn read_below(root: &Path) -> io::Result<Self> {
        let status = fs::read_to_string(root.join("proc/self/status"))?;
        let machine = fs::read_to_string(root.join("proc/meminfo"))?;
        let machine = field_bytes(&machine, "MemTotal:").ok_or_else(|| missing("MemTotal"))?;
        Ok(Self {
            resident_bytes: field_bytes(&status, "VmRSS:").ok_or_else(|| missing("VmRSS"))?,
            limit_bytes: cgroup_limit(root).unwrap_or(machine).min(machine),
        })
    }

    /// The share of the limit that is in use, 1 at the limit.
    pub fn share(&self) -> f64 {
        self.resident_bytes as f64 / self.limit_bytes.max(1) as f64
    }

    fn status(&self) -> Status {
        match self.share() {
            share if share > 0.9 => Status::Unhealthy,
            share if share > 0.8 => Status::Degraded,
            _ => Status::Healthy,
        }
    }
}

fn missing(field: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no {field} in /proc"))
}

/// The value of `name` in one of the kernel's tables, such as `VmRSS:    5120 kB`.
fn field_bytes(table: &str, name: &str) -> Option<u64> {
    let value = table.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The tightest memory limit of the group that the process is in, and of the groups around it.
fn cgroup_limit(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let limits = groups.lines().filter_map(|line| {
        // `0::/path` (v2), `7:memory:/path` or `4:cpu,memory:/path` (v1).
        let (hierarchy, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        if hierarchy == "0" && controllers.is_empty() {
            tightest(&root.join("sys/fs/cgroup"), path, "memory.max")
        } else if controllers.split(',').any(|one| one == "memory") {
            let mount = root.join("sys/fs/cgroup/memory");
            tightest(&mount, path, "memory.limit_in_bytes")
        } else {
            None
        }
    });
    limits.min()
}

/// The least number in `file` of the group `path` and of all groups around it. In a container the path is often that of the
/// host and does not exist below `mount`; the walk then ends where the container's own group is mounted.
fn tightest(mount: &Path, path: &str, file: &str) -> Option<u64> {
    let group = Path::new(path.trim_start_matches('/'));
    let limit = |group: &Path| {
        let text = fs::read_to_string(mount.join(group).join(file)).ok()?;
        text.trim().parse().ok() // `max`: no limit here.
    };
    group.ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const MIB: u64 = 1024 * 1024;

    fn machine(files: &[(&str, &str)]) -> TempDir {
        let root = TempDir::new().unwrap();
        let always = [
            ("proc/self/status", "Name:\tx\nVmRSS:\t   51200 kB\n"),
            ("proc/meminfo", "MemTotal:  1024000 kB\nMemFree: 1 kB\n"),
        ];
        for (path, text) in always.iter().chain(files) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], limit_bytes: u64) {
        let memory = MemoryUse::read_below(machine(files).path()).unwrap();
        assert_eq!(memory.resident_bytes, 50 * MIB);
        assert_eq!(memory.limit_bytes, limit_bytes);
    }

    #[test]
    fn the_tightest_limit_counts() {
        let v2 = ("proc/self/cgroup", "0::/a/b\n");
        check(&[], 1000 * MIB);
        check(&[v2], 1000 * MIB);
        check(&[v2, ("sys/fs/cgroup/a/b/memory.max", "max\n")], 1000 * MIB);
        check(
            &[v2, ("sys/fs/cgroup/a/b/memory.max", "104857600\n")],
            100 * MIB,
        );
        check(
            &[v2, ("sys/fs/cgroup/a/memory.max", "104857600\n")],
            100 * MIB,
        );
        check(
            &[v2, ("sys/fs/cgroup/memory.max", "104857600\n")],
            100 * MIB,
        );
        check(
            &[v2, ("sys/fs/cgroup/memory.max", "9999999999999\n")],
            1000 * MIB,
        );
    }

    #[test]
    fn the_older_groups_count_too() {
        let v1 = ("proc/self/cgroup", "4:cpu:/x\n3:hugetlb,memory:/a\n0::/\n");
        let unlimited = (
            "sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            "9223372036854771712",
        );
        check(&[v1, unlimited], 1000 * MIB);
        check(
            &[
                v1,
                ("sys/fs/cgroup/memory/memory.limit_in_bytes", "104857600"),
            ],
            100 * MIB,
        );
    }

    #[test]
    fn shares_are_judged() {
        #[track_caller]
        fn check(resident_bytes: u64, status: Status) {
            let memory = MemoryUse {
                resident_bytes,
                limit_bytes: 1000,
            };
            assert_eq!(memory.status(), status);
        }
        check(0, Status::Healthy);
        check(800, Status::Healthy);
        check(801, Status::Degraded);
        check(900, Status::Degraded);
        check(901, Status::Unhealthy);
    }

    #[test]
    fn what_is_missing_is_an_error() {
        let root = TempDir::new().unwrap();
        assert!(MemoryUse::read_below(root.path()).is_err());
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        fs::write(root.path().join("proc/self/status"), "VmRSS: many\n").unwrap();
        fs::write(root.path().join("proc/meminfo"), "MemTotal: 1 kB\n").unwrap();
        assert!(MemoryUse::read_below(root.path()).is_err());
    }
}
