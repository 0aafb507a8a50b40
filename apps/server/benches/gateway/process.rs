//! Contenders: each a process of its own, whose CPU time, memory and system calls are read from outside.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a contender may take to listen.
const START: Duration = Duration::from_mins(1);

/// A server that is running; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where the gateway's admin listener is.
    pub(crate) admin: Option<SocketAddr>,
}

impl Process {
    /// This program again, in a role of `bare`.
    pub(crate) fn role(arguments: &[&str]) -> Self {
        let this = std::env::current_exe().unwrap();
        Self::bare(Command::new(this).args(arguments))
    }

    /// As [`Process::role`], under valgrind, whose counts go to `out`.
    pub(crate) fn role_counted(arguments: &[&str], out: &Path) -> Self {
        let this = std::env::current_exe().unwrap();
        Self::bare(callgrind(out).arg(this).args(arguments))
    }

    fn bare(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: line.trim().parse().expect("the role listens"),
            admin: None,
        }
    }

    /// The gateway with the settings of a file.
    pub(crate) fn gateway(config: &Path) -> Self {
        Self::urm(&mut Command::new(env!("CARGO_BIN_EXE_urm")), config)
    }

    /// As [`Process::gateway`], under valgrind.
    pub(crate) fn gateway_counted(config: &Path, out: &Path) -> Self {
        Self::urm(callgrind(out).arg(env!("CARGO_BIN_EXE_urm")), config)
    }

    fn urm(command: &mut Command, config: &Path) -> Self {
        let mut child = command
            .arg("--config")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut address, mut admin) = (None, None);
        while address.is_none() || admin.is_none() {
            let line = lines.next().expect("the gateway starts").unwrap();
            let after = |word: &str| {
                let (_, rest) = line.split_once(word)?;
                let (_, rest) = rest.split_once("http://")?;
                rest.split_whitespace().next()?.parse().ok()
            };
            address = address.or_else(|| after("gateway"));
            admin = admin.or_else(|| after("admin"));
        }
        thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address: address.unwrap(),
            admin,
        }
    }

    /// Another server, which says nothing when it listens at `address`.
    pub(crate) fn peer(command: &mut Command, address: SocketAddr) -> Self {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < START, "{command:?} does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Self {
            child,
            address,
            admin: None,
        }
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process and its children, such as nginx's worker.
    fn family(&self) -> Vec<u32> {
        let id = self.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.unwrap_or_default();
        let children = children.split_whitespace();
        let children = children.filter_map(|child| child.parse().ok());
        std::iter::once(id).chain(children).collect()
    }

    /// CPU time so far, user and system, in nanoseconds.
    pub(crate) fn cpu_nanos(&self) -> u64 {
        let mut sum = 0;
        for id in self.family() {
            let tasks = fs::read_dir(format!("/proc/{id}/task")).unwrap();
            for task in tasks {
                let stat = fs::read_to_string(task.unwrap().path().join("schedstat"));
                let first = stat.unwrap_or_default();
                let first = first.split_whitespace().next();
                sum += first.map_or(0, |nanos| nanos.parse::<u64>().unwrap());
            }
        }
        sum
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id())).unwrap();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
        let kib = line.unwrap().split_whitespace().next().unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    /// How many files and sockets it has open.
    pub(crate) fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.id()))
            .unwrap()
            .count()
    }

    /// How many system calls of which kinds it makes while `load` runs; none where `strace` is missing.
    pub(crate) fn system_calls(&self, load: impl FnOnce()) -> Option<Vec<(String, u64)>> {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("calls");
        let mut strace = Command::new("strace")
            .args(["-c", "-f", "-U", "calls,name", "-o"])
            .arg(&out)
            .args(
                self.family()
                    .iter()
                    .flat_map(|id| ["-p".to_owned(), id.to_string()]),
            )
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut line = String::new();
        // It says when it is attached.
        let mut told = BufReader::new(strace.stderr.take().unwrap());
        told.read_line(&mut line).unwrap();
        load();
        interrupt(strace.id());
        strace.wait().unwrap();
        let table = fs::read_to_string(&out).unwrap_or_default();
        let rows = table.lines().filter_map(|row| {
            let (calls, name) = row.trim().split_once(' ')?;
            let name = name.trim();
            (name != "total").then(|| Some((name.to_owned(), calls.parse().ok()?)))?
        });
        Some(rows.collect())
    }

    /// Ends it as a user would, and waits.
    pub(crate) fn stop(mut self) {
        interrupt(self.id());
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        interrupt(self.id());
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if begun.elapsed() > Duration::from_secs(5) {
                let _ = self.child.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn interrupt(id: u32) {
    let id = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    // It may have ended already.
    let _ = rustix::process::kill_process(id.unwrap(), rustix::process::Signal::INT);
}

fn callgrind(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()));
    command
}

/// The instructions that a run under valgrind counted.
pub(crate) fn counted(out: &Path) -> u64 {
    let text = fs::read_to_string(out).unwrap();
    let total = text.lines().find_map(|line| {
        let rest = line
            .strip_prefix("summary:")
            .or(line.strip_prefix("totals:"));
        rest?.trim().parse().ok()
    });
    total.expect("valgrind counts")
}

/// Where a program is, if it is installed.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian keeps servers where a user's PATH does not lead.
    let places = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    places
        .map(|place| place.join(name))
        .find(|file| file.is_file())
}

/// A port that nobody listens at.
pub(crate) fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
