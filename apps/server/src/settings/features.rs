//! Switches that take a part of the server away whole.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Stage;

/// `[features]`: each switch that is off takes its part away whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Features {
    /// Off: every route's `cache` table is passed over, and no cache headers are sent.
    pub caching: bool,
    /// Off: nothing is recorded.
    pub monitoring: bool,
    /// Whether `/metrics` is on the main listener too; left out: in development.
    pub metrics: Option<bool>,
    /// Adds `X-Cache-Key` to answers, and the cause of an error to its document.
    pub debug: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            caching: true,
            monitoring: true,
            metrics: None,
            debug: false,
        }
    }
}

impl Features {
    /// The switches with what the environment decides where nobody said.
    pub fn in_force(&self, stage: Stage) -> FeaturesInForce {
        let development = stage == Stage::Development;
        FeaturesInForce {
            caching: self.caching,
            monitoring: self.monitoring,
            metrics_on_main: self.metrics.unwrap_or(development),
            details: development || self.debug,
            health_details: development,
        }
    }
}

/// What [`Features::in_force`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each on its own")]
pub struct FeaturesInForce {
    /// Whether responses are cached.
    pub caching: bool,
    /// Whether requests are recorded.
    pub monitoring: bool,
    /// Whether `/metrics` is on the main listener.
    pub metrics_on_main: bool,
    /// Whether clients see why: the cause of errors, `X-Cache-Key`.
    pub details: bool,
    /// Whether `/health` on the main listener shows its checks.
    pub health_details: bool,
}
