//! The command line: what `urm` takes, and what each command does.

mod arguments;
mod check;
mod health;
mod init;
mod report;
mod routes;
mod run;

use std::process::ExitCode;

use clap::Parser;

pub use arguments::{Arguments, Command};

/// Parses the process's arguments and does what they say. Wrong usage ends the process with 2.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        None => run::run(&arguments),
        Some(Command::Check) => Ok(check::check(&arguments)),
        Some(Command::Routes) => routes::routes(&arguments),
        Some(Command::Schema) => Ok(check::schema()),
        Some(Command::Init { dir }) => init::init(dir),
        Some(Command::Health { url }) => health::health(url.as_deref(), &arguments),
    };
    report::exit(done)
}
