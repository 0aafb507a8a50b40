//! Is this flag on for this caller, and why?
//!
//! In order: an unknown flag is off, one that is not enabled is off, one without conditions is on, else each condition
//! that is present must hold. A condition that cannot be decided, because the context lacks what it needs, does not hold.
//!
//! A [`FlagSet`] is an immutable snapshot: whoever changes flags compiles another one. An evaluation reads it without a
//! lock and allocates nothing.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use crate::context::Context;
use crate::flag::{FlagDefinition, FlagName, Listing};
use crate::reason::{Condition, Reason};
use crate::rollout::{Share, bucket};

/// All flags at one moment, ready to be asked.
///
/// ```
/// use config_flags::{Conditions, Context, FlagDefinition, FlagName, FlagSet, Reason};
///
/// let flags = FlagSet::compile([
///     (FlagName::new("banner")?, FlagDefinition::on()),
///     (
///         FlagName::new("checkout-v2")?,
///         FlagDefinition::when(Conditions {
///             segments: Some(["staff"].into()),
///             ..Conditions::default()
///         }),
///     ),
/// ]);
///
/// let visitor = Context::new("production");
/// assert!(flags.is_enabled("banner", &visitor));
/// assert!(!flags.is_enabled("checkout-v2", &visitor));
///
/// let staff = visitor.with_segments("staff");
/// let evaluation = flags.evaluate("checkout-v2", &staff);
/// assert!(evaluation.on);
/// assert_eq!(evaluation.reason, Reason::TargetingMatch);
/// # Ok::<_, config_flags::InvalidFlagName>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct FlagSet {
    flags: Vec<Compiled>,
    by_name: HashMap<FlagName, FlagId, RandomState>,
}

/// The place of a flag in the [`FlagSet`] that gave the id; in another set it means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlagId(u32);

/// A flag of a set.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Flag<'a> {
    /// The flag's place in this set.
    pub id: FlagId,
    /// The flag's name.
    pub name: &'a FlagName,
    /// What was configured.
    pub definition: &'a FlagDefinition,
}

/// The flag that is meant: by name, or by id, which saves looking the name up.
#[derive(Clone, Copy, Debug)]
pub enum FlagRef<'a> {
    /// By name.
    Name(&'a str),
    /// By its place in this set.
    Id(FlagId),
}

impl<'a> From<&'a str> for FlagRef<'a> {
    fn from(name: &'a str) -> Self {
        Self::Name(name)
    }
}

impl<'a> From<&'a FlagName> for FlagRef<'a> {
    fn from(name: &'a FlagName) -> Self {
        Self::Name(name.as_str())
    }
}

impl From<FlagId> for FlagRef<'_> {
    fn from(id: FlagId) -> Self {
        Self::Id(id)
    }
}

/// What an evaluation gave, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Whether the flag is on.
    pub on: bool,
    /// Why.
    pub reason: Reason,
    /// The condition that decided: the first that does not hold, or the last of those that do.
    pub condition: Option<Condition>,
    /// Which facts about the caller were looked at: what `Vary` must tell.
    pub basis: Basis,
}

/// The facts about a caller that an evaluation looked at, whether they were there or not. Who keeps an answer for others must
/// tell them apart by these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Basis {
    /// The segments.
    pub segments: bool,
    /// The user id.
    pub user_id: bool,
    /// The sticky key; it is looked at only where there is no user id.
    pub sticky: bool,
}

impl Evaluation {
    const fn bare(on: bool, reason: Reason) -> Self {
        Self {
            on,
            reason,
            condition: None,
            basis: Basis {
                segments: false,
                user_id: false,
                sticky: false,
            },
        }
    }
}

#[derive(Clone, Debug)]
struct Compiled {
    name: FlagName,
    definition: FlagDefinition,
    share: Option<Share>,
}

