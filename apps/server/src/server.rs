//! A server from its settings to its end.
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use arc_swap::ArcSwap;
use config_flags::Loaded;
use http::Request;
use ops_health::{HealthCheck, HookError, PingCheck, Priority, Shutdown};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::admin::{self, Admin};
use crate::builtin::renderer;
use crate::listen::{self, Answer, Connection, RequestBody, ServerHandle};
use crate::plan::{Fault, Plan};
use crate::settings::Settings;
use crate::snapshot::Registries;
use crate::stack::{self, Named, Nobody, Own, StackBody};
use crate::worker::{Current, Worker};
use crate::{keep, metrics, parts, problem};

/// The share of the time to stop after which tunnels and event streams are closed.
const STREAMS_END: f64 = 0.8;
/// What a hook keeps of its time for saying what it leaves behind.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// A server that is up.
#[derive(Debug)]
pub struct Server {
    handle: ServerHandle,
    registries: Arc<Registries>,
    shutdown: Shutdown,
    started: Started,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// The main listener.
    pub address: SocketAddr,
    /// The admin listener.
    pub admin: Option<SocketAddr>,
}

impl Started {
    /// The main listener as this machine reaches it: an address that stands for all is loopback.
    pub fn reachable(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }
}

/// A worker's stack as the listeners call it.
#[derive(Debug)]
struct Gateway<T>(Rc<Worker<Named<T>>>);

impl<T: Own> Answer for Gateway<T> {
    type Body = StackBody<RequestBody, T::Body>;
    type Error = Infallible;
    type Future = <Named<T> as tower::Service<Request<RequestBody>>>::Future;

    fn call(&self, request: Request<RequestBody>, connection: &Arc<Connection>) -> Self::Future {
        self.0.ask(request, Some(connection.peer()))
    }
}

impl Server {
    /// Builds the parts, binds the listeners, and starts to serve. Whatever fails names its address.
    pub async fn start(loaded: &Loaded<Settings>) -> anyhow::Result<Self> {
        let plan = Plan::of(&loaded.settings, false).map_err(|faults| told(&faults))?;
        Self::of_plan(plan, &loaded.settings, &loaded.version(), |_| Nobody).await
    }

    /// As [`Self::start`], with routes without a target answered by a program's own service: `own` makes it, once
    /// a worker and snapshot, on the worker's thread.
    pub async fn start_around<T>(
        settings: &Settings,
        own: impl Fn(usize) -> T + Clone + Send + 'static,
    ) -> anyhow::Result<Self>
    where
        T: Own,
    {
        let plan = Plan::of(settings, true).map_err(|faults| told(&faults))?;
        Self::of_plan(plan, settings, "embedded", own).await
    }

    async fn of_plan<T>(
        plan: Plan,
        settings: &Settings,
        version: &str,
        own: impl Fn(usize) -> T + Clone + Send + 'static,
    ) -> anyhow::Result<Self>
    where
        T: Own,
    {
        let workers = settings.http.worker_count();
        let (renderer, rendering) = renderer(metrics::figures);
        let registries = parts::registries(settings, workers.get(), renderer);
        let snapshot = parts::snapshot(plan, settings, version.to_owned(), &registries);
        let snapshot = snapshot.map_err(|conflicts| anyhow!("{conflicts:?}"))?;
        let current: Current = Arc::new(ArcSwap::new(snapshot));

        let at =
            |host: &str, port: u16, key: &str| format!("cannot listen on {host}:{port} ({key})");
        let sockets = listen::bind(&settings.host, settings.port, workers)
            .map_err(explained)
            .with_context(|| at(&settings.host, settings.port, "host, port"))?;
        let address = sockets.local_addr();
        let admin = Admin::bind(&settings.admin).await.map_err(explained);
        let admin = admin.with_context(|| {
            format!(
                "cannot listen on {}:{} (admin.host, admin.port)",
                settings.admin.host, settings.admin.port
            )
        })?;

        tokio::spawn(rendering);
        tokio::spawn(parts::kept_ticks(settings, &registries));
        parts::add_checks(settings, &registries);
        registries
            .health
            .start_periodic_checks(settings.health.interval);
        let admin_address = admin.as_ref().map(Admin::address);
        if let Some(admin) = admin.map(Arc::new) {
            let current = Arc::clone(&current);
            let api = admin::api(&registries);
            tokio::spawn(keep::running("admin listener", move || {
                Arc::clone(&admin).serve(Arc::clone(&current), Arc::clone(&api))
            }));
        }
        let handle = listen::serve(sockets, &settings.http, problem::bare, move |index| {
            let own = own.clone();
            Gateway(Worker::new(index, Arc::clone(&current), move |held| {
                stack::compose(held, own(index))
            }))
        })
        .context("cannot start the workers")?;
        let _ = registries.listeners.set(handle.clone());
        registries.health.add_check(workers_check(&handle));
        // It gates readiness, so it has spoken before the server says that it has started.
        registries.health.execute_check("workers").await;
        let shutdown = Shutdown::new(&settings.shutdown, registries.lifecycle.clone());
        let server = Self {
            handle,
            registries,
            shutdown,
            started: Started {
                address,
                admin: admin_address,
            },
        };
        server.register_hooks();
        server.registries.lifecycle.mark_started();
        Ok(server)
    }

