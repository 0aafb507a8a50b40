//! `OPTIONS`, preflights, and the methods that are always refused.

use crate::table::{check, table};

const ASKS_PUT: &str = "origin:http://o access-control-request-method:PUT";

#[test]
fn options_goes_to_the_route_that_takes_it_and_is_answered_otherwise() {
    let table = table(&["GET /a", "OPTIONS,GET /b", "* /c", "GET /d ?v"]);
    check(&table, "OPTIONS /a", "204 GET, HEAD, OPTIONS");
    check(&table, "OPTIONS /b", "r1");
    check(&table, "OPTIONS /c", "r2");
    check(&table, "OPTIONS /d", "204 GET, HEAD, OPTIONS");
    check(&table, "OPTIONS /x", "404");
    check(
        &table,
        "OPTIONS *",
        "204 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY",
    );
    check(&table, "GET *", "400");
}

#[test]
fn max_forwards_0_is_answered_here() {
    let table = table(&["OPTIONS,GET /b", "* /c"]);
    check(
        &table,
        "OPTIONS /b max-forwards:0",
        "204 GET, HEAD, OPTIONS",
    );
    check(&table, "OPTIONS /b max-forwards:1", "r0");
    check(
        &table,
        &format!("OPTIONS /c max-forwards:0 {ASKS_PUT}"),
        "204 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY",
    );
    check(&table, "GET /b max-forwards:0", "r0");
}

#[test]
fn trace_and_connect_are_always_refused() {
    let table = table(&["* /a", "GET /b"]);
    check(&table, "TRACE /b", "405 GET, HEAD, OPTIONS");
    check(&table, "CONNECT /b", "405 GET, HEAD, OPTIONS");
    check(
        &table,
        "TRACE /a",
        "405 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY",
    );
    check(&table, "TRACE /x", "405 ");
    check(&table, "CONNECT a.com:443", "405 ");
}

#[test]
fn a_preflight_is_the_route_s_that_it_asks_for() {
    let table = table(&["GET /a", "PUT /a", "PUT /{*rest}", "* /any", "POST /post"]);
    let preflight = |path| format!("OPTIONS {path} {ASKS_PUT}");
    check(&table, &preflight("/a"), "r1 preflight");
    check(&table, &preflight("/any"), "r3 preflight");
    check(&table, &preflight("/b"), "r2 rest=b preflight");
    check(&table, &preflight("/post"), "r2 rest=post preflight");
    // Without `Origin`, or asking for nothing, it is an `OPTIONS` like any other.
    check(
        &table,
        "OPTIONS /a access-control-request-method:PUT",
        "204 GET, HEAD, PUT, OPTIONS",
    );
    check(
        &table,
        "OPTIONS /a origin:http://o",
        "204 GET, HEAD, PUT, OPTIONS",
    );
    check(&table, "OPTIONS /any origin:http://o", "r3");
}

#[test]
fn a_preflight_is_not_judged_by_a_less_specific_route() {
    let table = table(&["GET /strict", "* /{*rest}", "OPTIONS,GET a.com /{*rest}"]);
    let asks_get = "origin:http://o access-control-request-method:GET";
    check(
        &table,
        &format!("OPTIONS /strict {asks_get}"),
        "r0 preflight",
    );
    check(
        &table,
        &format!("OPTIONS //a.com/strict {asks_get}"),
        "r2 rest=strict preflight",
    );
    check(
        &table,
        &format!("OPTIONS /strict {ASKS_PUT}"),
        "r1 rest=strict preflight",
    );
}

#[test]
fn a_route_that_lists_options_answers_preflights_itself() {
    let table = table(&["PUT /a", "OPTIONS /a", "OPTIONS,PUT /b"]);
    check(&table, &format!("OPTIONS /a {ASKS_PUT}"), "r1");
    check(&table, &format!("OPTIONS /b {ASKS_PUT}"), "r2 preflight");
}

#[test]
fn a_preflight_that_no_route_takes_is_answered_without_one() {
    let table = table(&["GET /a", "* /b"]);
    check(
        &table,
        &format!("OPTIONS /a {ASKS_PUT}"),
        "204 GET, HEAD, OPTIONS",
    );
    check(&table, &format!("OPTIONS /x {ASKS_PUT}"), "404");
    // What no route can take is asked for by no preflight.
    let asks_trace = "origin:http://o access-control-request-method:TRACE";
    check(&table, &format!("OPTIONS /b {asks_trace}"), "r1");
    check(
        &table,
        &format!("OPTIONS /a {asks_trace}"),
        "204 GET, HEAD, OPTIONS",
    );
}

#[test]
fn a_preflight_meets_a_field_that_it_asks_for() {
    let table = table(&["PUT /a", "PUT /a x-v:2"]);
    check(&table, &format!("OPTIONS /a {ASKS_PUT}"), "r0 preflight");
    let asks_field = format!("OPTIONS /a {ASKS_PUT} access-control-request-headers:x-v");
    check(&table, &asks_field, "r1 preflight");
}
