//! Paths that a next hop may read differently.

use route_core::Finding;

use crate::table::{check, find, table};

#[test]
fn another_reading_must_not_lead_past_a_guard() {
    let table = table(&[
        "* /shop/{*rest}",
        "* /admin/{*rest} !access",
        "* /open/{*rest}",
    ]);
    for path in [
        "/shop/..%2Fadmin/x",
        "/shop/..;/admin/x",
        "/shop/..;a=1/admin;b/x",
        "/shop/..%5Cadmin%5Cx",
        "/shop/%2F..%2F..%2Fadmin/x",
        "/admin/..;/shop/x",
    ] {
        check(&table, &format!("GET {path}"), "400");
    }
    // Another reading of the same route, or between two that nobody guards.
    check(&table, "GET /admin/a%2Fb", "r1 rest=a%2Fb");
    check(&table, "GET /shop/..;/open/x", "r0 rest=..;/open/x");
    // Nothing leads to `/admin` but `/admin`.
    check(&table, "GET /shop/admin;/x", "r0 rest=admin;/x");
    check(&table, "GET /shop/a;v=1", "r0 rest=a;v=1");
}

#[test]
fn each_order_of_the_steps_is_tried() {
    let table = table(&[
        "* /{tenant}/x",
        "* /public/{*rest}",
        "* /admin/{*rest} !access",
    ]);
    // Only a hop that cuts before it decodes reads `/admin/x`.
    check(&table, "GET /admin;%2F..%2Fpublic/x", "400");
    // Only a hop for which a backslash is a letter reads `/admin/x`.
    check(&table, "GET /public/a%5Cb%2F..%2F..%2Fadmin/x", "400");
}

#[test]
fn a_path_that_names_a_file_has_one_reading_or_none() {
    let table = table(&["* /files/{*rest} !always", "* /{*rest}"]);
    for path in [
        "/files/a%2Fb",
        "/files/a;b",
        "/files/a%5Cb",
        "/x/..%2Ffiles/a",
    ] {
        check(&table, &format!("GET {path}"), "400");
    }
    check(&table, "GET /files/a%20b", "r0 rest=a%20b");
    check(&table, "GET /x/a%2Fb", "r1 rest=x/a%2Fb");
}

#[test]
fn the_finding_names_both_routes() {
    let table = table(&["* /shop/{*rest}", "GET /admin !access"]);
    let finding = find(&table, "GET /shop/..%2Fadmin").finding;
    let (route, other) = (0, Some(1));
    assert_eq!(finding, Finding::Ambiguous { route, other });
    // Judged by the same method: there is no such route.
    check(&table, "PUT /shop/..%2Fadmin", "r0 rest=..%2Fadmin");
    // What matches nothing is not found, however it reads elsewhere.
    check(&table, "GET /x/..%2Fadmin", "404");
}
