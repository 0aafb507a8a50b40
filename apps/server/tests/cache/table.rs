//! `docs/caching-rfc.md` names a test for each requirement, and each that it names is here.

use std::path::Path;

#[test]
fn each_requirement_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("../../docs/caching-rfc.md")).unwrap();
    let rows = table.lines().filter(|line| {
        line.starts_with("| ") && !line.starts_with("| §") && !line.starts_with("| -")
    });
    let mut requirements = 0;
    for row in rows {
        requirements += 1;
        let shown_by = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        assert!(shown_by.contains("::"), "no test shows this: {row}");
        for test in shown_by.split(", ") {
            let (module, function) = test.trim_matches('`').split_once("::").unwrap();
            let source = root.join(format!("tests/cache/{module}.rs"));
            let source = std::fs::read_to_string(source).unwrap();
            assert!(
                source.contains(&format!("#[test]\nfn {function}()")),
                "{test} is not there"
            );
        }
    }
    assert!(requirements > 140, "{requirements} requirements");
}
