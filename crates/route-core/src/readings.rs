//! What else a next hop may take a path for.
//!
//! `%2F`, `%5C` and `;` are data to this crate, but there are programs that decode the first two,
//! take `\` for a slash, cut a segment at its `;`, or do several of these in one order or the
//! other, and resolve dot segments afterwards. `/shop/..%2Fadmin` and `/shop/..;/admin` are then
//! `/admin`, and whoever was let in as a visitor of the shop is there. So a request with such a path
//! is matched once more by each reading ([`Guard`](crate::Guard) says what follows).

use std::borrow::Cow;

use memchr::memchr2_iter;

use crate::normalize::normalize;

/// Returns how the next hop that does the most would read `path`, a normal path: `%2F` and `%5C`
/// decoded (both to a slash), what follows a `;` taken off each segment, dot segments resolved,
/// slashes merged. None where that is the path itself.
pub fn as_next_hop_reads(path: &str) -> Option<String> {
    if !has_readings(path) {
        return None;
    }
    let decoded = decode(path, Backslash::IsSlash);
    let read = normalize(&without_parameters(&decoded), true)
        .ok()?
        .into_owned();
    (read != path).then_some(read)
}

/// Returns every other reading of `path`, a normal path, each once: at most 14, mostly none or one.
pub fn readings(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !has_readings(path) {
        return found;
    }
    let stripped = without_parameters(path);
    let mut add = |text: &str| {
        // Where no two slashes meet, keeping them reads the same.
        let kept = text.contains("//").then_some(false);
        for merge_slashes in std::iter::once(true).chain(kept) {
            // Made from a normal path, so the one error left is a length, which cannot grow.
            let Ok(read) = normalize(text, merge_slashes) else {
                continue;
            };
            if read != path && !found.iter().any(|known| *known == read) {
                found.push(read.into_owned());
            }
        }
    };
    add(&stripped);
    for backslash in [Backslash::IsSlash, Backslash::IsData] {
        let decoded = decode(path, backslash);
        add(&decoded);
        add(&without_parameters(&decoded));
        add(&decode(&stripped, backslash));
    }
    found
}

/// Returns whether `path` has a byte that two programs may read differently.
pub(crate) fn has_readings(path: &str) -> bool {
    memchr2_iter(b';', b'%', path.as_bytes()).any(|at| {
        let rest = &path.as_bytes()[at..];
        rest[0] == b';' || slash_at(rest).is_some()
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Backslash {
    IsSlash,
    IsData,
}

/// Which of the two slashes is encoded at the start of `rest`.
fn slash_at(rest: &[u8]) -> Option<u8> {
    match rest {
        [b'%', b'2', b'F' | b'f', ..] => Some(b'/'),
        [b'%', b'5', b'C' | b'c', ..] => Some(b'\\'),
        _ => None,
    }
}

fn decode(path: &str, backslash: Backslash) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = memchr::memchr(b'%', rest.as_bytes()) {
        let (before, encoded) = rest.split_at(at);
        out.push_str(before);
        let is_slash = match slash_at(encoded.as_bytes()) {
            Some(b'/') => true,
            Some(_) => backslash == Backslash::IsSlash,
            None => false,
        };
        let taken = if is_slash { 3 } else { 1 };
        out.push(if is_slash { '/' } else { '%' });
        rest = &encoded[taken..];
    }
    out.push_str(rest);
    out
}

fn without_parameters(path: &str) -> Cow<'_, str> {
    if !path.contains(';') {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        out.push_str(segment.split(';').next().unwrap_or(segment));
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, reading: Option<&str>) {
        assert_eq!(as_next_hop_reads(path).as_deref(), reading, "{path}");
    }

    #[track_caller]
    fn check_among(path: &str, reading: &str) {
        let found = readings(path);
        assert!(
            found.iter().any(|read| read == reading),
            "{path}: {found:?}"
        );
        assert!(found.len() <= 14);
    }

    #[test]
    fn an_ordinary_path_has_one_reading() {
        check("/a/b", None);
        check("/caf%C3%A9/100%25", None);
        assert!(readings("/a/b%20c").is_empty());
    }

    #[test]
    fn the_next_hop_decodes_cuts_and_resolves() {
        check("/a%2Fb", Some("/a/b"));
        check("/a%5Cb", Some("/a/b"));
        check("/a;v=1/b;x", Some("/a/b"));
        check("/shop/..%2Fadmin", Some("/admin"));
        check("/shop/..;/admin", Some("/admin"));
        check("/shop/..%5C..%2f;x/admin", Some("/admin"));
    }

    #[test]
    fn one_order_of_the_steps_is_not_enough() {
        // Cut before decoding, as servlet containers do.
        check_among("/admin;%2F..%2Fpublic/x", "/admin/x");
        check_among("/admin;%2F..%2Fpublic/x", "/public/x");
        check_among("/x;%2Fz/..%2Fadmin", "/admin");
        // A hop for which a backslash is a letter.
        check_among("/a%5Cb%2F..%2Fadmin", "/admin");
        check_among("/a%5Cb%2F..%2Fadmin", "/a/admin");
        // A hop that keeps empty segments.
        check_among("/admin/x/%2F..", "/admin/x/");
        check_among("/admin/x/%2F..", "/admin/");
    }
}
