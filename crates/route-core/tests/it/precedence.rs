//! Which of several routes wins, and when none does.

use crate::table::{check, table};

#[test]
fn text_before_parameter_before_catch_all_whatever_the_order() {
    let table = table(&[
        "* /{*rest}",
        "* /a/{x}",
        "* /a/b",
        "* /{x}/b",
        "* /a/{*rest}",
    ]);
    check(&table, "GET /a/b", "r2");
    check(&table, "GET /a/c", "r1 x=c");
    check(&table, "GET /a/c/d", "r4 rest=c/d");
    check(&table, "GET /c/b", "r3 x=c");
    check(&table, "GET /c/d", "r0 rest=c/d");
    check(&table, "GET /", "r0 rest=");
}

#[test]
fn the_left_segment_counts_more() {
    let table = table(&["* /{a}/b/c", "* /a/{b}/{c}"]);
    check(&table, "GET /a/b/c", "r1 b=b c=c");
    check(&table, "GET /x/b/c", "r0 a=x");
}

#[test]
fn a_dead_end_is_left() {
    let table = table(&[
        "* /a/{x}/c",
        "* /a/b/d",
        "* /{y}/b/{*rest}",
        "* /{p}/{q}/{r}/s",
    ]);
    check(&table, "GET /a/b/c", "r0 x=b");
    check(&table, "GET /a/b/e", "r2 y=a rest=e");
    check(&table, "GET /a/x/y/s", "r3 p=a q=x r=y");
    check(&table, "GET /a/x/y/t", "404");
}

#[test]
fn a_catch_all_takes_the_rest_which_may_be_empty() {
    let table = table(&["* /files/{*rest}"]);
    check(&table, "GET /files/", "r0 rest=");
    check(&table, "GET /files/a/b/", "r0 rest=a/b/");
    check(&table, "GET /files", "404");
    check(&table, "GET /filesx/", "404");
}

#[test]
fn a_parameter_is_not_empty_and_a_last_slash_makes_another_path() {
    let table = table(&["* /a/{id}", "* /b/", "* /b", "* /c/{id}/"]);
    check(&table, "GET /a/", "404");
    check(&table, "GET /a/1/", "404");
    check(&table, "GET /b", "r2");
    check(&table, "GET /b/", "r1");
    check(&table, "GET /c/1/", "r3 id=1");
    check(&table, "GET /c/1", "404");
}

#[test]
fn the_method_belongs_to_the_match() {
    let table = table(&["GET /a/b", "POST /a/{x}", "PUT,PURGE /{*rest}"]);
    check(&table, "GET /a/b", "r0");
    check(&table, "HEAD /a/b", "r0");
    check(&table, "POST /a/b", "r1 x=b");
    check(&table, "PURGE /a/b", "r2 rest=a/b");
    check(
        &table,
        "DELETE /a/b",
        "405 GET, HEAD, POST, PUT, OPTIONS, PURGE",
    );
    check(&table, "BAN /a/c", "405 POST, PUT, OPTIONS, PURGE");
    check(&table, "GET /x", "405 PUT, OPTIONS, PURGE");
}

#[test]
fn hosts_go_from_exact_to_any() {
    let table = table(&[
        "* /a",
        "* *.example.com /a",
        "* *.b.example.com /a",
        "* x.b.example.com /a",
        "* /only-any",
        "GET *.example.com /only-any",
    ]);
    check(&table, "GET //x.b.example.com/a", "r3");
    check(&table, "GET //X.B.Example.Com.:8080/a", "r3");
    check(&table, "GET //y.b.example.com/a", "r2");
    check(&table, "GET //z.y.b.example.com/a", "r2");
    check(&table, "GET //b.example.com/a", "r1");
    check(&table, "GET //example.com/a", "r0");
    check(&table, "GET /a", "r0");
    // A tier that refuses is left for the next one.
    check(&table, "GET //x.b.example.com/only-any", "r5");
    check(&table, "PUT //x.b.example.com/only-any", "r4");
    check(&table, "GET //x.b.example.com/none", "404");
}

