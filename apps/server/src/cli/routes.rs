//! `urm routes`: the route table, one line a route.
use std::process::ExitCode;

use route_core::Condition;

use super::Arguments;
use super::report::print;
use crate::config;
use crate::settings::{RouteCache, RouteSettings};

/// Prints id, methods, hosts, path, target and what else the route has.
pub(super) fn routes(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let loaded = config::load(arguments)?;
    let rows: Vec<_> = loaded
        .settings
        .routes
        .iter()
        .map(|(id, route)| row(id.as_str(), route))
        .collect();
    if rows.is_empty() {
        print("no route is configured; `urm` alone runs the built-in demo in development");
        return Ok(ExitCode::SUCCESS);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 4] = std::array::from_fn(width);
    for row in &rows {
        let [id, methods, place, target, rest] = row;
        let line = format!(
            "{id:0$}  {methods:1$}  {place:2$}  {target:3$}  {rest}",
            widths[0], widths[1], widths[2], widths[3]
        );
        print(line.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn row(id: &str, route: &RouteSettings) -> [String; 5] {
    let list = |items: Vec<String>, none: &str| {
        if items.is_empty() {
            none.to_owned()
        } else {
            items.join(",")
        }
    };
    let methods = list(route.methods.iter().map(ToString::to_string).collect(), "*");
    let hosts = list(route.hosts.iter().map(ToString::to_string).collect(), "");
    let place = format!("{hosts}{}", route.path);
    let target = if let Some(upstream) = &route.upstream {
        format!("upstream {upstream}")
    } else if let Some(respond) = &route.respond {
        format!("respond {}", respond.status)
    } else if let Some(files) = &route.files {
        format!("files {}", files.dir.display())
    } else if let Some(redirect) = &route.redirect {
        format!("redirect {} {}", redirect.status, redirect.to)
    } else {
        "handler".to_owned()
    };
    let mut rest = Vec::new();
    for (name, wanted) in &route.headers {
        rest.push(condition("header", name, wanted));
    }
    for (name, wanted) in &route.query {
        rest.push(condition("query", name, wanted));
    }
    if let RouteCache::On(_) = route.cache {
        rest.push("cache".to_owned());
    }
    if route.compress.is_on() {
        rest.push("compress".to_owned());
    }
    if route.upgrade {
        rest.push("upgrade".to_owned());
    }
    if let Some(flag) = &route.flag {
        rest.push(format!("flag {flag}"));
    }
    if let Some(rollout) = &route.rollout {
        rest.push(format!("rollout {} to {}", rollout.flag, rollout.upstream));
    }
    [id.to_owned(), methods, place, target, rest.join(" ")]
}

fn condition(kind: &str, name: &str, wanted: &Condition) -> String {
    match wanted {
        Condition::Present => format!("{kind} {name}"),
        Condition::Is(value) => format!("{kind} {name}={value}"),
    }
}
