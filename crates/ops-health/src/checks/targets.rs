//! `upstream:{name}`: how many of several equal targets are in service?

use std::fmt;

use async_trait::async_trait;

use crate::check::{CheckResult, HealthCheck, Status};

/// How many targets that are out are named one by one.
const NAMED_MAX: usize = 20;

/// One of several targets, as whoever knows it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetState {
    /// The target's address.
    pub address: String,
    /// Why it is out of service; `None` where it is in.
    pub out: Option<String>,
}

/// Asks for the state of several equal targets: some out is degraded, all out (or none there at all) unhealthy. Not critical.
pub struct TargetsCheck<F> {
    name: String,
    targets: F,
}

impl<F> TargetsCheck<F>
where
    F: Fn() -> Vec<TargetState> + Send + Sync + 'static,
{
    /// A check of what `targets` tells; it answers from memory and does not block.
    pub fn new(name: impl Into<String>, targets: F) -> Self {
        Self {
            name: name.into(),
            targets,
        }
    }
}

#[async_trait]
impl<F> HealthCheck for TargetsCheck<F>
where
    F: Fn() -> Vec<TargetState> + Send + Sync + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn execute(&self) -> CheckResult {
        judge(&self.name, &(self.targets)())
    }
}

impl<F> fmt::Debug for TargetsCheck<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetsCheck")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What the states of all targets come to.
pub(super) fn judge(name: &str, targets: &[TargetState]) -> CheckResult {
    let out = || {
        targets
            .iter()
            .filter_map(|target| Some((&target.address, target.out.as_ref()?)))
    };
    let in_service = targets.len() - out().count();
    let status = match in_service {
        0 => Status::Unhealthy,
        some if some < targets.len() => Status::Degraded,
        _ => Status::Healthy,
    };
    let mut result = CheckResult::new(name, status)
        .with("endpoints", targets.len())
        .with("in_service", in_service);
    for (address, why) in out().take(NAMED_MAX) {
        result = result.with(address, why);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(states: &[Option<&str>]) -> Vec<TargetState> {
        states
            .iter()
            .zip(1..)
            .map(|(out, port)| TargetState {
                address: format!("10.0.0.1:{port}"),
                out: out.map(Into::into),
            })
            .collect()
    }

    #[test]
    fn targets_are_judged_together() {
        #[track_caller]
        fn check(outs: &[Option<&str>], status: Status) {
            assert_eq!(judge("upstream:x", &targets(outs)).status, status);
        }
        check(&[None, None], Status::Healthy);
        check(&[None, Some("refused")], Status::Degraded);
        check(&[Some("refused"), Some("ejected")], Status::Unhealthy);
        check(&[], Status::Unhealthy);
    }

    #[test]
    fn what_is_out_is_named_up_to_a_bound() {
        let result = judge("upstream:x", &targets(&[None, Some("refused")]));
        assert_eq!(result.details["10.0.0.1:2"], "refused");
        assert_eq!(result.details["endpoints"], "2");
        assert_eq!(result.details["in_service"], "1");

        let many = judge("upstream:x", &targets(&[Some("refused"); 500]));
        assert_eq!(many.details.len(), NAMED_MAX + 2);
    }
}
