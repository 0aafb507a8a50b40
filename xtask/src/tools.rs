//! The cargo tools that the steps use, in the versions that `tools.txt` pins.
//!
//! A tool is taken from `PATH` where it has exactly that version, else from `target/tools`, where it is installed once:
//! the prebuilt wheel by pip (seconds), or compiled by `cargo install` (minutes).

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, metadata, output, program, succeed};

const PINS: &str = include_str!("../tools.txt");
const WHEEL: &str = "astral-dev-toolchain-";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Tool {
    Deny,
    Nextest,
    Shear,
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Deny => "cargo-deny",
            Self::Nextest => "cargo-nextest",
            Self::Shear => "cargo-shear",
        }
    }

    /// The tool, ready to take its arguments; installs it where it is missing.
    pub(crate) fn command(self) -> Result<Command> {
        let name = self.name();
        let version = pinned(name).with_context(|| format!("tools.txt does not pin {name}"))?;
        if has_version(name.into(), version) {
            return Ok(program(name));
        }
        let folder = metadata(false)?
            .target_directory
            .join("tools")
            .into_std_path_buf();
        let own = folder
            .join("bin")
            .join(format!("{name}{}", env::consts::EXE_SUFFIX));
        if has_version(own.clone(), version) {
            return Ok(program(own));
        }

        println!("{name} {version} is not here: installing it into target/tools");
        // A half-made or older installation would stop pip, which writes no file twice.
        let wheel = succeed(
            program("python3")
                .args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"])
                .args(["--require-hashes", "--only-binary", ":all:"])
                .args(["-r", "xtask/tools.txt", "--target"])
                .arg(&folder),
        );
        if let Err(error) = wheel {
            println!("no wheel ({error:#}): compiling {name}");
            let compiled = succeed(
                cargo()
                    .args(["install", "--locked", "--force", name, "--version", version])
                    .arg("--root")
                    .arg(&folder),
            );
            if let Err(error) = compiled {
                bail!(
                    "{name} {version} is needed and could not be installed ({error:#}); install it so that it is \
                     in PATH: `cargo install --locked {name} --version {version}`, or \
                     `pip install {WHEEL}{name}=={version}`"
                );
            }
        }
        if !has_version(own.clone(), version) {
            bail!("{name} was installed, but {} is not it", own.display());
        }
        Ok(program(own))
    }
}

/// The version that `tools.txt` asks for.
fn pinned(name: &str) -> Option<&'static str> {
    PINS.lines().find_map(|line| {
        let version = line
            .strip_prefix(WHEEL)?
            .strip_prefix(name)?
            .strip_prefix("==")?;
        version.split_whitespace().next()
    })
}

fn has_version(tool: PathBuf, version: &str) -> bool {
    output(program(tool).arg("--version"))
        .is_some_and(|text| text.split_whitespace().any(|word| word == version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_pinned() {
        for tool in [Tool::Deny, Tool::Nextest, Tool::Shear] {
            let version = pinned(tool.name()).unwrap_or_default();
            assert_eq!(version.split('.').count(), 3, "{tool:?}: {version:?}");
        }
        assert_eq!(pinned("cargo-unknown"), None);
    }
}
