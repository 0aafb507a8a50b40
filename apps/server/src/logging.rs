//! The process's own log lines: `tracing`, as text for people or as JSON.
use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::settings::{LogFormat, LogLevel};

/// Sends log lines to standard error from now on. A second call changes nothing.
pub fn start(level: &LogLevel, format: Option<LogFormat>) {
    let filter = EnvFilter::try_new(level.as_str()).unwrap_or_default();
    let terminal = stderr().is_terminal();
    let format = format.unwrap_or(if terminal {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    let lines = fmt().with_env_filter(filter).with_writer(stderr);
    // An error here says that a subscriber stands already: that of a program which embeds the stack.
    let _ = match format {
        LogFormat::Pretty => lines.with_ansi(terminal).with_target(false).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_target(false)
            .try_init(),
    };
}
