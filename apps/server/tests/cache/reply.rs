//! What the origin says to one request.

use std::time::Duration;

use crate::dates;

/// How the body travels, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    /// The connection ends before the body does.
    Cut,
    ChunkedCut,
    /// The body ends with the connection.
    UntilClose,
    /// Nothing is said, and the connection ends.
    Silence,
}

/// An answer; `{now}`, `{now-60}`, `{rfc850:now}`, `{asctime:now}` and `{base}` in a field are filled in as it leaves.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    fields: Vec<&'static str>,
    body: Option<&'static str>,
    framing: Framing,
    interim: &'static str,
    trailer: &'static str,
    pub(crate) delay: Duration,
}

impl Reply {
    pub(crate) fn ok(fields: &[&'static str]) -> Self {
        Self::of(200, fields)
    }

    pub(crate) fn of(status: u16, fields: &[&'static str]) -> Self {
        Self {
            status,
            fields: fields.to_vec(),
            body: None,
            framing: Framing::Length,
            interim: "",
            trailer: "",
            delay: Duration::ZERO,
        }
    }

    /// No answer: the connection ends.
    pub(crate) fn silence() -> Self {
        Self {
            framing: Framing::Silence,
            ..Self::ok(&[])
        }
    }

    pub(crate) fn body(self, body: &'static str) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    pub(crate) fn chunked(self) -> Self {
        Self {
            framing: Framing::Chunked,
            ..self
        }
    }

    pub(crate) fn cut(self) -> Self {
        Self {
            framing: match self.framing {
                Framing::Chunked => Framing::ChunkedCut,
                _ => Framing::Cut,
            },
            ..self
        }
    }

    pub(crate) fn until_close(self) -> Self {
        Self {
            framing: Framing::UntilClose,
            ..self
        }
    }

    /// A whole interim response that comes first.
    pub(crate) fn after_interim(self, interim: &'static str) -> Self {
        Self { interim, ..self }
    }

    pub(crate) fn trailer(self, trailer: &'static str) -> Self {
        Self {
            trailer,
            framing: Framing::Chunked,
            ..self
        }
    }

    /// Its head comes so much later.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The body: the scripted one, or one that names its step.
    pub(crate) fn text(&self, step: usize) -> String {
        if matches!(self.status, 204 | 304) {
            return String::new();
        }
        self.body
            .map_or_else(|| format!("the answer of step {step}"), str::to_owned)
    }

    /// Whether the connection ends with it.
    pub(crate) fn closes(&self) -> bool {
        !matches!(self.framing, Framing::Length | Framing::Chunked)
    }

    /// All bytes of the answer to a request of this method.
    pub(crate) fn bytes(&self, method: &str, step: usize, base: &str) -> String {
        if self.framing == Framing::Silence {
            return String::new();
        }
        let mut out = format!("{}HTTP/1.1 {} Scripted\r\n", self.interim, self.status);
        for line in &self.fields {
            out.push_str(&dates::fill(line, base));
            out.push_str("\r\n");
        }
        let body = self.text(step);
        if matches!(self.status, 204 | 304) {
            out.push_str("\r\n");
            return out;
        }
        let (framing, body) = match self.framing {
            Framing::Length => (format!("content-length: {}\r\n", body.len()), body),
            Framing::Cut => (format!("content-length: {}\r\n", body.len() + 9), body),
            Framing::UntilClose | Framing::Silence => ("connection: close\r\n".to_owned(), body),
            Framing::Chunked => {
                let chunk = format!("{:x}\r\n{body}\r\n0\r\n", body.len());
                let trailer = match self.trailer {
                    "" => String::new(),
                    line => format!("{line}\r\n"),
                };
                let body = format!("{chunk}{trailer}\r\n");
                ("transfer-encoding: chunked\r\n".to_owned(), body)
            }
            Framing::ChunkedCut => {
                let chunk = format!("{:x}\r\n{body}\r\n", body.len());
                ("transfer-encoding: chunked\r\n".to_owned(), chunk)
            }
        };
        out.push_str(&framing);
        out.push_str("\r\n");
        if method != "HEAD" {
            out.push_str(&body);
        }
        out
    }
}
