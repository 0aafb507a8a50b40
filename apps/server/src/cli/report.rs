//! How a command ends: its exit code, and its error on standard error.
use std::process::ExitCode;

/// Ends well, or prints the cause chain: logging may not be up yet.
pub(super) fn exit(done: anyhow::Result<ExitCode>) -> ExitCode {
    match done {
        Ok(code) => code,
        Err(error) => {
            tell(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes lines to standard error; a closed one is nobody's to tell.
pub(super) fn tell(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes lines to standard output; a reader that has left, such as `head`, is no error.
pub(super) fn print(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
