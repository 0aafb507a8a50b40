//! The project's own tasks: `cargo xtask lint | test | bench | doc | setup | ci`.
//!
//! - `ci` is the whole check of a change, cheapest step first; `.ci/run` calls it and nothing else.
//! - `lint`, `test` and `doc` are parts of it, step for step the same commands.
//! - `bench` runs the benchmarks and prints what is worth comparing.
//! - `setup` installs the programs that the tests start.
//!
//! Nothing is skipped: what a step needs and cannot get is its failure, and the message says how to get it.

// A task's output is what it is run for.
#![expect(clippy::print_stdout, reason = "the tasks talk to a terminal")]

mod bench;
mod house;
mod run;
mod setup;
mod step;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bench::Workload;

/// Tasks of the workspace
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version = None)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Formatting, the dependency rule, unused dependencies, licences and sources, clippy
    Lint,
    /// Every test of every crate, the examples' build and the documentation's examples
    Test,
    /// Benchmarks, each of our parts beside its alternatives
    Bench {
        #[arg(value_enum, default_value = "core")]
        workload: Workload,
        /// Passed on to `http` and `memory`, such as `-- --only proxied --rounds 3`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// The documentation, where a broken link is an error
    Doc,
    /// Installs the programs that the tests start
    Setup,
    /// Everything a change must pass
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Lint => step::run_all("lint", &step::lint()),
        Task::Test => step::run_all("test", &step::test()),
        Task::Doc => step::run_all("doc", &step::doc()),
        Task::Setup => setup::run(),
        Task::Bench {
            workload,
            arguments,
        } => bench::run(workload, &arguments),
        Task::Ci => step::run_all("ci", &step::ci()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