    /// Where it listens.
    pub fn started(&self) -> Started {
        self.started
    }

    /// Begins to stop, and joins a stop that has begun.
    pub fn shutdown(&self) {
        // Requests go on meanwhile. Each answer announces the end before readiness does: whoever has
        // seen the server not ready gets no answer without.
        self.handle.begin_drain();
        self.shutdown.begin();
    }

    /// Waits for `SIGTERM`, `SIGINT` or [`Self::shutdown`], and stops in good order. The exit code: 0, 124
    /// where something was cut, 130 by a second signal.
    pub async fn run_to_end(self) -> u8 {
        // One listener for both signals to come: what comes between the two questions is not lost.
        let mut signals = Signals::listen();
        tokio::select! {
            () = signals.next() => {}
            () = self.shutdown.wait_for_shutdown() => {}
        }
        self.shutdown();
        tracing::info!("stopping: not ready from now on");
        let report = tokio::select! {
            report = self.shutdown.run() => report,
            () = signals.next() => {
                tracing::warn!("a second signal: stopping at once");
                return 130;
            }
        };
        for (hook, error) in &report.failed {
            tracing::error!(hook, error, "a hook of the shutdown failed");
        }
        if !report.cut.is_empty() {
            tracing::error!(
                still_running = report.cut.join(", "),
                "the time to stop is over"
            );
        }
        report.exit_code()
    }

    fn register_hooks(&self) {
        let health = Arc::clone(&self.registries.health);
        self.shutdown
            .register_fn("stop-checks", Priority::STOP_CHECKS, move |_| {
                health.stop_periodic_checks();
                std::future::ready(Ok(()))
            });
        let handle = self.handle.clone();
        let tunnels = Arc::clone(self.registries.upstreams.tunnels());
        self.shutdown.register_fn("close-listeners", Priority::CLOSE_LISTENERS, move |time| {
            let (handle, tunnels) = (handle.clone(), Arc::clone(&tunnels));
            async move {
                handle.close_listeners();
                tokio::select! {
                    () = handle.closed() => return Ok(()),
                    // Tunnels and streams that end by themselves never would are closed in good form.
                    () = tokio::time::sleep_until(time.when_gone(STREAMS_END).into()) => tunnels.close_all(),
                }
                tokio::select! {
                    () = handle.closed() => Ok(()),
                    () = tokio::time::sleep_until(time.until().checked_sub(LAST_WORDS).unwrap_or(time.until()).into()) => {
                        let running = handle.running();
                        handle.abort_all();
                        Err(HookError::StillRunning(describe(&running)))
                    }
                }
            }
        });
        let log = Arc::clone(&self.registries.access_log);
        let store = Arc::clone(&self.registries.store);
        self.shutdown
            .register_fn("flush", Priority::FLUSH, move |_| {
                let (log, store) = (Arc::clone(&log), Arc::clone(&store));
                async move {
                    let _ = cache::CacheProvider::clear(&*store).await;
                    let written = tokio::task::spawn_blocking(move || log.flush()).await;
                    written.map_err(HookError::failed)
                }
            });
    }
}

/// A worker that is gone serves nobody again: this server is to be replaced.
fn workers_check(handle: &ServerHandle) -> Arc<dyn HealthCheck> {
    let handle = handle.clone();
    let ping = move || {
        let lost = handle.lost_workers();
        let outcome = match lost {
            0 => Ok(()),
            _ => Err(format!(
                "{lost} of {} worker threads are gone",
                handle.workers()
            )),
        };
        std::future::ready(outcome)
    };
    let check = PingCheck::new("workers", ping, Duration::from_secs(1));
    Arc::new(check.critical().gating_readiness())
}

fn told(faults: &[Fault]) -> anyhow::Error {
    let lines = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.key, fault.message));
    anyhow!("{}", lines.collect::<Vec<_>>().join("\n"))
}

fn describe(running: &[listen::Running]) -> String {
    let shown = running.iter().take(8).map(|connection| {
        let kind = if connection.tunnel {
            "a tunnel"
        } else {
            "a request"
        };
        format!(
            "{kind} of {} on worker {}",
            connection.peer, connection.worker
        )
    });
    let mut text = format!(
        "{} connections: {}",
        running.len(),
        shown.collect::<Vec<_>>().join(", ")
    );
    if running.len() > 8 {
        text.push_str(", …");
    }
    text
}

/// Says what to do about an address that cannot be had.
fn explained(error: io::Error) -> anyhow::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program, or another server of ours, listens there: stop it, or choose another port"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need the right to bind them",
        _ => return error.into(),
    };
    anyhow::Error::from(error).context(advice)
}

/// The signals that ask the program to stop.
struct Signals(Option<(Signal, Signal)>);

impl Signals {
    fn listen() -> Self {
        let listen = || {
            let term = signal(SignalKind::terminate())?;
            Ok::<_, io::Error>((term, signal(SignalKind::interrupt())?))
        };
        // Without handlers the signals have their usual effect.
        Self(listen().ok())
    }

    async fn next(&mut self) {
        let Some((term, int)) = &mut self.0 else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}
