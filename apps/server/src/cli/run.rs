//! Running: load, build, bind, mark started, wait, drain.
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use config_flags::Loaded;
use tokio::runtime::Builder;

use super::Arguments;
use super::report::tell;
use crate::admin::is_open;
use crate::server::{Server, Started};
use crate::settings::{Settings, Stage};
use crate::{config, demo, logging};

/// How long background work may take to end once all is said.
const LAST_BREATH: Duration = Duration::from_millis(100);

/// Serves until a signal, and stops in good order.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // Everything but requests: the admin listener, checks, ticks, rendering figures.
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("control")
        .enable_all()
        .build()?;
    let code = runtime.block_on(serve(arguments));
    runtime.shutdown_timeout(LAST_BREATH);
    code
}

async fn serve(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let loaded = match config::load(arguments) {
        Ok(loaded) => loaded,
        Err(problems) => {
            tell(&problems.to_string());
            return Ok(ExitCode::FAILURE);
        }
    };
    let (loaded, shown) = with_demo(loaded, arguments).await?;
    logging::start(&loaded.settings.log_level, loaded.settings.log_format);
    for warning in loaded.warnings() {
        tracing::warn!("{warning}");
    }
    let server = Server::start(&loaded).await?;
    announce(&server.started(), &loaded.settings, shown);
    let code = server.run_to_end().await;
    Ok(ExitCode::from(code))
}

/// In development a server without a route shows what it can do.
async fn with_demo(
    loaded: Loaded<Settings>,
    arguments: &Arguments,
) -> anyhow::Result<(Loaded<Settings>, bool)> {
    let settings = &loaded.settings;
    if settings.environment != Stage::Development || !settings.routes.is_empty() {
        return Ok((loaded, false));
    }
    let address = demo::start()
        .await
        .context("the demo cannot listen on loopback")?;
    let loaded =
        config::load_with_demo(arguments, address).map_err(|problems| anyhow!("{problems}"))?;
    Ok((loaded, true))
}

/// What the admin listener at this address has, and what is to be known of it.
fn api_on(admin: SocketAddr, settings: &Settings) -> (&'static str, Option<&'static str>) {
    const PROBES: &str = "/health, /health/ready, /metrics";
    const ALL: &str = "/health, /health/ready, /metrics, /api/v1";
    let needs_token = settings
        .admin
        .access()
        .is_ok_and(|access| access.needs_token());
    if needs_token {
        (ALL, None)
    } else if is_open(settings.environment, admin.ip().is_loopback()) {
        (
            ALL,
            Some(
                "the admin API is open to who is on this machine: admin.token (ADMIN_TOKEN) closes it",
            ),
        )
    } else {
        (
            PROBES,
            Some("there is no admin API without admin.token (ADMIN_TOKEN, 32 characters or more)"),
        )
    }
}

fn announce(started: &Started, settings: &Settings, demo: bool) {
    let address = started.address;
    let mut lines = vec![format!("gateway  http://{address}")];
    match started.admin {
        Some(admin) => {
            let (paths, note) = api_on(admin, settings);
            lines.push(format!("admin    http://{admin}  ({paths})"));
            lines.extend(note.map(|note| format!("note     {note}")));
        }
        None => {
            lines
                .push("admin    off: probes and /metrics are where no route takes them".to_owned());
        }
    }
    for warning in config::shadowed_probes(settings) {
        lines.push(format!("note     {warning}"));
    }
    if settings.environment == Stage::Production && settings.routes.is_empty() {
        tracing::warn!(
            "no route is configured: every request is answered with 404, and the server is not ready (no-routes)"
        );
    }
    if demo {
        lines.push("demo     no route is configured, so a small JSON service is; try, one after the other:".to_owned());
        lines.extend(
            demo::lines(started.reachable())
                .into_iter()
                .map(|line| format!("         {line}")),
        );
    }
    tell(&lines.join("\n"));
}
