//! The environment variables with names of their own.
use config_flags::{Environment, WellKnown};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the server runs; each has a built-in profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Convenient: readable logs, error details, the demo where no route is configured.
    #[default]
    Development,
    /// As production, but for its name: files and flags may differ by it.
    Staging,
    /// Strict: JSON logs, no details to clients, no demo.
    Production,
}

impl Stage {
    /// The word for it in files and variables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Variables with names of their own, and the key that each sets. Those whose capability this build lacks
/// are passed over with a warning that names them.
const WELL_KNOWN: &[WellKnown] = &[
    WellKnown::new("APP_ENV", "environment"),
    WellKnown::new("NODE_ENV", "environment"),
    WellKnown::new("HOST", "host"),
    WellKnown::new("PORT", "port"),
    WellKnown::new("LOG_LEVEL", "log_level"),
    WellKnown::new("LOG_FORMAT", "log_format"),
    WellKnown::new("ACCESS_LOG", "access_log"),
    WellKnown::new("ADMIN_HOST", "admin.host"),
    WellKnown::new("ADMIN_PORT", "admin.port"),
    WellKnown::new("ADMIN_TOKEN", "admin.token"),
    WellKnown::new("FEATURE_CACHING", "features.caching"),
    WellKnown::new("FEATURE_MONITORING", "features.monitoring"),
    WellKnown::new("FEATURE_METRICS", "features.metrics"),
    WellKnown::new("FEATURE_RATE_LIMITING", "features.rate_limiting").lacking("rate limiting"),
    WellKnown::new("FEATURE_DOCS", "features.documentation").lacking("API documentation"),
    WellKnown::new("DEBUG_MODE", "features.debug"),
    WellKnown::new("JWT_SECRET", "security.jwt_secret").lacking("authentication"),
    WellKnown::new("CORS_ORIGINS", "security.cors_origins"),
    WellKnown::new("TRUSTED_PROXIES", "security.trusted_proxies"),
    WellKnown::new("RATE_LIMIT_WINDOW", "security.rate_limit_window").lacking("rate limiting"),
    WellKnown::new("RATE_LIMIT_MAX", "security.rate_limit_max").lacking("rate limiting"),
    WellKnown::new("DB_HOST", "database.host").lacking("database"),
    WellKnown::new("DB_PORT", "database.port").lacking("database"),
    WellKnown::new("DB_NAME", "database.database").lacking("database"),
    WellKnown::new("DB_USER", "database.username").lacking("database"),
    WellKnown::new("DB_PASSWORD", "database.password").lacking("database"),
    WellKnown::new("DB_SSL", "database.ssl").lacking("database"),
    WellKnown::new("DB_SSL_MODE", "database.ssl_mode").lacking("database"),
    WellKnown::new("DB_CONNECTION_TIMEOUT", "database.connection_timeout").lacking("database"),
    WellKnown::new("DB_MAX_CONNECTIONS", "database.max_connections").lacking("database"),
    WellKnown::new("REDIS_HOST", "redis.host").lacking("Redis"),
    WellKnown::new("REDIS_PORT", "redis.port").lacking("Redis"),
    WellKnown::new("REDIS_USERNAME", "redis.username").lacking("Redis"),
    WellKnown::new("REDIS_PASSWORD", "redis.password").lacking("Redis"),
    WellKnown::new("REDIS_DB", "redis.db").lacking("Redis"),
    WellKnown::new("REDIS_PREFIX", "redis.prefix").lacking("Redis"),
    WellKnown::new("REDIS_TLS", "redis.tls").lacking("Redis"),
    WellKnown::new("REDIS_CONNECT_TIMEOUT", "redis.connect_timeout").lacking("Redis"),
    WellKnown::new("REDIS_LAZY_CONNECT", "redis.lazy_connect").lacking("Redis"),
];

/// The process's variables as a configuration layer reads them: `URM__SECTION__KEY` for any key, and
/// the well-known names.
pub fn variables() -> Environment {
    Environment::new("URM", WELL_KNOWN, std::env::vars_os())
}
