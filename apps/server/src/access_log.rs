//! The access log: a JSON line a request on standard output, through a bounded queue.
//!
//! A request never waits for it: when the queue is full its line is dropped and counted.
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

use crate::settings::AccessLog;

/// Lines that wait for the writer at the most.
const LINES_MAX: usize = 8_192;

/// Bytes of a target that a line shows; a longer one is cut.
const TARGET_BYTES_MAX: usize = 2_048;

/// What one line tells.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    /// When the request ended, RFC 3339 in UTC.
    pub time: String,
    /// The request's id.
    pub request_id: &'a str,
    /// The trace's id, from `traceparent`.
    pub trace_id: &'a str,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The method.
    pub method: &'a str,
    /// The host that was asked.
    pub host: &'a str,
    /// The path, and the query with its values hidden unless they are asked for.
    pub path: String,
    /// The route's id, or `_NONE`.
    pub route: &'a str,
    /// The status; 499 where the client left before there was one.
    pub status: u16,
    /// Who made an error: `gateway` or `upstream`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<&'static str>,
    /// The word of an error of ours, as in `Proxy-Status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// The endpoint that was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<&'a str>,
    /// How often an upstream was asked.
    pub tries: u32,
    /// Until the upstream's head, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_ms: Option<f64>,
    /// From the request's head to its end, in milliseconds.
    pub total_ms: f64,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the response's body.
    pub bytes_out: u64,
    /// What the cache did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<&'static str>,
    /// The arm of each change that the request was in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<String>,
}

/// The log's open end; shared by all workers.
#[derive(Debug)]
pub struct AccessLogWriter {
    which: AccessLog,
    queries: bool,
    lines: NonBlocking,
    dropped: ErrorCounter,
    /// Dropping it writes out what waits.
    writer: Mutex<Option<WorkerGuard>>,
}

impl AccessLogWriter {
    /// A log to standard output.
    pub fn start(which: AccessLog, queries: bool) -> Arc<Self> {
        Self::to(io::stdout(), which, queries)
    }

    /// A log to any writer.
    pub fn to(writer: impl Write + Send + 'static, which: AccessLog, queries: bool) -> Arc<Self> {
        let (lines, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(LINES_MAX)
            .lossy(true)
            .thread_name("access-log")
            .finish(writer);
        let dropped = lines.error_counter();
        Arc::new(Self {
            which,
            queries,
            lines,
            dropped,
            writer: Mutex::new(Some(guard)),
        })
    }

    /// Whether a request that ended so has a line.
    pub fn wants(&self, status: u16, aborted: bool) -> bool {
        let failed = status >= 500 || aborted;
        match self.which {
            AccessLog::Off => false,
            AccessLog::Errors => failed,
            AccessLog::All => true,
            AccessLog::Share(share) => failed || fastrand::f64() < share,
        }
    }

    /// Writes a line, or drops and counts it.
    pub fn write(&self, line: &Line<'_>) {
        let Ok(mut text) = serde_json::to_vec(line) else {
            return;
        };
        text.push(b'\n');
        // A full queue is counted by the queue itself.
        let _ = self.lines.clone().write_all(&text);
    }

    /// Lines dropped since the start.
    pub fn dropped(&self) -> usize {
        self.dropped.dropped_lines()
    }

    /// Writes out what waits. Lines that come later are lost.
    pub fn flush(&self) {
        drop(self.writer.lock().take());
    }

    /// A target as the log shows it.
    pub fn target(&self, path: &str, query: Option<&str>) -> String {
        let mut text = self.whole_target(path, query);
        if text.len() > TARGET_BYTES_MAX {
            text.truncate(text.floor_char_boundary(TARGET_BYTES_MAX));
            text.push('…');
        }
        text
    }

    fn whole_target(&self, path: &str, query: Option<&str>) -> String {
        let Some(query) = query else {
            return path.to_owned();
        };
        if self.queries {
            return format!("{path}?{query}");
        }
        let hidden = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, _)) => format!("{name}=***"),
            None => "***".to_owned(),
        });
        format!("{path}?{}", hidden.collect::<Vec<_>>().join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_hidden() {
        let log = AccessLogWriter::to(io::sink(), AccessLog::All, false);
        assert_eq!(
            log.target("/a", Some("token=1&b&c=2")),
            "/a?token=***&***&c=***"
        );
        let log = AccessLogWriter::to(io::sink(), AccessLog::All, true);
        assert_eq!(log.target("/a", Some("token=1")), "/a?token=1");
    }

    #[test]
    fn errors_and_lost_clients_are_always_wanted() {
        let log = AccessLogWriter::to(io::sink(), AccessLog::Errors, false);
        assert!(log.wants(500, false) && log.wants(200, true));
        assert!(!log.wants(404, false));
        assert!(!AccessLogWriter::to(io::sink(), AccessLog::Off, false).wants(500, false));
    }
}
