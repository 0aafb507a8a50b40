//! From files, variables and flags to settings that are sound.
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config_flags::{Layers, Loaded, Problems};
use http::Method;
use route_core::{Lookup, Matcher, Route, Table, TableOptions};

use crate::builtin::Builtin;
use crate::cli::Arguments;
use crate::demo;
use crate::plan::Plan;
use crate::settings::{Settings, Stage, profile, variables};

/// The folder of the files of layer 3 where nobody says another.
const FOLDER: &str = "config";

/// Loads and checks everything; all problems at once, each with its place.
pub fn load(arguments: &Arguments) -> Result<Loaded<Settings>, Problems> {
    check(&layers(arguments))
}

/// As [`load`], with the demo's routes beneath all files where the stage has a demo and no route is
/// configured.
pub fn load_with_demo(
    arguments: &Arguments,
    demo: SocketAddr,
) -> Result<Loaded<Settings>, Problems> {
    let base = Layers::new().profile("demo", demo::configuration(demo));
    check(&base.then(layers(arguments)))
}

fn check(layers: &Layers) -> Result<Loaded<Settings>, Problems> {
    config_flags::load_with(layers, |settings: &Settings| {
        match Plan::of(settings, false) {
            Ok(_) => Vec::new(),
            Err(faults) => faults
                .into_iter()
                .map(|fault| (fault.key, fault.message))
                .collect(),
        }
    })
}

fn layers(arguments: &Arguments) -> Layers {
    let above = flags(arguments, named_files(arguments).environment(variables()));
    let said = arguments
        .config_dir
        .clone()
        .or_else(|| variable("CONFIG_DIR").map(PathBuf::from));
    let folder = said.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
    let stage = above.environment_of("environment", Some(&folder));
    // A word that is no stage is told by the load, where the key is checked; until then the default stands.
    let stage = match stage.as_deref() {
        Some("production") => Stage::Production,
        Some("staging") => Stage::Staging,
        _ => Stage::Development,
    };
    let base = Layers::new().profile(stage.as_str(), profile(stage));
    let base = match said {
        // One that was named must exist; the usual one need not.
        Some(folder) => base.folder(folder, stage.as_str()),
        None => base.folder_if_there(Path::new(FOLDER), stage.as_str()),
    };
    base.then(above).beneath("route_defaults", "routes")
}

fn named_files(arguments: &Arguments) -> Layers {
    arguments
        .config
        .iter()
        .fold(Layers::new(), |layers, file| layers.file(file.clone()))
}

fn flags(arguments: &Arguments, layers: Layers) -> Layers {
    let Some(upstream) = &arguments.upstream else {
        return layers;
    };
    let flag = "--upstream";
    let max_body = arguments
        .max_body
        .map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    // A lifetime of zero leaves it to the upstream's own fields.
    let ttl = arguments.ttl.unwrap_or(Duration::ZERO);
    layers
        .flag(flag, "upstreams.upstream.endpoints", upstream.clone())
        .flag(flag, "routes.upstream.path", "/{*rest}")
        .flag(flag, "routes.upstream.upstream", "upstream")
        .flag(flag, "routes.upstream.upgrade", "true")
        .flag(
            if arguments.max_body.is_some() {
                "--max-body"
            } else {
                flag
            },
            "routes.upstream.max_body",
            max_body,
        )
        .flag(
            if arguments.ttl.is_some() {
                "--ttl"
            } else {
                flag
            },
            "routes.upstream.cache.ttl",
            format!("{}ms", ttl.as_millis()),
        )
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// What to tell of probe paths that a configured route takes on the main listener: an orchestrator that
/// asks there would take an upstream's outage for the gateway's.
pub fn shadowed_probes(settings: &Settings) -> Vec<String> {
    let fields = http::HeaderMap::new();
    let probes = Builtin::ALL
        .iter()
        .filter(|builtin| **builtin != Builtin::Metrics);
    let mut taken = Vec::new();
    for (path, (id, route)) in probes.flat_map(|probe| {
        settings
            .routes
            .iter()
            .map(move |route| (probe.path(), route))
    }) {
        // Each alone, without its hosts and conditions: some request may meet them.
        let methods = route
            .methods
            .iter()
            .map(|method| method.as_method().clone())
            .collect();
        let matcher = Matcher {
            methods,
            ..Matcher::new(route.path.clone())
        };
        let Ok(table) = Table::build(
            vec![Route::new(id.clone(), matcher)],
            &TableOptions::default(),
        ) else {
            continue;
        };
        if table
            .find(&Lookup::new(&Method::GET, path, &fields))
            .finding
            .matched()
            .is_some()
        {
            taken.push(format!("route {id} takes the probe {path}: point probes at the admin listener, where it is {path} too"));
        }
    }
    taken
}
