use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use perf_monitor::{Format, Monitor, Outcome, Process, RouteLabel, Sample, Window};

use crate::stage::{clock, monitor, route};

/// A monitor that has something of everything.
fn filled() -> std::sync::Arc<Monitor> {
    let monitor = monitor();
    let label = |id, template| monitor.slot(RouteLabel { id, template });
    let routes = [
        label("a", "/a/{id}"),
        label("b\"\\\n", "/a/{id}"),
        label("é", "/\"quoted\""),
    ];
    for (number, route) in routes.iter().enumerate() {
        for (step, status) in [200, 301, 404, 500, 503].into_iter().enumerate() {
            let time = Duration::from_micros(70 << (2 * step + number));
            let mut sample = Sample::new(route.index(), status, time, clock());
            sample.secure = step % 2 == 0;
            sample.response_bytes = 100 << (2 * step);
            if status == 503 {
                sample.error_type = Some("circuit_open");
            }
            monitor.shard(0).record(&sample);
            monitor.shared().record(&sample);
        }
        let mut aborted = Sample::new(route.index(), 499, Duration::from_mins(1), clock());
        aborted.outcome = Outcome::Aborted;
        monitor.shared().record(&aborted);
    }
    if let Some(process) = Process::sample() {
        monitor.set_process(process);
    }
    monitor
}

/// A line of samples: name, labels, value.
fn parse(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let Some((name, rest)) = series.split_once('{') else {
        return (series.to_owned(), BTreeMap::new(), value.parse().unwrap());
    };
    let mut labels = BTreeMap::new();
    let mut rest = rest.strip_suffix('}').unwrap();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").unwrap();
        let (mut text, mut characters) = (String::new(), after.char_indices());
        let end = loop {
            match characters.next().unwrap() {
                (end, '"') => break end,
                (_, '\\') => text.push(match characters.next().unwrap().1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => text.push(other),
            }
        };
        assert_eq!(labels.insert(label.to_owned(), text), None, "{line}");
        rest = after[end + 1..].trim_start_matches(',');
    }
    (name.to_owned(), labels, value.parse().unwrap())
}

#[test]
fn the_text_is_well_formed() {
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let text = filled().text(format);
        let (mut families, mut seen, mut current) =
            (BTreeSet::new(), BTreeSet::new(), String::new());
        let mut buckets: BTreeMap<_, Vec<(f64, f64)>> = BTreeMap::new();
        for line in text.lines().filter(|line| *line != "# EOF") {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                rest.split_once(' ').unwrap().0.clone_into(&mut current);
                assert!(families.insert(current.clone()), "{current} comes twice");
            } else if !line.starts_with("# HELP ") {
                let (name, mut labels, value) = parse(line);
                assert!(name.starts_with(&current), "{name} is not of {current}");
                assert!(
                    seen.insert((name.clone(), labels.clone())),
                    "{line} comes twice"
                );
                if let (true, Some(bound)) = (name.ends_with("_bucket"), labels.remove("le")) {
                    let all = buckets.entry((current.clone(), labels)).or_default();
                    let bound = bound.parse().unwrap_or(f64::INFINITY);
                    assert!(
                        all.last()
                            .is_none_or(|last| last.0 < bound && last.1 <= value)
                    );
                    all.push((bound, value));
                } else if name.ends_with("_count") {
                    let last = buckets[&(current.clone(), labels)].last().copied().unwrap();
                    assert_eq!(last, (f64::INFINITY, value), "{line}");
                }
            }
        }
        assert!(families.contains("http_server_request_duration_seconds"));
        assert_eq!(text.ends_with("# EOF\n"), format == Format::OpenMetrics);
    }
}

#[test]
fn what_was_recorded_is_in_the_text() {
    let text = filled().text(Format::Prometheus);
    let lines = [
        "http_server_request_duration_seconds_bucket{urm_route=\"a\",http_route=\"/a/{id}\",\
            http_request_method=\"GET\",http_response_status_code=\"200\",url_scheme=\"https\",le=\"0.0001\"} 2",
        "http_server_request_duration_seconds_count{urm_route=\"a\",http_route=\"/a/{id}\",\
            http_request_method=\"GET\",http_response_status_code=\"500\",url_scheme=\"http\",error_type=\"500\"} 2",
        "http_server_request_duration_seconds_count{urm_route=\"é\",http_route=\"/\\\"quoted\\\"\",\
            http_request_method=\"GET\",http_response_status_code=\"503\",url_scheme=\"https\",error_type=\"circuit_open\"} 2",
        "http_server_active_requests{urm_route=\"b\\\"\\\\\\n\",http_route=\"/a/{id}\"} 0",
        // Routes with one template are one.
        "http_server_response_body_size_bytes_bucket{http_route=\"/a/{id}\",le=\"256\"} 6",
        "http_server_response_body_size_bytes_count{http_route=\"/a/{id}\"} 22",
        "http_server_requests_aborted_total{http_route=\"/a/{id}\"} 2",
    ];
    for line in lines {
        assert!(text.contains(&format!("{line}\n")), "{line}\n\n{text}");
    }
}

/// Where Prometheus' own tool is installed, it has nothing to say.
#[test]
fn promtool_is_silent() {
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else { return };
    let mut input = tool.stdin.take().unwrap();
    input
        .write_all(filled().text(Format::Prometheus).as_bytes())
        .unwrap();
    drop(input);
    let told = tool.wait_with_output().unwrap();
    let text = [told.stdout, told.stderr].map(|text| String::from_utf8(text).unwrap());
    assert_eq!(text, ["", ""]);
    assert!(told.status.success());
}

#[test]
fn the_document_is_as_documented() {
    let monitor = filled();
    let _unused = route(&monitor, "unused");
    let document = serde_json::to_value(monitor.document(Window::Retention)).unwrap();
    let routes = document["performance"].as_array().unwrap();
    assert_eq!(routes.len(), 3);
    let first = &routes[0];
    assert_eq!(
        (first["routeId"].as_str(), first["count"].as_u64()),
        (Some("a"), Some(11))
    );
    // Five times two of 70 µs, times four each, and one abort after a minute.
    assert_eq!(first["minResponseTime"].as_f64(), Some(0.07));
    assert_eq!(first["maxResponseTime"].as_f64(), Some(60_000.0));
    for key in [
        "avgResponseTime",
        "p50ResponseTime",
        "p95ResponseTime",
        "p99ResponseTime",
        "p999ResponseTime",
        "rate",
    ] {
        assert!(first[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(first["errorRate"].as_f64(), Some(0.6));
    assert_eq!(first["serverErrorRate"].as_f64(), Some(0.4));
    assert!(first["lastUpdated"].as_str().unwrap().ends_with('Z'));
    assert_eq!(document["total"]["count"].as_u64(), Some(33));
    assert!(document["total"].get("routeId").is_none());
    assert!(document["timestamp"].is_string());
    if Process::sample().is_some() {
        assert!(document["process"]["residentMemory"].as_u64().unwrap() > 0);
        assert!(document["process"]["uptime"].is_number());
    }
}
