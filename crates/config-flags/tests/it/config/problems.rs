//! What is told, and where.

use std::fmt::Write as _;

use config_flags::Layers;

use super::settings::load;
use super::{Folder, check_problems, variables};

#[test]
fn the_line_names_key_fault_and_place() {
    let text = "\n[routes.product]\npath = \"/p\"\nredirect = { to = \"/\", status = 302 }\n\n[routes.product.cache]\n  ttl = \"5 parsecs\"\n";
    check_problems(
        "production.toml",
        text,
        &[r#"routes.product.cache.ttl: invalid duration "5 parsecs" (production.toml:7:9)"#],
    );
}

#[test]
fn a_fault_of_a_template_is_told_once() {
    let routes =
        "[routes.a]\npath=\"/a\"\nupstream=\"u\"\n[routes.b]\npath=\"/b\"\nupstream=\"u\"\n";
    check_problems(
        "a.toml",
        &format!("[upstreams.u]\nendpoints=[\"x\"]\n[route_defaults]\ntimeout = \"x\"\n{routes}"),
        &[r#"route_defaults.timeout: invalid duration "x" (a.toml:4:11)"#],
    );
    let folder = Folder::new(&[(
        "a.toml",
        &format!("[upstreams.u]\nendpoints=[\"x\"]\n{routes}"),
    )]);
    let layers = Layers::new().file(folder.path("a.toml"));
    let layers = layers.then(variables(&[("URM__ROUTE_DEFAULTS__TIMEOUT", "x")]));
    assert_eq!(
        load(&layers.beneath("route_defaults", "routes"))
            .unwrap_err()
            .to_string(),
        r#"route_defaults.timeout: invalid duration "x" (variable URM__ROUTE_DEFAULTS__TIMEOUT)"#
    );
}

#[test]
fn every_fault_that_only_the_type_knows_of_several_routes() {
    check_problems(
        "a.toml",
        "[routes.Bad]\npath=\"/a\"\n[routes.b]\npath=\"b\"\n[routes.c]\npath=\"/c{\"\n",
        &[
            "routes.Bad: a name has at most 100 lower-case letters, digits, - and _, begins with a letter or a digit, and has no __ (a.toml:1:9)",
            "routes.b.path: a path template starts with /, this is \"b\" (a.toml:4:6)",
            "routes.c.path: a { or } without its partner in \"/c{\" (a.toml:6:6)",
        ],
    );
}

#[test]
fn two_such_faults_in_one_route() {
    check_problems(
        "a.toml",
        "[routes.b]\npath=\"b\"\nrewrite=\"{\"\n",
        &[
            "routes.b.path: a path template starts with /, this is \"b\" (a.toml:2:6)",
            "routes.b.rewrite: a path template starts with /, this is \"{\" (a.toml:3:9)",
        ],
    );
}

#[test]
fn rules_of_one_table_and_of_all() {
    check_problems(
        "a.toml",
        "[database]\nkind = \"postgres\"\n[routes.a]\npath=\"/a\"\n[flags.a]\n[flags.x.conditions]\npercentage = 0.00001\n",
        &[
            "database: kind = \"postgres\" needs `database` (a.toml:1:2)",
            "routes.a: exactly one target is required: upstream, redirect (a.toml:3:9)",
            "flags.x.conditions.percentage: goes in steps of 0.001 (a.toml:7:14)",
        ],
    );
}

#[test]
fn one_key_in_two_spellings() {
    check_problems(
        "a.toml",
        "[security]\ncors_origins = []\ncors-origins = []\n",
        &[
            "security.cors_origins: given twice in this file, as cors-origins and as cors_origins (a.toml:2:1)",
        ],
    );
    check_problems(
        "a.toml",
        "[flags.a-b]\n[flags.a_b]\n",
        &["flags.a-b: given twice in this file, as a-b and as a_b (a.toml:2:8)"],
    );
}

#[test]
fn a_value_where_a_table_belongs() {
    check_problems(
        "a.toml",
        "cache = 5\n",
        &["cache: expected a table, found a whole number (a.toml:1:9)"],
    );
    check_problems(
        "a.yaml",
        "cache: [1]\nport: 1.5\n",
        &[
            "cache: expected a table, found a list (a.yaml:1:8)",
            "port: expected a whole number, found a number (a.yaml:2:7)",
        ],
    );
}

#[test]
fn nothing_is_converted() {
    let texts = [
        "port = 80.0",
        "port = \"80\"",
        "port = true",
        "[database]\nssl = 1",
        "[database]\nssl = \"true\"",
        "[database]\nhost = 7",
        "[database]\nhost = true",
        "[database]\nhost = 2026-01-01T00:00:00Z\nport = -1",
        "[security]\ncors_origins = \"a,b\"",
        "[database]\nport = 99999999999999999999",
    ];
    for text in texts {
        let folder = Folder::new(&[("a.toml", text)]);
        let problems = load(&Layers::new().file(folder.path("a.toml"))).expect_err(text);
        assert_eq!(problems.len(), 1, "{text}: {problems}");
    }
}

#[test]
fn a_wrong_type_is_told_without_its_value() {
    check_problems(
        "a.toml",
        "port = \"80\"\n[database]\nhost = 7\nssl = \"yes\"\n",
        &[
            "port: expected a whole number, found a text (write it without quotes) (a.toml:1:8)",
            "database.host: expected a text, found a whole number (put it in quotes) (a.toml:3:8)",
            "database.ssl: expected true or false, found a text (a.toml:4:7)",
        ],
    );
}

#[test]
fn ranges_lengths_and_words() {
    check_problems(
        "a.toml",
        "port = 70000\nlog_format = \"jsn\"\n[database]\nmax_connections = 0\n[cache]\nmemory = \"1KiB\"\n[upstreams.u]\nendpoints = []\n[flags.f.conditions]\npercentage = 101\n",
        &[
            "port: 70000 is out of range, expected 0 to 65535 (a.toml:1:8)",
            "log_format: \"jsn\" is not one of pretty, json, did you mean json? (a.toml:2:14)",
            "database.max_connections: 0 is out of range, expected 1 to 1000 (a.toml:4:19)",
            "cache.memory: 1024 is out of range, expected at least 1048576 (a.toml:6:10)",
            "upstreams.u.endpoints: expected at least 1 value, found 0 (a.toml:8:13)",
            "flags.f.conditions.percentage: 101 is out of range, expected 0 to 100 (a.toml:10:14)",
        ],
    );
}

#[test]
fn unknown_keys_have_the_nearest_known_name() {
    check_problems(
        "a.toml",
        "prot = 1\n[upstreams.u]\nendpoint = [\"x\"]\n[routes.a]\npath = \"/a\"\nupstream = \"u\"\n[routes.a.cache]\ntll = 5\n",
        &[
            "prot: unknown key, did you mean port? (a.toml:1:1)",
            "upstreams.u.endpoint: unknown key, did you mean endpoints? (a.toml:3:1)",
            "routes.a.cache.tll: unknown key, did you mean ttl? (a.toml:8:1)",
        ],
    );
    check_problems(
        "a.toml",
        "[cache]\nzzzzzzzz = 1\n",
        &["cache.zzzzzzzz: unknown key; known here: memory, policy (a.toml:2:1)"],
    );
}

#[test]
fn references_must_exist_and_take_the_spelling_of_what_they_name() {
    let upstream = "[upstreams.catalog-eu]\nendpoints = [\"x\"]\n[flags.new-ui]\n";
    check_problems(
        "a.toml",
        &format!(
            "{upstream}[routes.a]\npath = \"/a\"\nupstream = \"catalgo-eu\"\nflags = [\"new_ui\", \"nwe-ui\"]\n"
        ),
        &[
            "routes.a.upstream: there is no upstream \"catalgo-eu\", did you mean catalog-eu? (a.toml:6:12)",
            "routes.a.flags[1]: there is no flag \"nwe-ui\", did you mean new-ui? (a.toml:7:20)",
        ],
    );
    let text = format!(
        "{upstream}[routes.a]\npath = \"/a\"\nupstream = \"catalog_eu\"\nflags = [\"NEW_UI\"]\n"
    );
    let folder = Folder::new(&[("a.toml", &text)]);
    let loaded = load(&Layers::new().file(folder.path("a.toml"))).unwrap();
    let route = &loaded.settings.routes["a"];
    assert_eq!(route.upstream.as_deref(), Some("catalog-eu"));
    assert_eq!(route.flags, ["new-ui"]);
}

#[test]
fn what_is_required_is_told_at_its_table() {
    check_problems(
        "a.toml",
        "\n[upstreams.u]\nconnect_timeout = \"1s\"\n",
        &["upstreams.u.endpoints: required, but not set (a.toml:2:12)"],
    );
}

#[test]
fn of_alternatives_the_one_that_is_meant_is_told() {
    let route = "[upstreams.u]\nendpoints = [\"x\", { url = \"y\", weight = 2 }]\n[routes.a]\npath = \"/a\"\nupstream = \"u\"\n";
    check_problems(
        "a.toml",
        &format!("{route}cache = true\n"),
        &["routes.a.cache: expected false or a table, found true or false (a.toml:6:9)"],
    );
    check_problems(
        "a.toml",
        &format!(
            "{route}cache = {{ ttl = \"x\" }}\n[upstreams.v]\nendpoints = [{{ url = \"y\" }}]\n"
        ),
        &[
            "routes.a.cache.ttl: invalid duration \"x\" (a.toml:6:17)",
            "upstreams.v.endpoints[0].weight: required, but not set (a.toml:8:14)",
        ],
    );
}

#[test]
fn a_type_that_holds_itself_is_checked_all_the_way() {
    check_problems(
        "a.toml",
        "[routes.a]\npath = \"/a\"\nredirect = { to = \"/\", status = 302 }\n[routes.a.otherwise.otherwise.otherwise]\nstatus = \"x\"\n",
        &[
            "routes.a.otherwise.otherwise.otherwise.status: expected a whole number, found a text (a.toml:5:10)",
        ],
    );
}

#[test]
fn of_a_file_with_a_syntax_error_only_that_is_told() {
    let folder = Folder::new(&[
        ("broken.toml", "prot = 1\n[upstreams.u\nendpoints = []\n"),
        (
            "other.toml",
            "prot = 2\n[routes.a]\npath = \"/a\"\nupstream = \"u\"\ntimeout = \"x\"\n",
        ),
    ]);
    let layers = Layers::new()
        .file(folder.path("broken.toml"))
        .file(folder.path("other.toml"));
    let problems = load(&layers).unwrap_err();
    let told: Vec<String> = problems
        .iter()
        .map(|p| folder.short(&p.to_string()))
        .collect();
    // The upstream that seems to be missing may well be in the other file.
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told[0].starts_with("not TOML: ") && told[0].ends_with("(broken.toml:2:13)"),
        "{told:?}"
    );
    assert_eq!(
        told[1],
        "prot: unknown key, did you mean port? (other.toml:1:1)"
    );
    assert_eq!(
        told[2],
        "routes.a.timeout: invalid duration \"x\" (other.toml:5:11)"
    );
}

#[test]
fn thousands_of_wrong_names_are_told_in_time() {
    let mut text = String::new();
    for i in 0..3000 {
        write!(text, "[upstreams.upstream-{i}]\nendpoints = [\"x\"]\n[routes.route-{i}]\npath = \"/{i}\"\nupstream = \"upstraem-{i}\"\n").unwrap();
    }
    let folder = Folder::new(&[("a.toml", &text)]);
    let problems = load(&Layers::new().file(folder.path("a.toml"))).unwrap_err();
    assert_eq!(problems.len(), 3000);
}
