//! How figures leave the process: as Prometheus text, as OpenMetrics, as JSON.

mod families;
mod json;
mod negotiate;
mod prometheus;
mod rfc3339;

pub use self::families::{Families, Family, HistogramFamily, Number};
pub use self::json::{MetricsDocument, Performance, ProcessUsage};
pub use self::negotiate::Format;
