//! Small tables, written as lines, and what they find.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use route_core::{Condition, Conflict, Finding, Found, Guard, Lookup, Matcher, Route, Table};

/// Reads a route from `METHODS [HOSTS] PATH [?QUERY=VALUE] [HEADER:VALUE] [!access|!always]`, where
/// `*` stands for any methods, lists are joined by commas, and no value means present. Its id is
/// `name`.
pub(crate) fn route(name: &str, line: &str) -> Route {
    let mut words = line.split(' ');
    let methods = words.next().unwrap();
    let mut word = words.next().unwrap();
    let mut hosts = Vec::new();
    if !word.starts_with('/') {
        hosts.extend(word.split(',').map(|host| host.parse().unwrap()));
        word = words.next().unwrap();
    }
    let mut matcher = Matcher::new(word.parse().unwrap());
    matcher.hosts = hosts;
    if methods != "*" {
        let listed = methods.split(',').map(|method| method.parse().unwrap());
        matcher.methods = listed.collect();
    }
    let mut guard = Guard::Open;
    for word in words {
        if let Some(pair) = word.strip_prefix('?') {
            let (key, condition) = condition(pair, '=');
            matcher.query.push((key.to_owned(), condition));
        } else if word == "!access" {
            guard = Guard::Access;
        } else if word == "!always" {
            guard = Guard::Always;
        } else {
            let (key, condition) = condition(word, ':');
            let name = HeaderName::from_bytes(key.as_bytes()).unwrap();
            matcher.headers.push((name, condition));
        }
    }
    Route::new(name.parse().unwrap(), matcher).guarded(guard)
}

fn condition(pair: &str, between: char) -> (&str, Condition) {
    match pair.split_once(between) {
        Some((key, value)) => (key, Condition::Is(value.to_owned())),
        None => (pair, Condition::Present),
    }
}

/// Builds a table of `lines`, whose routes are called `r0`, `r1`, ….
pub(crate) fn try_table(lines: &[&str]) -> Result<Table, Vec<Conflict>> {
    let routes = lines.iter().enumerate();
    let routes = routes.map(|(index, line)| route(&format!("r{index}"), line));
    Table::build(routes.collect(), &route_core::TableOptions::default())
}

#[track_caller]
pub(crate) fn table(lines: &[&str]) -> Table {
    try_table(lines).unwrap()
}

/// Looks up `METHOD [http:][//HOST]PATH[?QUERY] [NAME:VALUE]…`; the path has to be normal, and
/// `http:` makes the target absolute.
pub(crate) fn find(table: &Table, request: &str) -> Found {
    let mut words = request.split(' ');
    let method: Method = words.next().unwrap().parse().unwrap();
    let target = words.next().unwrap();
    let (absolute, target) = match target.strip_prefix("http:") {
        Some(target) => (true, target),
        None => (false, target),
    };
    let (host, target) = match target.strip_prefix("//") {
        Some(target) => {
            let (host, _) = target.split_once('/').unwrap();
            (Some(host), &target[host.len()..])
        }
        None => (None, target),
    };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut headers = HeaderMap::new();
    for word in words {
        let (name, value) = word.split_once(':').unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let (method, headers) = (&method, &headers);
    table.find(&Lookup {
        method,
        host,
        path,
        query,
        headers,
        absolute,
    })
}

/// What was found, as a word: `r0` with `name=value` for each parameter and `preflight`, or `404`,
/// `405 ALLOW`, `204 ALLOW`, `421`, `400`.
pub(crate) fn said(table: &Table, request: &str) -> String {
    let path = request.split(' ').nth(1).unwrap();
    let path = path.strip_prefix("http:").unwrap_or(path);
    let path = match path.strip_prefix("//") {
        Some(rest) => &rest[rest.find('/').unwrap()..],
        None => path,
    };
    let path = path.split('?').next().unwrap();
    let allowed = |status, allow: HeaderValue| format!("{status} {}", allow.to_str().unwrap());
    match find(table, request).finding {
        Finding::Matched(matched) => {
            let mut said = table.route(matched.route).id.to_string();
            for (name, value) in table.captures(&matched, path) {
                write!(said, " {name}={value}").unwrap();
            }
            said + if matched.preflight { " preflight" } else { "" }
        }
        Finding::NotFound => "404".to_owned(),
        Finding::MethodNotAllowed { allow } => allowed(405, allow),
        Finding::Options { allow } => allowed(204, allow),
        Finding::Misdirected => "421".to_owned(),
        Finding::BadPath(_) | Finding::Ambiguous { .. } => "400".to_owned(),
        other => format!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn check(table: &Table, request: &str, expected: &str) {
    assert_eq!(said(table, request), expected, "{request}");
}
