//! What a look-up finds.

use crate::normalize::PathError;
use http::HeaderValue;

/// What the table says of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which route, or why none.
    pub finding: Finding,
    /// The fields that decided, or could have, on this host and path: every answer names them in
    /// `Vary`. None where no route for this host and path has a condition on a field.
    pub vary: Option<HeaderValue>,
}

/// Which route, or why none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// A route.
    Matched(Matched),
    /// No route has this path, or none whose conditions are met: 404.
    NotFound,
    /// Routes have this path, none of them takes the method: 405. So are `TRACE` and `CONNECT`.
    MethodNotAllowed {
        /// What the routes take; empty where no route has the path.
        allow: HeaderValue,
    },
    /// An `OPTIONS` that no route takes, or that goes no further (`Max-Forwards: 0`): 204.
    Options {
        /// What the routes take.
        allow: HeaderValue,
    },
    /// An absolute target on a host for which there is no route at all: 421 (RFC 9110 §15.5.20).
    Misdirected,
    /// The path has no normal form: 400.
    BadPath(PathError),
    /// A path that a next hop may take for another one, on a guarded route or turning into one: 400.
    Ambiguous {
        /// The route that the path has here.
        route: usize,
        /// The route that another reading finds; None where the path is refused however it is read
        /// ([`Guard::Always`](crate::Guard::Always)).
        other: Option<usize>,
    },
}

impl Finding {
    /// The matched route, if one was.
    pub fn matched(&self) -> Option<&Matched> {
        match self {
            Self::Matched(matched) => Some(matched),
            _ => None,
        }
    }
}

/// The route that a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Where it stands in the table ([`Table::route`](crate::Table::route)).
    pub route: usize,
    /// What its parameters stand for.
    pub captures: Captures,
    /// The request is a CORS preflight, and this is the route of the request that it asks for.
    pub preflight: bool,
}

/// Where the parameters' values stand in the normal path, in the template's order.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    /// How many of `first` are there.
    count: u8,
    /// As many as most templates have; more would make every look-up carry them around.
    first: [Span; 8],
    /// What does not fit there.
    more: Vec<Span>,
}

/// From the first byte to before the last one; a path has no more than 65,534.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    start: u16,
    end: u16,
}

impl Captures {
    /// How many there are.
    pub fn len(&self) -> usize {
        usize::from(self.count) + self.more.len()
    }

    /// Whether the template has no parameter.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The value of the parameter at `index`, in `path`, the normal path that was looked up.
    pub fn value<'p>(&self, index: usize, path: &'p str) -> Option<&'p str> {
        self.spans().nth(index).and_then(|span| span.of(path))
    }

    /// All values in `path`, the normal path that was looked up.
    pub fn values<'p>(&self, path: &'p str) -> impl Iterator<Item = &'p str> {
        self.spans()
            .map(move |span| span.of(path).unwrap_or_default())
    }

    fn spans(&self) -> impl Iterator<Item = Span> {
        let first = self.first.iter().take(usize::from(self.count));
        first.chain(&self.more).copied()
    }

    /// Notes a value. The bounds fit: a longer path is refused before it is looked up.
    #[inline]
    pub(crate) fn push(&mut self, start: usize, end: usize) {
        let span = Span {
            start: u16::try_from(start).unwrap_or(u16::MAX),
            end: u16::try_from(end).unwrap_or(u16::MAX),
        };
        match self.first.get_mut(usize::from(self.count)) {
            Some(free) => {
                *free = span;
                self.count += 1;
            }
            None => self.push_more(span),
        }
    }

    #[cold]
    fn push_more(&mut self, span: Span) {
        self.more.push(span);
    }

    /// Takes back all values but the first `len`.
    #[inline]
    pub(crate) fn truncate(&mut self, len: usize) {
        self.more.truncate(len.saturating_sub(self.first.len()));
        if let Ok(len) = u8::try_from(len) {
            self.count = self.count.min(len);
        }
    }
}

impl PartialEq for Captures {
    fn eq(&self, other: &Self) -> bool {
        self.spans().eq(other.spans())
    }
}

impl Eq for Captures {}

impl Span {
    fn of(self, path: &str) -> Option<&str> {
        path.get(usize::from(self.start)..usize::from(self.end))
    }
}
