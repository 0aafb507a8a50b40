//! `urm`: the route manager.
use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main()
}
