//! The benchmarks, and of criterion's files the few figures that are worth comparing.
//!
//! A group holds one job done by several contenders; ours is named [`OURS`]. Printed are each one's median time, the
//! tenth and ninetieth percentile of the samples, and how ours stands to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use serde_json::Value;

use crate::run::{self, cargo, output, program, succeed};
use crate::setup;

/// The name of our own contender in a group.
const OURS: &str = "ours";

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Workload {
    /// Routing, recording, caching and flags, beside libraries that do the same
    Core,
    /// The gateway under load over real sockets, beside bare hyper, nginx and HAProxy
    Http,
    /// The memory of what waits in the gateway
    Memory,
    /// One after the other
    All,
}

pub(crate) fn run(workload: Workload, arguments: &[String]) -> Result<()> {
    machine();
    if matches!(workload, Workload::Core | Workload::All) {
        core()?;
    }
    if matches!(workload, Workload::Http | Workload::All) {
        setup::for_benchmarks();
        gateway("http", arguments)?;
    }
    if matches!(workload, Workload::Memory | Workload::All) {
        gateway("memory", arguments)?;
    }
    Ok(())
}

fn gateway(workload: &str, arguments: &[String]) -> Result<()> {
    succeed(
        cargo()
            .args(["bench", "--locked", "-p", "server", "--bench", "gateway"])
            .args(["--", workload])
            .args(arguments),
    )
}

fn core() -> Result<()> {
    let folder = run::metadata(false)?.target_directory.join("criterion");
    let begun = SystemTime::now();
    succeed(
        cargo()
            .args(["bench", "--locked", "--all-features", "--bench", "*"])
            .args(["-p", "route-core", "-p", "perf-monitor"])
            .args(["-p", "cache", "-p", "config-flags"]),
    )?;
    let mut results = Vec::new();
    collect(folder.as_std_path(), begun, &mut results)?;
    if results.is_empty() {
        bail!("the benchmarks left no result in {folder}");
    }
    println!();
    for line in table(&results) {
        println!("{line}");
    }
    Ok(())
}

/// What a figure is worth nothing without.
fn machine() {
    let commit = output(program("git").args(["describe", "--always", "--dirty"]));
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let commit = commit.as_deref().unwrap_or("unknown commit");
    println!("{commit} on {cores} x {model}");
}

/// One contender's result in one group.
#[derive(Clone, Debug, PartialEq)]
struct Measured {
    group: String,
    contender: String,
    /// What the group varies, such as the size of a table.
    parameter: Option<String>,
    /// Nanoseconds an element, or an iteration where those are not counted.
    median: f64,
    low: f64,
    high: f64,
}

