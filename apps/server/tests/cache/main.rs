//! The cache against the standards, met from outside: the real program between a client and a scripted origin.
//!
//! Each case is a short list of steps: a request, what the origin answers to it, and what the client (and the
//! origin) must see. Its name begins with the section that it shows, of RFC 9111 where no other is named.
//! `docs/caching-rfc.md` has the requirements one by one, each with the cases that show it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails ends its test"
)]
#![expect(
    clippy::too_many_lines,
    reason = "what belongs together stands in one table"
)]

mod case;
mod dates;
mod exchange;
#[path = "../it/origin.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest")]
mod origin;
#[path = "../it/program.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest")]
mod program;
mod reply;
mod site;
mod verdict;

mod age;
mod callers;
mod collapse;
mod compress;
mod conditions;
mod directives;
mod expires;
mod fields;
mod freshening;
mod freshness;
mod heads;
mod heuristics;
mod invalidation;
mod keys;
mod messages;
mod queries;
mod ranges;
mod reports;
mod request_directives;
mod stale;
mod statuses;
mod table;
mod tags;
mod targeted;
mod validation;
mod vary;
