//! What travels with a route.

use std::any::{Any, TypeId};
use std::fmt::Debug;
use std::sync::Arc;

/// A map from types to one value each: every layer finds its own settings, and this crate knows none
/// of them.
///
/// ```
/// use route_core::Policies;
///
/// #[derive(Debug)]
/// struct Cached(std::time::Duration);
///
/// let policies = Policies::default().with(Cached(std::time::Duration::from_secs(60)));
/// assert_eq!(policies.get::<Cached>().unwrap().0.as_secs(), 60);
/// assert!(policies.get::<String>().is_none());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policies(Vec<(TypeId, Arc<dyn Policy>)>);

trait Policy: Any + Send + Sync + Debug {}

impl<P: Any + Send + Sync + Debug> Policy for P {}

impl Policies {
    /// The map with `policy`, which takes the place of an earlier one of its type.
    pub fn with<P: Any + Send + Sync + Debug>(mut self, policy: P) -> Self {
        self.insert(policy);
        self
    }

    /// Puts `policy` in, in the place of an earlier one of its type.
    pub fn insert<P: Any + Send + Sync + Debug>(&mut self, policy: P) {
        let id = TypeId::of::<P>();
        self.0.retain(|(known, _)| *known != id);
        self.0.push((id, Arc::new(policy)));
    }

    /// The value of type `P`.
    pub fn get<P: Any + Send + Sync + Debug>(&self) -> Option<&P> {
        // A handful of values: a scan beats a hash.
        let (_, policy) = self.0.iter().find(|(id, _)| *id == TypeId::of::<P>())?;
        let policy: &dyn Any = &**policy;
        policy.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_type_stands() {
        let mut policies = Policies::default().with(1_u32).with("a");
        policies.insert(2_u32);
        assert_eq!(policies.get::<u32>(), Some(&2));
        assert_eq!(policies.get::<&str>(), Some(&"a"));
        assert_eq!(policies.get::<u64>(), None);
        assert_eq!(policies.clone().get::<u32>(), Some(&2));
    }
}