/// Finds every result under `folder` that is younger than `since`: older ones may be of another commit.
fn collect(folder: &Path, since: SystemTime, results: &mut Vec<Measured>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for path in folders {
        let sample = path.join("sample.json");
        if !path.ends_with("new") || !sample.is_file() {
            collect(&path, since, results)?;
        } else if fs::metadata(&sample)?.modified()? >= since {
            let result = measured(&read(&path.join("benchmark.json"))?, &read(&sample)?);
            results.push(result.with_context(|| format!("{} is not as expected", path.display()))?);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// What criterion's `benchmark.json` and `sample.json` say.
fn measured(benchmark: &Value, sample: &Value) -> Option<Measured> {
    let text = |key: &str| benchmark.get(key)?.as_str().map(str::to_owned);
    let numbers = |key: &str| -> Option<Vec<f64>> {
        sample
            .get(key)?
            .as_array()?
            .iter()
            .map(Value::as_f64)
            .collect()
    };
    let mut times: Vec<f64> = numbers("times")?
        .iter()
        .zip(numbers("iters")?)
        .map(|(time, iterations)| time / iterations)
        .collect();
    times.sort_by(f64::total_cmp);
    let elements = benchmark
        .pointer("/throughput/Elements")
        .and_then(Value::as_f64)
        .unwrap_or(1.0);
    let at = |percent: usize| {
        let time = times.get(times.len().saturating_sub(1) * percent / 100)?;
        Some(time / elements)
    };
    let group = text("group_id")?;
    // Where a group varies nothing but the contender, that is its only name.
    let (contender, parameter) = match (text("function_id"), text("value_str")) {
        (Some(function), parameter) => (function, parameter),
        (None, Some(parameter)) => (parameter, None),
        (None, None) => (group.clone(), None),
    };
    Some(Measured {
        group,
        contender,
        parameter,
        median: at(50)?,
        low: at(10)?,
        high: at(90)?,
    })
}

/// One line a contender, under a heading a group and parameter; ours first.
fn table(results: &[Measured]) -> Vec<String> {
    let mut groups: BTreeMap<_, Vec<&Measured>> = BTreeMap::new();
    for result in results {
        let key = (&result.group, &result.parameter);
        groups.entry(key).or_default().push(result);
    }
    let mut lines = Vec::new();
    for ((group, parameter), mut contenders) in groups {
        lines.push(match parameter {
            Some(parameter) => format!("{group} ({parameter})"),
            None => group.clone(),
        });
        contenders.sort_by_key(|result| {
            let name = result.contender.as_str();
            (name != OURS, !name.starts_with(OURS), name)
        });
        let ours = contenders
            .iter()
            .find(|result| result.contender == OURS)
            .map(|result| result.median);
        for result in contenders {
            let ratio = match ours {
                Some(ours) if result.contender != OURS => {
                    format!("  ours takes {:.2} x its time", ours / result.median)
                }
                _ => String::new(),
            };
            lines.push(format!(
                "  {:<24} {:>9}  [{} .. {}]{ratio}",
                result.contender,
                time(result.median),
                time(result.low),
                time(result.high)
            ));
        }
    }
    lines
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result(contender: &str, nanoseconds: f64) -> Measured {
        let benchmark = json!({"group_id": "find", "function_id": contender, "value_str": "100"});
        let times: Vec<f64> = (1..=11)
            .map(|n| nanoseconds * f64::from(n) / 6.0 * 10.0)
            .collect();
        let sample = json!({"iters": vec![10.0; 11], "times": times});
        measured(&benchmark, &sample).unwrap()
    }

    #[test]
    fn times_are_an_iteration() {
        let found = result("ours", 60.0);
        assert!((found.median - 60.0).abs() < 1e-9);
        assert!((found.low - 20.0).abs() < 1e-9);
        assert!((found.high - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_contender_may_be_named_by_the_parameter_alone_and_times_be_an_element() {
        let benchmark =
            json!({"group_id": "find/100", "value_str": "ours", "throughput": {"Elements": 50}});
        let found = measured(&benchmark, &json!({"iters": [2.0], "times": [1000.0]})).unwrap();
        assert_eq!((found.contender.as_str(), found.parameter), ("ours", None));
        assert!((found.median - 10.0).abs() < 1e-9);
    }

    #[test]
    fn ours_stands_first_and_against_each() {
        let lines = table(&[
            result("matchit", 120.0),
            result("ours, slowly", 90.0),
            result("ours", 60.0),
        ]);
        assert_eq!(lines[0], "find (100)");
        assert!(lines[1].contains("ours") && lines[1].contains("60.0 ns"));
        assert!(lines[2].contains("ours, slowly"));
        assert!(
            lines[3].ends_with("ours takes 0.50 x its time"),
            "{lines:?}"
        );
    }

    #[test]
    fn files_that_changed_their_shape_are_told() {
        assert_eq!(
            measured(&json!({}), &json!({"iters": [1], "times": [1]})),
            None
        );
        assert_eq!(
            measured(
                &json!({"group_id": "find"}),
                &json!({"iters": [], "times": []})
            ),
            None
        );
    }

    #[test]
    fn a_unit_fits_the_figure() {
        for (nanoseconds, text) in [
            (12.34, "12.3 ns"),
            (12_340.0, "12.34 µs"),
            (12_340_000.0, "12.34 ms"),
            (2e9, "2.00 s"),
        ] {
            assert_eq!(time(nanoseconds), text);
        }
    }
}
