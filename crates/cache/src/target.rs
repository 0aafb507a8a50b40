//! Which resource does a request ask for?
//!
//! The host is the authority of an absolute URI, else the one `Host` field. A host that is missing,
//! said twice or not made of a host's letters names nothing, and such a request bypasses the cache.
//! The path is taken as it is: whoever routes has normalised it.

use http::header::HOST;
use http::{HeaderMap, Uri};
use smallvec::SmallVec;

/// The resource that a request asks for, in the client's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    scheme: &'a str,
    /// Without a default port; its letters as they came.
    host: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads the target of a request; `scheme` is that of its connection, which counts whatever an absolute
    /// URI says: the upstream is told the connection's, so a key of another scheme would mix the two.
    pub fn of(uri: &'a Uri, headers: &'a HeaderMap, scheme: &'a str) -> Option<Self> {
        let host = if let Some(authority) = uri.authority() {
            authority.as_str()
        } else {
            let mut hosts = headers.get_all(HOST).iter();
            match (hosts.next(), hosts.next()) {
                (Some(host), None) => host.to_str().ok()?,
                _ => return None,
            }
        };
        Self::at(host, uri, scheme)
    }

    /// As [`Self::of`], where the host is known.
    pub(crate) fn at(host: &'a str, uri: &'a Uri, scheme: &'a str) -> Option<Self> {
        let path = uri.path();
        if !path.starts_with('/') {
            return None;
        }
        Some(Self {
            scheme,
            host: without_default_port(host, scheme)?,
            path,
            query: uri.query(),
        })
    }

    /// The path, which begins with a slash.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The query, without its question mark.
    pub fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// The same with another query.
    pub(crate) fn with_query<'b>(self, query: Option<&'b str>) -> Target<'b>
    where
        'a: 'b,
    {
        Target { query, ..self }
    }

    /// Scheme and host, such as `https://example.com`.
    pub fn origin(&self) -> String {
        let mut origin = String::new();
        self.write_origin(&mut origin);
        origin
    }

    /// Appends origin and path, the host in lower case.
    pub(crate) fn write_resource(&self, out: &mut String) {
        self.write_origin(out);
        out.push_str(self.path);
    }

    pub(crate) fn write_origin(&self, out: &mut String) {
        out.push_str(self.scheme);
        out.push_str("://");
        let start = out.len();
        out.push_str(self.host);
        if let Some(host) = out.get_mut(start..) {
            host.make_ascii_lowercase();
        }
    }

    /// Appends the question mark and the query, sorted by name on wish.
    pub(crate) fn write_query(&self, out: &mut String, sort: bool) {
        let Some(query) = self.query else { return };
        out.push('?');
        if sort && !is_sorted(query) {
            push_sorted(out, query);
        } else {
            out.push_str(query);
        }
    }
}

/// What a host and its port are written with; a table, for every request has a host.
const HOST_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut letters: &[u8] =
        b"-._~:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    while let [letter, rest @ ..] = letters {
        table[*letter as usize] = true;
        letters = rest;
    }
    table
};

/// A host of a host's letters, with the port that the scheme has anyway taken off.
fn without_default_port<'a>(host: &'a str, scheme: &str) -> Option<&'a str> {
    if host.is_empty() || !host.bytes().all(|byte| HOST_BYTES[usize::from(byte)]) {
        return None;
    }
    if !host.contains(':') {
        // `example.com.` is `example.com` to routes.
        let name = host.strip_suffix('.').unwrap_or(host);
        return Some(name).filter(|name| !name.is_empty());
    }
    // The last colon of `[::1]` stands inside of the brackets.
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    };
    if name.is_empty() || (!name.starts_with('[') && name.contains(':')) {
        return None;
    }
    match (port, scheme) {
        // `example.com.` is `example.com` to routes.
        (None | Some(""), _) | (Some("80"), "http") | (Some("443"), "https") => name
            .strip_suffix('.')
            .or(Some(name))
            .filter(|name| !name.is_empty()),
        (Some(port), _) if port.bytes().all(|digit| digit.is_ascii_digit()) => Some(host),
        _ => None,
    }
}

fn name_of(parameter: &str) -> &str {
    parameter.split('=').next().unwrap_or(parameter)
}

/// Whether sorting would leave the query as it is, which is so for most.
pub(crate) fn is_sorted(query: &str) -> bool {
    query.split('&').map(name_of).is_sorted()
}

/// Appends the parameters sorted by name; those of one name keep their order.
pub(crate) fn push_sorted(out: &mut String, query: &str) {
    let mut parameters: SmallVec<[&str; 16]> = query.split('&').collect();
    parameters.sort_by_key(|parameter| name_of(parameter));
    for (position, parameter) in parameters.iter().enumerate() {
        if position > 0 {
            out.push('&');
        }
        out.push_str(parameter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    #[track_caller]
    fn check(hosts: &[&str], uri: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).unwrap());
        }
        let uri: Uri = uri.parse().unwrap();
        let found = Target::of(&uri, &headers, "http").map(|target| {
            let mut out = String::new();
            target.write_resource(&mut out);
            out
        });
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn the_host_is_the_authority_or_the_one_host_field() {
        check(&["Example.com"], "/a", Some("http://example.com/a"));
        check(&["example.com:80"], "/a", Some("http://example.com/a"));
        check(&["example.com:"], "/a", Some("http://example.com/a"));
        check(&["example.com:443"], "/a", Some("http://example.com:443/a"));
        check(&["[::1]"], "/a", Some("http://[::1]/a"));
        check(&["[::1]:80"], "/a", Some("http://[::1]/a"));
        check(&["example.com."], "/a", Some("http://example.com/a"));
        // The scheme is the connection's: an absolute URI cannot claim another.
        check(&["other"], "https://H:80/a?b", Some("http://h/a"));
        check(&["other"], "http://h", Some("http://h/"));
    }

    #[test]
    fn a_doubtful_host_names_nothing() {
        for host in [
            "", "a b", "a/b", "a?b", "user@a", "a:b", "a:1:2", ":80", "a\u{e9}",
        ] {
            check(&[host], "/a", None);
        }
        check(&[], "/a", None);
        check(&["a", "a"], "/a", None);
        check(&["a"], "*", None);
        check(&[], "http://user@a/", None);
    }

    #[track_caller]
    fn sorts(query: &str, expected: &str) {
        let mut out = String::new();
        push_sorted(&mut out, query);
        assert_eq!(out, expected);
        assert_eq!(is_sorted(query), query == expected);
        assert!(is_sorted(expected));
    }

    #[test]
    fn parameters_are_sorted_by_name_and_keep_their_order_within_one() {
        sorts("b=1&a=2", "a=2&b=1");
        sorts("a=2&a=1&b", "a=2&a=1&b");
        sorts("a=2&b&a=1", "a=2&a=1&b");
        sorts("", "");
        sorts("z&&a", "&a&z");
        sorts("a=1&ab=2", "a=1&ab=2");
        sorts("ab=2&a=1", "a=1&ab=2");
    }

    proptest! {
        #[test]
        fn sorting_loses_nothing(query in "[a-c=&]{0,24}") {
            let mut sorted = String::new();
            push_sorted(&mut sorted, &query);
            prop_assert_eq!(sorted.len(), query.len());
            let (mut one, mut other): (Vec<_>, Vec<_>) =
                (query.split('&').collect(), sorted.split('&').collect());
            one.sort_unstable();
            other.sort_unstable();
            prop_assert_eq!(one, other);
        }
    }
}
