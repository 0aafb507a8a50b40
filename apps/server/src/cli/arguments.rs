//! The arguments that `urm` takes.
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use http::Uri;

/// A route manager for HTTP services: routes as data, each measured, cached, configured and operated.
#[derive(Debug, Parser)]
#[command(name = "urm", version, about, long_about = None, args_conflicts_with_subcommands = false)]
pub struct Arguments {
    /// Runs as a gateway in front of this address, such as http://127.0.0.1:8080; no file is needed.
    #[arg(long, value_name = "URL", value_parser = upstream)]
    pub upstream: Option<String>,

    /// With --upstream: stores responses for so long where the upstream does not say, such as 60s.
    #[arg(long, value_name = "DURATION", requires = "upstream", value_parser = duration)]
    pub ttl: Option<Duration>,

    /// With --upstream: the largest request body, such as 10MiB; without it there is no limit.
    #[arg(long, value_name = "BYTES", requires = "upstream", value_parser = bytes)]
    pub max_body: Option<u64>,

    /// One more configuration file on top of the others; may be repeated.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Vec<PathBuf>,

    /// The folder of default.toml, {environment}.toml and local.toml [default: config].
    #[arg(long, value_name = "DIR", global = true)]
    pub config_dir: Option<PathBuf>,

    /// What to do instead of running.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of running.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Loads and validates everything; prints what is in force and where each value came from.
    Check,
    /// Prints the route table, one line a route.
    Routes,
    /// Prints the configuration's JSON Schema.
    Schema,
    /// Writes a commented starter configuration; never overwrites.
    Init {
        /// The folder to write to.
        #[arg(default_value = "config")]
        dir: PathBuf,
    },
    /// Asks a running server's readiness; exit 0 or 1.
    Health {
        /// The probe's address; left out: the admin listener of the configuration in force.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
    },
}

fn upstream(text: &str) -> Result<String, String> {
    let expected = || format!("{text:?} is no address such as http://127.0.0.1:8080");
    let uri: Uri = text.parse().map_err(|_| expected())?;
    if uri.scheme_str() == Some("https") {
        return Err(
            "https upstreams are not in this build: put a TLS proxy in front, or use http"
                .to_owned(),
        );
    }
    if uri.scheme_str() != Some("http") || uri.authority().is_none() {
        return Err(expected());
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Err(
            "an upstream is a host and a port; a path or query has no place in it".to_owned(),
        );
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    config_flags::parse_duration(text)
        .ok_or_else(|| format!("{text:?} is no duration such as 500ms, 60s or 5m"))
}

fn bytes(text: &str) -> Result<u64, String> {
    config_flags::parse_bytes(text)
        .ok_or_else(|| format!("{text:?} is no size such as 4096, 64KiB or 10MiB"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn upstreams_are_checked_at_once() {
        assert_eq!(
            upstream("http://127.0.0.1:8080/").unwrap(),
            "http://127.0.0.1:8080"
        );
        for wrong in [
            "127.0.0.1:8080",
            "ftp://a",
            "https://a",
            "http://a/b",
            "http://",
        ] {
            assert!(upstream(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_lifetime_needs_an_upstream_and_a_unit() {
        assert!(Arguments::try_parse_from(["urm", "--ttl", "5s"]).is_err());
        assert!(
            Arguments::try_parse_from(["urm", "--upstream", "http://a", "--ttl", "5"]).is_err()
        );
        assert!(
            Arguments::try_parse_from(["urm", "--upstream", "http://a", "--ttl", "5s"]).is_ok()
        );
    }
}
