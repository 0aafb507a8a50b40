//! The table against the rule itself: a scan over all routes that writes it down directly.

use std::cmp::Reverse;

use http::{HeaderMap, Method};
use proptest::prelude::*;
use route_core::{Finding, Lookup, Matcher, Route, Table, TableOptions};

/// How specific a match is: the greatest wins.
type Precedence = ((u8, usize), Vec<u8>, usize);

#[derive(Clone, Debug)]
struct Line {
    method: Option<&'static str>,
    host: Option<&'static str>,
    path: String,
    query: Vec<(&'static str, Option<&'static str>)>,
}

impl Line {
    fn matcher(&self) -> Matcher {
        let mut matcher = Matcher::new(self.path.parse().unwrap());
        matcher.methods = self
            .method
            .iter()
            .map(|method| method.parse().unwrap())
            .collect();
        matcher.hosts = self.host.iter().map(|host| host.parse().unwrap()).collect();
        matcher.query = self
            .query
            .iter()
            .map(|(key, exact)| ((*key).to_owned(), condition(*exact)))
            .collect();
        matcher
    }

    fn host_rank(&self, host: Option<&str>) -> Option<(u8, usize)> {
        match (self.host, host) {
            (None, _) => Some((0, 0)),
            (Some(_), None) => None,
            (Some(pattern), Some(host)) => match pattern.strip_prefix('*') {
                None => (pattern == host).then_some((2, 0)),
                Some(suffix) => (host.len() > suffix.len() && host.ends_with(suffix))
                    .then_some((1, suffix.len())),
            },
        }
    }

    /// The kinds of the segments, text being the greatest.
    fn path_rank(&self, path: &str) -> Option<Vec<u8>> {
        let mut rank = Vec::new();
        let mut segments = path[1..].split('/');
        for template in self.path[1..].split('/') {
            let segment = segments.next()?;
            if template.starts_with("{*") {
                rank.push(1);
                return Some(rank);
            } else if template.starts_with('{') {
                if segment.is_empty() {
                    return None;
                }
                rank.push(2);
            } else if template == segment {
                rank.push(3);
            } else {
                return None;
            }
        }
        segments.next().is_none().then_some(rank)
    }

    fn takes(&self, method: &str) -> bool {
        self.method
            .is_none_or(|taken| taken == method || (taken == "GET" && method == "HEAD"))
    }

    fn meets(&self, query: &str) -> bool {
        self.query.iter().all(|(key, exact)| {
            query.split('&').any(|pair| match exact {
                Some(exact) => pair == format!("{key}={exact}"),
                None => pair.split('=').next() == Some(key),
            })
        })
    }

    fn precedence(&self, host: Option<&str>, path: &str) -> Option<Precedence> {
        Some((
            self.host_rank(host)?,
            self.path_rank(path)?,
            self.query.len(),
        ))
    }
}

fn condition(exact: Option<&str>) -> route_core::Condition {
    exact.map_or(route_core::Condition::Present, |exact| {
        route_core::Condition::Is(exact.to_owned())
    })
}

/// The number of the route, or the status.
fn naive(
    lines: &[Line],
    method: &str,
    host: Option<&str>,
    path: &str,
    query: &str,
) -> Result<usize, u16> {
    let on_path = || {
        lines
            .iter()
            .enumerate()
            .filter_map(|(index, line)| Some((line.precedence(host, path)?, index, line)))
    };
    let best = on_path()
        .filter(|(_, _, line)| line.takes(method) && line.meets(query))
        .max_by_key(|(precedence, index, _)| (precedence.clone(), Reverse(*index)));
    match best {
        Some((_, index, _)) => Ok(index),
        None if on_path().next().is_none() => Err(404),
        None if on_path().any(|(_, _, line)| line.takes(method)) => Err(404),
        None => Err(405),
    }
}

/// Segments that begin alike: read eight bytes at a time, and longer than what a node has room for.
const LONG: [&str; 3] = [
    "aaaaaaaa",
    "aaaaaaaab",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
];

fn segment() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        3 => proptest::sample::select(vec!["a", "b", "c"]),
        1 => proptest::sample::select(LONG.to_vec()),
        3 => Just("{}"),
    ]
}

