//! Which variants of what is being tried did this request get?

/// A change whose arms are measured apart: a guarded flag, a rollout, a configuration on trial.
///
/// Given out by [`Monitor::change`](crate::Monitor::change).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChangeId(pub(crate) u32);

/// The sides of at most four changes that one request was on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arms {
    arms: [Option<(ChangeId, bool)>; Arms::MAX],
}

impl Arms {
    /// How many changes can bear on one request.
    pub const MAX: usize = 4;

    /// No change bears on the request.
    pub const NONE: Self = Self {
        arms: [None; Self::MAX],
    };

    /// Notes that the request is on a side of `change`: `treated` has the new, the other the old.
    ///
    /// Returns whether there was room. A change that is already there takes the new side.
    pub fn set(&mut self, change: ChangeId, treated: bool) -> bool {
        for arm in &mut self.arms {
            match arm {
                Some((known, _)) if *known != change => {}
                _ => {
                    *arm = Some((change, treated));
                    return true;
                }
            }
        }
        false
    }

    /// The changes and their sides, in the order in which they were noted.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = (ChangeId, bool)> {
        self.arms.iter().map_while(|arm| *arm)
    }

    /// Whether no change bears on the request.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.arms[0].is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_change_has_no_room() {
        let mut arms = Arms::NONE;
        for change in 0..4 {
            assert!(arms.set(ChangeId(change), change == 0));
        }
        assert!(!arms.set(ChangeId(4), true));
        assert!(arms.set(ChangeId(2), true));
        let all: Vec<_> = arms.iter().map(|(change, side)| (change.0, side)).collect();
        assert_eq!(all, [(0, true), (1, false), (2, true), (3, false)]);
    }
}