impl FlagSet {
    /// Makes a set of `flags`; of two with one name the later counts. Definitions are taken as they are: run
    /// [`validate`](validator::Validate::validate) on what people wrote before.
    pub fn compile(flags: impl IntoIterator<Item = (FlagName, FlagDefinition)>) -> Self {
        // By way of an ordered map, so that ids and `all` follow the names whatever the order given.
        let flags: BTreeMap<_, _> = flags.into_iter().collect();
        let flags: Vec<_> = flags
            .into_iter()
            .map(|(name, definition)| Compiled {
                share: definition.conditions.percentage.map(Share::of_percentage),
                name,
                definition,
            })
            .collect();
        let by_name = flags
            .iter()
            .zip(0..)
            .map(|(flag, id)| (flag.name.clone(), FlagId(id)))
            .collect();
        Self { flags, by_name }
    }

    /// The id of the flag `name`, to be kept as long as this set is.
    pub fn flag_id(&self, name: &str) -> Option<FlagId> {
        self.by_name.get(name).copied()
    }

    /// Returns whether `flag` is on for `context`. An unknown flag is off.
    pub fn is_enabled<'f>(&self, flag: impl Into<FlagRef<'f>>, context: &Context<'_>) -> bool {
        self.evaluate(flag, context).on
    }

    /// Returns whether `flag` is on for `context`, and why.
    pub fn evaluate<'f>(&self, flag: impl Into<FlagRef<'f>>, context: &Context<'_>) -> Evaluation {
        match self.find(flag.into()) {
            Some(flag) => flag.evaluate(context),
            None => Evaluation::bare(false, Reason::Error),
        }
    }

    /// The flag that is meant, if there is one.
    pub fn get<'f>(&self, flag: impl Into<FlagRef<'f>>) -> Option<Flag<'_>> {
        let flag = self.find(flag.into())?;
        Some(Flag {
            id: self.flag_id(flag.name.as_str())?,
            name: &flag.name,
            definition: &flag.definition,
        })
    }

    /// All flags, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = Flag<'_>> {
        self.flags.iter().zip(0..).map(|(flag, id)| Flag {
            id: FlagId(id),
            name: &flag.name,
            definition: &flag.definition,
        })
    }

    /// How many flags there are.
    pub fn len(&self) -> usize {
        self.flags.len()
    }

    /// Returns whether there is no flag.
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
    }

    fn find(&self, flag: FlagRef<'_>) -> Option<&Compiled> {
        let id = match flag {
            FlagRef::Name(name) => self.flag_id(name)?,
            FlagRef::Id(id) => id,
        };
        self.flags.get(id.0 as usize)
    }
}

impl FromIterator<(FlagName, FlagDefinition)> for FlagSet {
    fn from_iter<I: IntoIterator<Item = (FlagName, FlagDefinition)>>(flags: I) -> Self {
        Self::compile(flags)
    }
}

impl Compiled {
    fn evaluate(&self, context: &Context<'_>) -> Evaluation {
        if !self.definition.enabled {
            return Evaluation::bare(false, Reason::Disabled);
        }
        let mut evaluation = Evaluation::bare(true, Reason::Static);
        if let Some(environments) = self.definition.conditions.environments() {
            let here = context.environment();
            evaluation.condition = Some(Condition::Environment);
            evaluation.reason = Reason::TargetingMatch;
            // Nowhere is no environment, even where a list holds an empty word.
            if here.is_empty() || !any(environments, |word| word == here) {
                return evaluation.off();
            }
        }
        if let Some(segments) = self.definition.conditions.segments() {
            evaluation.condition = Some(Condition::Segment);
            evaluation.reason = Reason::TargetingMatch;
            evaluation.basis.segments = true;
            if !any(segments, |word| context.segments().contains(word)) {
                return evaluation.off();
            }
        }
        if let Some(share) = self.share {
            evaluation.condition = Some(Condition::Percentage);
            evaluation.reason = Reason::Split;
            evaluation.basis.user_id = true;
            evaluation.basis.sticky = !context.has_user_id();
            let Some(key) = context.targeting_key() else {
                return evaluation.off();
            };
            evaluation.on = share.holds(bucket(self.name.as_str(), key));
        }
        evaluation
    }
}

impl Evaluation {
    /// The default, because the condition looked at last does not hold.
    const fn off(mut self) -> Self {
        self.on = false;
        self.reason = Reason::Default;
        self
    }
}

fn any(listing: &Listing, mut holds: impl FnMut(&str) -> bool) -> bool {
    listing.words().iter().any(|word| holds(word))
}
