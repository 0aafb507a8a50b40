//! The programs that the tests start and the tasks call.

use anyhow::{Result, bail};

use crate::run::{installed, output, program, succeed};

/// A program, the Debian package it comes in, and what wants it.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("nginx", "nginx", "tests put it behind the gateway"),
    ("promtool", "prometheus", "a test shows it the metrics"),
    (
        "python3",
        "python3",
        "tests put its file server behind the gateway",
    ),
];

/// The programs that the benchmarks of the gateway compare it with, or count with.
const COMPARED: &[(&str, &str, &str)] = &[
    ("nginx", "nginx", "a row of the comparison"),
    ("haproxy", "haproxy", "a row of the comparison"),
    ("strace", "strace", "it counts system calls"),
    ("valgrind", "valgrind", "it counts instructions"),
];

/// Installs what is missing: as root on Debian, else it says what to install and fails.
pub(crate) fn run() -> Result<()> {
    install(PROGRAMS)
}

/// As [`run`], for what the benchmarks compare with; what cannot be installed is left out of them.
pub(crate) fn for_benchmarks() {
    if let Err(error) = install(COMPARED) {
        println!("the comparison goes on without what is missing: {error:#}");
    }
}

fn install(programs: &'static [(&str, &str, &str)]) -> Result<()> {
    let missing: Vec<_> = programs
        .iter()
        .filter(|(name, ..)| !installed(name))
        .collect();
    if missing.is_empty() {
        println!("every program is installed");
        return Ok(());
    }
    for (name, package, why) in &missing {
        println!("{name} is missing: {why} (Debian package {package})");
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    if !installed("apt-get") || output(program("id").arg("-u")).as_deref() != Some("0") {
        bail!(
            "install these packages (as root on Debian: `apt-get install -y --no-install-recommends {}`)",
            packages.join(" ")
        );
    }
    succeed(program("apt-get").args(["update", "--quiet"]))?;
    succeed(
        program("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "--quiet", "--no-install-recommends"])
            .args(&packages),
    )?;
    for (name, package, _) in missing {
        if !installed(name) {
            bail!("{package} was installed, but {name} is still missing");
        }
    }
    Ok(())
}
