//! Starts the program and reads from it where it listens.
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Long enough for a slow machine; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The binary under test with nothing of this process's environment that could steer it, in an empty
/// folder.
pub(crate) fn urm(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_urm"));
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// What a command that ends by itself said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command of the program to its end.
pub(crate) fn say(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let output = urm(folder)
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A running server, ended when it is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) gateway: SocketAddr,
    pub(crate) admin: SocketAddr,
    log: Arc<Mutex<String>>,
    access: Arc<Mutex<String>>,
    _folder: TempDir,
}

impl Program {
    /// Starts it with this configuration file.
    pub(crate) fn configured(toml: &str) -> Self {
        Self::start(toml, &[], &[])
    }

    /// Starts it with a configuration file (none where it is empty), arguments and variables.
    pub(crate) fn start(toml: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, toml, arguments, variables)
    }

    pub(crate) fn start_in(
        folder: TempDir,
        toml: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = urm(folder.path());
        if !toml.is_empty() {
            std::fs::write(folder.path().join("routes.toml"), toml).unwrap();
            command.args(["--config", "routes.toml"]);
        }
        let fixed = [
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("ADMIN_PORT", "0"),
            ("ACCESS_LOG", "all"),
        ];
        command
            .args(arguments)
            .envs(fixed)
            .envs(variables.iter().copied());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let access = gather(child.stdout.take().unwrap());
        let log = gather(child.stderr.take().unwrap());
        let mut program = Self {
            child,
            gateway: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
            log,
            access,
            _folder: folder,
        };
        program.gateway = program.announced("gateway  http://");
        program.admin = program.announced("admin    http://");
        program
    }

    /// The address that a start-up line names.
    fn announced(&mut self, before: &str) -> SocketAddr {
        let log = Arc::clone(&self.log);
        let mut found = None;
        let child = &mut self.child;
        until(|| {
            // A copy: the lock must not be poisoned by what fails below.
            let log = log.lock().unwrap().clone();
            found = log.lines().find_map(|line| {
                line.strip_prefix(before)?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            });
            let ended = found.is_none() && child.try_wait().unwrap().is_some();
            assert!(!ended, "it ended at once: {log}");
            found.is_some()
        });
        found.unwrap()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the access log has a line for which `wanted` holds.
    pub(crate) fn access_line(
        &self,
        wanted: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let mut found = None;
        until(|| {
            let access = self.access.lock().unwrap();
            found = access
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .find(&wanted);
            found.is_some()
        });
        found.unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Bytes of memory that it holds.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        until(|| {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the program's log:\n{}", self.log());
        }
    }
}

/// Waits for a condition, looking again and again.
#[track_caller]
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Gathers lines as they come, so that the program never waits for a reader.
fn gather(lines: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let gathered = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&gathered);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(lines);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
            into.lock().unwrap().push_str(&line);
            line.clear();
        }
    });
    gathered
}
