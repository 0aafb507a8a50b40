//! What a case is made of.

use crate::reply::Reply;

/// Nothing but what the upstream says, and the heuristic.
pub(crate) const ORIGIN_ALONE: &str = "cache.ttl = \"0s\"";

/// Requests, one after the other, with paths of their own.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What stands in the route's table, and after it.
    pub(crate) route: &'static str,
    pub(crate) steps: Vec<Step>,
}

pub(crate) fn case<const N: usize>(name: &'static str, steps: [Step; N]) -> Case {
    Case {
        name,
        route: ORIGIN_ALONE,
        steps: steps.into(),
    }
}

/// A response with these fields answers the second request too.
pub(crate) fn reused(name: &'static str, fields: &[&'static str]) -> Case {
    case(name, [get().answer(Reply::ok(fields)), get().stored()])
}

/// A response with these fields does not answer the second request.
pub(crate) fn not_reused(name: &'static str, fields: &[&'static str]) -> Case {
    let fetch = || get().answer(Reply::ok(fields));
    case(name, [fetch(), fetch()])
}

impl Case {
    /// The same under a route of its own.
    pub(crate) fn on(self, route: &'static str) -> Self {
        Self { route, ..self }
    }
}

/// Who must have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The origin was asked, and its answer was passed on.
    Origin,
    /// A fresh stored response, and nobody was asked.
    Store,
    /// A stored response that the origin has confirmed.
    Validated,
    /// A stale one.
    Stale,
    /// The gateway itself, with an error.
    Gateway,
    /// It does not matter here.
    Any,
}

