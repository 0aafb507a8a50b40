//! The configuration's whole shape: every key that a file may have, and nothing else.
//!
//! Each part is a settings type of the crate that obeys it; this module nests them and adds what belongs to
//! the server itself. [`variables`] knows the names that variables have, [`profile`](fn@profile) what each environment
//! presets. Rules that need all settings at once are [`crate::plan`]'s.

mod compress;
mod environment;
mod features;
mod process;
mod profile;
mod route;
mod target;

use std::collections::BTreeMap;

use access_control::{AllowedOrigin, FieldName, ForwardedField, TrustSettings, TrustedProxies};
use cache::CacheSettings;
use config_flags::{FlagDefinition, FlagName, FlagSettings};
use ops_health::{HealthSettings, ShutdownSettings};
use perf_monitor::MonitorSettings;
use route_core::RouteId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use upstream::UpstreamSettings;
use validator::Validate;

use crate::listen::HttpSettings;

pub use compress::CompressSettings;
pub use environment::{Stage, variables};
pub use features::{Features, FeaturesInForce};
pub use process::{AccessLog, AdminPort, AdminSettings, LogFormat, LogLevel, TokenName};
pub use profile::profile;
pub use route::{
    HeaderEdits, HeaderText, MaxBody, Rollout, RouteCache, RouteDefaults, RouteSettings,
};
pub use target::{FilesTarget, RedirectTarget, RespondTarget};

/// The name of an upstream: lower-case letters, digits, `-` and `_`, without `__`.
pub type UpstreamName = RouteId;

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct Settings {
    /// Which built-in profile stands under the files: `development`, `staging` or `production`.
    pub environment: Stage,
    /// The address that the main listener binds; a name or an IP address.
    #[validate(length(min = 1))]
    pub host: String,
    /// The main listener's port; 0 lets the system choose, and the start-up line says which.
    pub port: u16,
    /// `debug`, `info`, `warn`, `error`, or a tracing filter such as `server=debug,info`.
    pub log_level: LogLevel,
    /// `pretty` or `json`; left out: `pretty` on a terminal, else `json`.
    pub log_format: Option<LogFormat>,
    /// Which requests the access log has: `off`, `errors`, `all`, or a share of all such as `0.01`.
    pub access_log: AccessLog,
    /// Whether the access log shows query values; otherwise each is `***`.
    pub access_log_query: bool,
    /// The second listener, for probes, metrics and the admin API.
    #[validate(nested)]
    pub admin: AdminSettings,
    /// Switches that take a part away whole.
    pub features: Features,
    /// Whom to believe, and which pages may read answers.
    #[validate(nested)]
    pub security: SecuritySettings,
    /// Threads and limits of the listeners.
    #[validate(nested)]
    pub http: HttpSettings,
    /// The memory of stored responses.
    #[validate(nested)]
    pub cache: CacheSettings,
    /// What the monitor keeps.
    #[validate(nested)]
    pub monitor: MonitorSettings,
    /// How often checks run, and how long one may take.
    #[validate(nested)]
    pub health: HealthSettings,
    /// How the server stops.
    #[validate(nested)]
    pub shutdown: ShutdownSettings,
    /// The services behind the gateway, by name.
    #[validate(nested)]
    pub upstreams: BTreeMap<UpstreamName, UpstreamSettings>,
    /// Keys that stand under every route.
    #[validate(nested)]
    pub route_defaults: RouteDefaults,
    /// The route table, by id.
    #[validate(nested)]
    pub routes: BTreeMap<RouteId, RouteSettings>,
    /// Feature flags, by name.
    #[validate(nested)]
    pub flags: BTreeMap<FlagName, FlagDefinition>,
    /// What holds for all flags.
    #[validate(nested)]
    pub flag_settings: FlagSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            environment: Stage::default(),
            host: "0.0.0.0".to_owned(),
            port: 3000,
            log_level: LogLevel::default(),
            log_format: None,
            access_log: AccessLog::default(),
            access_log_query: false,
            admin: AdminSettings::default(),
            features: Features::default(),
            security: SecuritySettings::default(),
            http: HttpSettings::default(),
            cache: CacheSettings::default(),
            monitor: MonitorSettings::default(),
            health: HealthSettings::default(),
            shutdown: ShutdownSettings::default(),
            upstreams: BTreeMap::new(),
            route_defaults: RouteDefaults::default(),
            routes: BTreeMap::new(),
            flags: BTreeMap::new(),
            flag_settings: FlagSettings::default(),
        }
    }
}

/// Whom to believe about a client's address, and which pages may read answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct SecuritySettings {
    /// Origins whose pages may read answers: exact ones, or `https://*.example.com`. Left out: only
    /// `http://localhost:3000`, and only for what the gateway itself answers.
    pub cors_origins: Option<Vec<AllowedOrigin>>,
    /// Peers whose forwarding field is believed: `none`, `private`, or a list of CIDRs.
    pub trusted_proxies: TrustedProxies,
    /// The one field in which a trusted proxy tells the client's address.
    pub forwarded_field: ForwardedField,
    /// Further `X-Forwarded-*` fields believed of trusted proxies.
    pub forwarded_trust: Vec<FieldName>,
}

impl Default for SecuritySettings {
    fn default() -> Self {
        let trust = TrustSettings::default();
        Self {
            cors_origins: None,
            trusted_proxies: trust.trusted_proxies,
            forwarded_field: trust.forwarded_field,
            forwarded_trust: trust.forwarded_trust,
        }
    }
}

impl SecuritySettings {
    /// The origins in force.
    pub fn origins(&self) -> Vec<AllowedOrigin> {
        let default = || "http://localhost:3000".parse().into_iter().collect();
        self.cors_origins.clone().unwrap_or_else(default)
    }

    /// The part that `access-control` obeys when it finds a client's address.
    pub fn trust(&self) -> TrustSettings {
        TrustSettings {
            trusted_proxies: self.trusted_proxies.clone(),
            forwarded_field: self.forwarded_field,
            forwarded_trust: self.forwarded_trust.clone(),
        }
    }
}
