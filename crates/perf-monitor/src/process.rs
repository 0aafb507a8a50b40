//! What does the process itself use?

use std::time::{Duration, SystemTime};

/// A reading of the process's resources. It reads a few files below `/proc`, which is quick but not
/// free: take it on a timer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Process {
    /// Memory in use, in bytes.
    pub resident_bytes: u64,
    /// Address space, in bytes.
    pub virtual_bytes: u64,
    /// User and system time used since the start.
    pub cpu: Duration,
    /// Open file descriptors.
    pub open_fds: u64,
    /// Descriptors that may be open at once; none if that is not limited.
    pub max_fds: Option<u64>,
    /// Threads.
    pub threads: u64,
    /// When the process was started, to the second.
    pub started: SystemTime,
}

impl Process {
    /// Reads the process's resources; none where the system does not tell.
    #[cfg(target_os = "linux")]
    pub fn sample() -> Option<Self> {
        let process = procfs::process::Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks = procfs::ticks_per_second().max(1);
        let limit = process.limits().ok()?.max_open_files.soft_limit;
        let since_boot = Duration::from_secs(stat.starttime / ticks);
        Some(Self {
            resident_bytes: stat.rss * procfs::page_size(),
            virtual_bytes: stat.vsize,
            cpu: Duration::from_millis((stat.utime + stat.stime) * 1_000 / ticks),
            open_fds: process.fd_count().ok()? as u64,
            max_fds: match limit {
                procfs::process::LimitValue::Value(most) => Some(most),
                procfs::process::LimitValue::Unlimited => None,
            },
            threads: u64::try_from(stat.num_threads).unwrap_or(0),
            started: SystemTime::UNIX_EPOCH
                + Duration::from_secs(procfs::boot_time_secs().ok()?)
                + since_boot,
        })
    }

    /// Reads the process's resources; none where the system does not tell.
    #[cfg(not(target_os = "linux"))]
    pub fn sample() -> Option<Self> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_plausible() {
        let process = Process::sample().unwrap();
        assert!(process.resident_bytes > 1 << 20);
        assert!(process.virtual_bytes >= process.resident_bytes);
        assert!(process.open_fds > 2);
        assert!(process.threads > 0);
        assert!(process.started < SystemTime::now());
    }
}
