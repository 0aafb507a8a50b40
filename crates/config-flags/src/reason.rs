//! Why an evaluation gave what it gave, in OpenFeature's words.

use std::fmt;

/// Why a flag is on or off for a context (OpenFeature, "resolution details").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The flag has no conditions: it is on for everyone.
    Static,
    /// Conditions on who is asking hold, and none of them is a share.
    TargetingMatch,
    /// The caller's bucket decided: on where it lies within the share, off where it does not.
    Split,
    /// The flag is not enabled.
    Disabled,
    /// A condition does not hold, or cannot be decided: the default, off.
    Default,
    /// There is no such flag.
    Error,
}

impl Reason {
    /// The word of OpenFeature, such as `TARGETING_MATCH`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Disabled => "DISABLED",
            Self::Default => "DEFAULT",
            Self::Error => "ERROR",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A condition of a flag, by which an evaluation names the one that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Condition {
    /// The environment must be among those listed.
    Environment,
    /// The caller must be in one of the segments listed.
    Segment,
    /// The caller's bucket must lie within the share.
    Percentage,
}

impl Condition {
    /// The key under which the condition is configured, such as `percentage`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environments",
            Self::Segment => "segments",
            Self::Percentage => "percentage",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
