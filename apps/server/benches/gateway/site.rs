//! The settings that the gateway is measured with, and all contenders of a run.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::peers;
use crate::process::Process;

/// What differs between the gateways of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    pub(crate) workers: usize,
    /// Routes that nobody asks for, beside the few of the workload.
    pub(crate) further_routes: usize,
    pub(crate) monitoring: bool,
}

impl Default for Variant {
    fn default() -> Self {
        Self {
            workers: 1,
            further_routes: 6,
            monitoring: true,
        }
    }
}

/// A folder for settings and caches, and the origin that all contenders ask.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) origin: Process,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::of("role-fixed")
    }

    /// With an origin of another role.
    pub(crate) fn of(role: &str) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            origin: Process::role(&[role]),
        }
    }

    /// Writes the gateway's settings: everything on but the access log, which the others do not write either.
    pub(crate) fn settings(&self, name: &str, variant: Variant) -> PathBuf {
        let Variant {
            workers,
            further_routes,
            monitoring,
        } = variant;
        let origin = self.origin.address;
        let mut text = format!(
            "environment = \"production\"
host = \"127.0.0.1\"
port = 0
access_log = \"off\"
[admin]
port = 0
[features]
monitoring = {monitoring}
[http]
workers = {workers}
[shutdown]
delay = \"0s\"
[upstreams.origin]
endpoints = [\"http://{origin}\"]
pool_max_idle = 4096
max_in_flight = 10000
[upstreams.unkept]
endpoints = [\"http://{origin}\"]
pool_max_idle = 0
max_in_flight = 10000
[upstreams.next]
endpoints = [\"http://{origin}\"]
[flags.on]
enabled = true
[flags.half]
enabled = true
conditions = {{ percentage = 50 }}
[flag_settings]
sticky = {{ header = \"x-user\" }}
[routes.cached]
path = \"/cached/{{*rest}}\"
upstream = \"origin\"
cache = {{ ttl = \"1h\" }}
[routes.flagged]
path = \"/flagged/{{*rest}}\"
upstream = \"origin\"
cache = {{ ttl = \"1h\" }}
flag = \"on\"
rollout = {{ flag = \"half\", upstream = \"next\" }}
[routes.unkept]
path = \"/unkept/{{*rest}}\"
upstream = \"unkept\"
[routes.live]
path = \"/live/{{*rest}}\"
upstream = \"origin\"
"
        );
        for route in 0..further_routes {
            let kind = ["items", "users", "orders", "reports"][route % 4];
            write!(
                text,
                "[routes.r{route}]\npath = \"/api/v{}/{kind}/{route}/{{id}}\"\nupstream = \"origin\"\n",
                route % 7
            )
            .unwrap();
        }
        let file = self.folder.path().join(format!("{name}.toml"));
        fs::write(&file, text).unwrap();
        file
    }

    pub(crate) fn gateway(&self, name: &str, variant: Variant) -> Process {
        Process::gateway(&self.settings(name, variant))
    }

    pub(crate) fn nginx(&self) -> Option<Process> {
        peers::nginx(&self.folder.path().join("nginx"), self.origin.address)
    }

    pub(crate) fn haproxy(&self) -> Option<Process> {
        peers::haproxy(&self.folder.path().join("haproxy"), self.origin.address)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn origin(&self) -> SocketAddr {
        self.origin.address
    }
}
