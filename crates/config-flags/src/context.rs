//! Who is asking: what an evaluation knows of its caller.

/// What a flag is evaluated against. It borrows everything, so that making one costs nothing.
///
/// ```
/// use config_flags::Context;
///
/// let context = Context::new("production")
///     .with_user_id("u-4711")
///     .with_segments(&["beta", "staff"]);
/// assert_eq!(context.targeting_key(), Some("u-4711"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    environment: &'a str,
    user_id: Option<&'a str>,
    sticky: Option<&'a str>,
    segments: Segments<'a>,
}

impl<'a> Context<'a> {
    /// A caller of whom nothing is known but the `environment` that it reached.
    pub const fn new(environment: &'a str) -> Self {
        Self {
            environment,
            user_id: None,
            sticky: None,
            segments: Segments::NONE,
        }
    }

    /// Says who the caller is. `None` and the empty text mean: not known.
    pub fn with_user_id(self, user_id: impl Into<Option<&'a str>>) -> Self {
        Self {
            user_id: user_id.into(),
            ..self
        }
    }

    /// Gives the key that stands in where there is no user id (a session's header or cookie, see
    /// [`StickySource`](crate::StickySource)). `None` and the empty text mean: not known.
    pub fn with_sticky(self, key: impl Into<Option<&'a str>>) -> Self {
        Self {
            sticky: key.into(),
            ..self
        }
    }

    /// Says which segments the caller is in.
    pub fn with_segments(self, segments: impl Into<Segments<'a>>) -> Self {
        Self {
            segments: segments.into(),
            ..self
        }
    }

    /// The environment that was reached.
    pub const fn environment(&self) -> &'a str {
        self.environment
    }

    /// The segments the caller is in.
    pub const fn segments(&self) -> Segments<'a> {
        self.segments
    }

    /// The key by which a rollout knows the caller again: the user id, else the sticky key. An empty one is none.
    pub fn targeting_key(&self) -> Option<&'a str> {
        let told = |key: &&str| !key.is_empty();
        self.user_id.filter(told).or(self.sticky.filter(told))
    }

    /// Returns whether a user id is known.
    pub(crate) fn has_user_id(&self) -> bool {
        self.user_id.is_some_and(|id| !id.is_empty())
    }
}

/// The segments of a caller, borrowed in whichever shape the program keeps them.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a>(Words<'a>);

#[derive(Clone, Copy, Debug)]
enum Words<'a> {
    One(&'a str),
    Borrowed(&'a [&'a str]),
    Owned(&'a [String]),
    Boxed(&'a [Box<str>]),
}

impl Segments<'_> {
    const NONE: Self = Self(Words::Borrowed(&[]));

    /// Returns whether `segment` is among them, letter for letter.
    pub fn contains(&self, segment: &str) -> bool {
        match self.0 {
            Words::One(one) => one == segment,
            Words::Borrowed(words) => words.contains(&segment),
            Words::Owned(words) => words.iter().any(|word| word == segment),
            Words::Boxed(words) => words.iter().any(|word| **word == *segment),
        }
    }
}

impl Default for Segments<'_> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<'a> From<&'a str> for Segments<'a> {
    fn from(one: &'a str) -> Self {
        Self(Words::One(one))
    }
}

impl<'a> From<&'a [&'a str]> for Segments<'a> {
    fn from(words: &'a [&'a str]) -> Self {
        Self(Words::Borrowed(words))
    }
}

impl<'a, const N: usize> From<&'a [&'a str; N]> for Segments<'a> {
    fn from(words: &'a [&'a str; N]) -> Self {
        Self(Words::Borrowed(words))
    }
}

impl<'a> From<&'a [String]> for Segments<'a> {
    fn from(words: &'a [String]) -> Self {
        Self(Words::Owned(words))
    }
}

impl<'a> From<&'a [Box<str>]> for Segments<'a> {
    fn from(words: &'a [Box<str>]) -> Self {
        Self(Words::Boxed(words))
    }
}