#[test]
fn allow_is_the_union_of_all_tiers() {
    let table = table(&["GET a.com /x", "PUT *.com /{p}", "DELETE /{*rest}"]);
    check(
        &table,
        "POST //a.com/x",
        "405 GET, HEAD, PUT, DELETE, OPTIONS",
    );
    check(&table, "POST //b.com/x", "405 PUT, DELETE, OPTIONS");
    check(&table, "POST /x", "405 DELETE, OPTIONS");
}

#[test]
fn more_conditions_win_and_unmet_ones_are_left() {
    let table = table(&[
        "GET /a",
        "GET /a x-v:1",
        "GET /a x-v:2",
        "GET /a x-v:2 ?debug",
        "GET /{*rest} ?debug=1",
    ]);
    check(&table, "GET /a", "r0");
    check(&table, "GET /a x-v:1", "r1");
    check(&table, "GET /a?debug x-v:1", "r1");
    check(&table, "GET /a?debug x-v:2", "r3");
    check(&table, "GET /a x-v:3", "r0");
    check(&table, "GET /b?debug=1", "r4 rest=b");
    // The method would do, so it is not to blame.
    check(&table, "GET /b?debug=2", "404");
    check(&table, "PUT /b?debug=1", "405 GET, HEAD, OPTIONS");
}

#[test]
fn a_host_of_which_nothing_is_known_is_misdirected_when_it_was_asked_for() {
    let hosts = table(&["GET a.com /x"]);
    check(&hosts, "GET http://b.com/x", "421");
    check(&hosts, "GET //b.com/x", "404");
    check(&hosts, "GET http://a.com/y", "404");
    let any = table(&["GET a.com /x", "GET /y"]);
    check(&any, "GET http://b.com/x", "404");
}

#[test]
fn fields_that_decide_are_named_for_host_and_path() {
    let table = table(&[
        "GET /a",
        "GET /a x-v:1",
        "GET /{p} x-w x-a",
        "PUT a.com /b x-host",
        "GET /c ?v",
    ]);
    let vary = |request| crate::table::find(&table, request).vary;
    assert_eq!(vary("GET /a").unwrap(), "x-a, x-v, x-w");
    assert_eq!(vary("DELETE /a").unwrap(), "x-a, x-v, x-w");
    assert_eq!(vary("GET /z").unwrap(), "x-a, x-w");
    assert_eq!(vary("GET //a.com/b").unwrap(), "x-a, x-host, x-w");
    assert_eq!(vary("GET /a/b"), None);
    assert_eq!(vary("GET /"), None);
}

#[test]
fn more_than_eight_parameters_are_all_there() {
    let table = table(&["* /{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}/{*j}"]);
    let expected = "r0 a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10/11";
    check(&table, "GET /1/2/3/4/5/6/7/8/9/10/11", expected);
}

#[test]
fn going_back_costs_no_more_than_the_table_has_nodes() {
    // Every choice of text and parameter in 10 segments, none of them ending where requests end.
    let lines: Vec<String> = (0..1024_u32)
        .map(|bits| {
            let segments = (0..10).map(|n| match (bits >> n) & 1 {
                0 => "/a".to_owned(),
                _ => format!("/{{p{n}}}"),
            });
            format!("* {}/end", segments.collect::<String>())
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let table = table(&lines);
    let path = "/a".repeat(10);
    check(&table, &format!("GET {path}/other"), "404");
    check(&table, &format!("GET {path}/end"), "r0");
    // However many segments a client sends, the walk ends where the tree does.
    check(&table, &format!("GET {}", "/a".repeat(32_000)), "404");
}

#[test]
fn an_empty_table_finds_nothing() {
    let table = table(&[]);
    assert!(table.is_empty());
    check(&table, "GET /", "404");
    check(&table, "OPTIONS /", "404");
    check(&table, "GET http://a.com/", "421");
    check(&table, "OPTIONS *", "204 ");
}
