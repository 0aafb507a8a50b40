//! Which routes cannot be in one table.

use route_core::{ConflictReason, Table, TableOptions};

use crate::table::{route, try_table};

#[track_caller]
fn check_conflict(first: &str, second: &str) {
    let conflicts = try_table(&[first, second]).unwrap_err();
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    let text = conflicts[0].to_string();
    assert!(text.contains("\"r0\" and \"r1\""), "{text}");
    // The order in the file decides nothing.
    assert!(try_table(&[second, first]).is_err());
}

#[track_caller]
fn check_fine(first: &str, second: &str) {
    try_table(&[first, second]).unwrap();
}

#[test]
fn equal_precedence_is_refused() {
    check_conflict("GET /a", "GET /a");
    check_conflict("GET /a/{x}", "GET /a/{y}");
    check_conflict("* /a/{*x}", "GET /a/{*y}");
    check_conflict("GET /a", "HEAD /a");
    check_conflict("PURGE /a", "PUT,PURGE /a");
    check_conflict("GET a.com,b.com /a", "GET B.com. /a");
    check_conflict("GET *.a.com /a", "GET *.a.com /a");
    check_conflict("GET /%C3%A9", "GET /é");
    check_conflict("GET /a x-v:1", "GET /a x-v");
    check_conflict("GET /a x-v:1", "GET /a x-w:2");
    check_conflict("GET /a x-v:1", "GET /a ?v=1");
    check_conflict("GET /a x-v:1 ?q=1", "GET /a x-v:1 ?q");
}

#[test]
fn what_has_an_order_or_never_meets_is_fine() {
    check_fine("GET /a", "PUT /a");
    check_fine("GET /a", "GET /a/");
    check_fine("GET /a/{x}", "GET /a/{*x}");
    check_fine("GET /a/b", "GET /a/{x}");
    check_fine("GET /{x}/b", "GET /a/{x}");
    check_fine("GET a.com /a", "GET /a");
    check_fine("GET a.com /a", "GET b.com /a");
    check_fine("GET *.com /a", "GET *.a.com /a");
    check_fine("GET /a x-v", "GET /a");
    check_fine("GET /a x-v:1", "GET /a x-v:2");
    check_fine("GET /a ?v=1 x-v", "GET /a ?v=2 x-v");
}

#[test]
fn the_text_says_what_is_shared() {
    let text = |first, second| try_table(&[first, second]).unwrap_err()[0].to_string();
    let shared = text("GET a.com /a/{x}", "* a.com /a/{y}");
    assert!(
        shared.contains("both take GET /a/{x} on a.com,"),
        "{shared}"
    );
    let shared = text("* /a", "* /a");
    assert!(shared.contains("any method of /a on any host,"), "{shared}");
}

#[test]
fn names_that_variables_cannot_tell_apart_are_refused() {
    let routes = |first, second| vec![route(first, "GET /a"), route(second, "GET /b")];
    let build = |routes| Table::build(routes, &TableOptions::default());
    for (first, second) in [("a-b", "a_b"), ("a", "a")] {
        let conflicts = build(routes(first, second)).unwrap_err();
        assert_eq!(conflicts[0].reason, ConflictReason::SameName);
        assert!(conflicts[0].to_string().contains(first), "{}", conflicts[0]);
    }
    build(routes("a-b", "ab")).unwrap();
}

#[test]
fn all_pairs_are_told_and_each_once() {
    let lines = [
        "GET a.com,b.com /a",
        "GET a.com,b.com /a",
        "PUT /b",
        "PUT /b",
        "PUT /b",
    ];
    assert_eq!(try_table(&lines).unwrap_err().len(), 4);
}
