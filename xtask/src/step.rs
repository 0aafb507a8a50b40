//! The steps of a check, cheapest first: what fails soon fails first.
//!
//! Steps share what they compile: all but `alone` take the whole workspace with all features, so that clippy and the
//! documentation use one set of metadata, the tests and the documentation's examples one set of objects.

use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::run::{cargo, succeed};
use crate::tools::Tool;
use crate::{house, setup};

pub(crate) struct Step {
    name: &'static str,
    run: fn() -> Result<()>,
}

const FORMAT: Step = Step {
    name: "format",
    run: || succeed(cargo().args(["fmt", "--all", "--check"])),
};

const HOUSE: Step = Step {
    name: "dependency rule",
    run: house::check,
};

const SHEAR: Step = Step {
    name: "unused dependencies",
    run: || succeed(Tool::Shear.command()?.args(["--locked", "--deny-warnings"])),
};

const DENY: Step = Step {
    name: "licences, bans, sources",
    run: || {
        succeed(
            Tool::Deny
                .command()?
                .args(["--locked", "--workspace", "check", "--hide-inclusion-graph"])
                .args(["bans", "licenses", "sources"]),
        )
    },
};

const CLIPPY: Step = Step {
    name: "clippy",
    run: || {
        succeed(
            cargo()
                .args(["clippy", "--workspace", "--all-targets", "--all-features"])
                .args(["--locked", "--", "-D", "warnings"]),
        )
    },
};

/// Among its siblings a crate compiles with every feature that any of them asks of a shared dependency; whoever takes
/// it alone has only its own.
const ALONE: Step = Step {
    name: "each crate alone",
    run: || {
        for name in house::useful_alone() {
            succeed(cargo().args(["check", "--quiet", "--locked", "--lib", "-p", name]))?;
        }
        Ok(())
    },
};

const DOC: Step = Step {
    name: "documentation",
    run: || {
        succeed(
            cargo()
                .env("RUSTDOCFLAGS", "-D warnings")
                .args(["doc", "--no-deps", "--workspace", "--all-features"])
                .arg("--locked"),
        )
    },
};

/// Builds the examples too: they are targets like the tests.
const TESTS: Step = Step {
    name: "tests",
    run: || {
        succeed(
            Tool::Nextest
                .command()?
                .args(["nextest", "run", "--profile", "ci"])
                .args(["--workspace", "--all-features", "--locked"]),
        )
    },
};

const DOC_TESTS: Step = Step {
    name: "documentation's examples",
    run: || {
        succeed(
            cargo()
                .args(["test", "--doc", "--workspace", "--all-features"])
                .args(["--locked", "--quiet"]),
        )
    },
};

const SETUP: Step = Step {
    name: "setup",
    run: setup::run,
};

pub(crate) fn lint() -> [Step; 5] {
    [FORMAT, HOUSE, SHEAR, DENY, CLIPPY]
}

pub(crate) fn doc() -> [Step; 1] {
    [DOC]
}

pub(crate) fn test() -> [Step; 2] {
    [TESTS, DOC_TESTS]
}

pub(crate) fn ci() -> Vec<Step> {
    let mut steps = vec![SETUP];
    steps.extend(lint());
    steps.push(ALONE);
    steps.extend(doc());
    steps.extend(test());
    steps
}

/// Runs `steps` in order, each named with its time, to the first that fails.
pub(crate) fn run_all(task: &str, steps: &[Step]) -> Result<()> {
    let begun = Instant::now();
    for (index, Step { name, run }) in steps.iter().enumerate() {
        println!("== {name} ({} of {})", index + 1, steps.len());
        let step_begun = Instant::now();
        let outcome = run();
        let seconds = step_begun.elapsed().as_secs_f64();
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("== {name}: {word} in {seconds:.1} s");
        outcome.with_context(|| format!("{task} stopped at step `{name}`"))?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{task}: {} steps passed in {seconds:.1} s", steps.len());
    Ok(())
}