fn template() -> impl Strategy<Value = String> {
    let end = prop_oneof![4 => Just(""), 1 => Just("/"), 2 => Just("/{*rest}")];
    (proptest::collection::vec(segment(), 0..5), end).prop_map(|(segments, end)| {
        let named = segments
            .iter()
            .enumerate()
            .map(|(index, segment)| match *segment {
                "{}" => format!("/{{p{index}}}"),
                text => format!("/{text}"),
            });
        let path: String = named.collect::<String>() + end;
        if path.is_empty() {
            "/".to_owned()
        } else {
            path
        }
    })
}

fn line() -> impl Strategy<Value = Line> {
    let method = prop_oneof![
        Just(None),
        Just(Some("GET")),
        Just(Some("PUT")),
        Just(Some("BAN"))
    ];
    let host = prop_oneof![
        3 => Just(None), 1 => Just(Some("a.x.com")), 1 => Just(Some("*.x.com")), 1 => Just(Some("*.com")),
    ];
    let query = proptest::sample::subsequence(vec![("v", Some("1")), ("w", None)], 0..=2);
    (method, host, template(), query).prop_map(|(method, host, path, query)| Line {
        method,
        host,
        path,
        query,
    })
}

fn request() -> impl Strategy<Value = (&'static str, Option<&'static str>, String, &'static str)> {
    let method = prop_oneof![
        3 => Just("GET"), 1 => Just("HEAD"), 1 => Just("PUT"), 1 => Just("DELETE"), 1 => Just("BAN"),
    ];
    let host = prop_oneof![
        Just(None),
        Just(Some("a.x.com")),
        Just(Some("b.x.com")),
        Just(Some("y.com"))
    ];
    let path = proptest::collection::vec(
        prop_oneof![
            4 => proptest::sample::select(vec!["a", "b", "c", "d"]),
            1 => proptest::sample::select(LONG.to_vec()),
        ],
        0..6,
    );
    let path = (path, any::<bool>()).prop_map(|(segments, slash)| {
        let path: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
        if slash || path.is_empty() {
            path + "/"
        } else {
            path
        }
    });
    let query = prop_oneof![Just(""), Just("v=1"), Just("v=2&w"), Just("w=3&v=1")];
    (method, host, path, query)
}

/// The largest part of `lines` that has no conflict.
fn without_conflicts(lines: Vec<Line>) -> (Vec<Line>, Table) {
    let mut kept: Vec<Line> = Vec::new();
    let build = |lines: &[Line]| {
        let routes = lines
            .iter()
            .enumerate()
            .map(|(index, line)| Route::new(format!("r{index}").parse().unwrap(), line.matcher()));
        Table::build(routes.collect(), &TableOptions::default())
    };
    for line in lines {
        kept.push(line);
        if build(&kept).is_err() {
            kept.pop();
        }
    }
    let table = build(&kept).unwrap();
    (kept, table)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_table_finds_what_the_rule_says(
        lines in proptest::collection::vec(line(), 1..30),
        requests in proptest::collection::vec(request(), 40),
    ) {
        let (lines, table) = without_conflicts(lines);
        let headers = HeaderMap::new();
        for (method, host, path, query) in &requests {
            let http_method = Method::from_bytes(method.as_bytes()).unwrap();
            let found = table.find(&Lookup {
                host: *host,
                query: Some(query),
                ..Lookup::new(&http_method, path, &headers)
            });
            let actual = match &found.finding {
                Finding::Matched(matched) => {
                    // The values are the path's own segments.
                    let filled = table.captures(matched, path).fold(
                        lines[matched.route].path.clone(),
                        |path, (name, value)| path
                            .replace(&format!("{{{name}}}"), value)
                            .replace(&format!("{{*{name}}}"), value),
                    );
                    prop_assert_eq!(&filled, path);
                    Ok(matched.route)
                }
                Finding::NotFound => Err(404),
                Finding::MethodNotAllowed { .. } => Err(405),
                other => panic!("{other:?}"),
            };
            let expected = naive(&lines, method, *host, path, query);
            prop_assert_eq!(actual, expected, "{} {:?} {}?{} in {:#?}", method, host, path, query, lines);
        }
    }
}