/// What else must hold.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    Status(u16),
    Body(&'static str),
    /// A field line `name: value`, all lines of that name joined.
    Field(&'static str),
    NoField(&'static str),
    /// The same of an answer from the store; one from the origin is right too.
    NoFieldWhenStored(&'static str),
    /// A field begins so.
    Begins(&'static str),
    /// `Age` is at least this.
    Age(u64),
    /// `Cache-Status` has this in its last member.
    Says(&'static str),
    /// The origin was told this field line.
    Told(&'static str),
    NotTold(&'static str),
    /// The origin was asked for this target, below the case's own prefix.
    ToldTarget(&'static str),
    ToldMethod(&'static str),
    /// The origin was sent this content, with its length.
    ToldContent(&'static str),
    /// How often the origin was asked.
    Asked(usize),
    /// Of the answers to requests at once so many have this in their `Cache-Status`.
    Several(usize, &'static str),
    /// The body broke off.
    Broken,
}

/// One request.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) host: &'static str,
    pub(crate) fields: Vec<&'static str>,
    pub(crate) content: Option<&'static str>,
    /// The content is sent in chunks.
    pub(crate) chunked: bool,
    pub(crate) replies: Vec<Reply>,
    pub(crate) source: Source,
    pub(crate) wants: Vec<Want>,
    pub(crate) until: bool,
    pub(crate) copies: usize,
    /// The origin is asked behind the answer.
    pub(crate) refreshes: bool,
    /// The field whose value fills in for `{kept}` in later requests.
    pub(crate) keeps: Option<&'static str>,
}

/// A request that the origin answers, unless another source is named.
pub(crate) fn send(method: &'static str) -> Step {
    Step {
        method,
        path: "/page",
        host: "test",
        fields: Vec::new(),
        content: None,
        chunked: false,
        replies: Vec::new(),
        source: Source::Origin,
        wants: Vec::new(),
        until: false,
        copies: 1,
        refreshes: false,
        keeps: None,
    }
}

pub(crate) fn get() -> Step {
    send("GET")
}

pub(crate) fn head() -> Step {
    send("HEAD")
}

impl Step {
    pub(crate) fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    pub(crate) fn host(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    pub(crate) fn with(mut self, line: &'static str) -> Self {
        self.fields.push(line);
        self
    }

    pub(crate) fn content(self, content: &'static str) -> Self {
        Self {
            content: Some(content),
            ..self
        }
    }

    /// Sends the content in chunks, its length untold.
    pub(crate) fn chunked(self) -> Self {
        Self {
            chunked: true,
            ..self
        }
    }

    /// What the store is asked for: the method whose answers answer it, the path and the content.
    pub(crate) fn wanted(&self) -> (&'static str, &'static str, Option<&'static str>) {
        match self.method {
            "QUERY" => ("QUERY", self.path, self.content),
            _ => ("GET", self.path, None),
        }
    }

    /// What the origin says if it is asked; of several the next each time, the last again and again.
    pub(crate) fn answer(mut self, reply: Reply) -> Self {
        self.replies.push(reply);
        self
    }

    /// Repeats the request until all that is wanted holds: for what time or the background brings.
    pub(crate) fn until(self) -> Self {
        Self {
            until: true,
            ..self
        }
    }

    /// Sends the request so many times at once.
    pub(crate) fn together(self, copies: usize) -> Self {
        Self { copies, ..self }
    }

    /// Keeps a field's value for `{kept}` in the requests that follow.
    pub(crate) fn keep(self, name: &'static str) -> Self {
        Self {
            keeps: Some(name),
            ..self
        }
    }

    fn from(self, source: Source) -> Self {
        Self { source, ..self }
    }

    pub(crate) fn stored(self) -> Self {
        self.from(Source::Store)
    }

    pub(crate) fn validated(self) -> Self {
        self.from(Source::Validated)
    }

    pub(crate) fn stale(self) -> Self {
        self.from(Source::Stale)
    }

    /// A stale response, behind which the origin is asked with these replies.
    pub(crate) fn stale_and_refreshed(self) -> Self {
        Self {
            refreshes: true,
            ..self.stale()
        }
    }

    pub(crate) fn failed(self) -> Self {
        self.from(Source::Gateway)
    }

    pub(crate) fn anyhow(self) -> Self {
        self.from(Source::Any)
    }

    fn want(mut self, want: Want) -> Self {
        self.wants.push(want);
        self
    }

    pub(crate) fn status(self, status: u16) -> Self {
        self.want(Want::Status(status))
    }

    pub(crate) fn body(self, body: &'static str) -> Self {
        self.want(Want::Body(body))
    }

    pub(crate) fn has(self, line: &'static str) -> Self {
        self.want(Want::Field(line))
    }

    pub(crate) fn begins(self, line: &'static str) -> Self {
        self.want(Want::Begins(line))
    }

    pub(crate) fn lacks(self, name: &'static str) -> Self {
        self.want(Want::NoField(name))
    }

    pub(crate) fn lacks_when_stored(self, name: &'static str) -> Self {
        self.want(Want::NoFieldWhenStored(name))
    }

    pub(crate) fn aged(self, seconds: u64) -> Self {
        self.want(Want::Age(seconds))
    }

    pub(crate) fn says(self, text: &'static str) -> Self {
        self.want(Want::Says(text))
    }

    pub(crate) fn several(self, answers: usize, text: &'static str) -> Self {
        self.want(Want::Several(answers, text))
    }

    pub(crate) fn told(self, line: &'static str) -> Self {
        self.want(Want::Told(line))
    }

    pub(crate) fn not_told(self, name: &'static str) -> Self {
        self.want(Want::NotTold(name))
    }

    pub(crate) fn told_target(self, target: &'static str) -> Self {
        self.want(Want::ToldTarget(target))
    }

    pub(crate) fn told_method(self, method: &'static str) -> Self {
        self.want(Want::ToldMethod(method))
    }

    pub(crate) fn told_content(self, content: &'static str) -> Self {
        self.want(Want::ToldContent(content))
    }

    pub(crate) fn asked(self, times: usize) -> Self {
        self.want(Want::Asked(times))
    }

    pub(crate) fn broken(self) -> Self {
        self.want(Want::Broken)
    }
}
