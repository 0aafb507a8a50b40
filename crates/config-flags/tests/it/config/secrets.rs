//! No text shows a secret.

use config_flags::{Layers, Secret};

use super::settings::load;
use super::{Folder, variables};

#[test]
fn no_problem_shows_a_secret() {
    let files = [
        ("a.toml", "[database]\npassword = hunter2\n"),
        (
            "a.toml",
            "[security]\njwt_secret = \"hunter2\"\n[cache]\nmemory=\"x\"\n",
        ),
        ("a.toml", "database = \"hunter2\"\n"),
        ("a.toml", "[database]\npassword = [\"hunter2\"]\n"),
        ("a.toml", "[database]\npasword = \"hunter2\""),
        ("a.toml", "[database]\nport = \"hunter2\""),
        ("a.toml", "[security]\nwebhook_key = [\"hunter2\"]\n"),
        ("a.yaml", "database:\n  password: {a: hunter2}\n"),
        ("a.yaml", "database:\n  password: [hunter2\n"),
        ("a.json", "{\"database\": {\"password\": hunter2}}"),
        #[cfg(feature = "foreign")]
        ("a.ron", "(database: (password: \"hunter2\")"),
        #[cfg(feature = "foreign")]
        ("a.json5", "{database: {password: hunter2}}"),
        #[cfg(feature = "foreign")]
        ("a.ini", "[database\npassword: hunter2"),
    ];
    for (name, text) in files {
        let folder = Folder::new(&[(name, text)]);
        let problems = load(&Layers::new().file(folder.path(name))).expect_err(text);
        let told = format!("{problems} {problems:?}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn nothing_that_is_in_force_shows_a_secret() {
    let layers = variables(&[
        ("DB_PASSWORD", "hunter2"),
        ("URM__SECURITY__WEBHOOK_KEY", "hunter3"),
        ("JWT_SECRET", "0123456789012345678901234567890123456789"),
    ]);
    let loaded = load(&layers).unwrap();
    let in_force = loaded.in_force();
    let shown = format!("{in_force:?} {:?} {layers:?}", loaded.settings.database);
    assert!(
        !shown.contains("hunter") && !shown.contains("0123"),
        "{shown}"
    );
    let hidden: Vec<&str> = in_force
        .iter()
        .filter(|key| key.value == "\"***\"")
        .map(|key| key.key.as_str())
        .collect();
    assert_eq!(
        hidden,
        [
            "database.password",
            "security.jwt_secret",
            "security.webhook_key"
        ]
    );
}

#[test]
fn a_secret_prints_as_stars() {
    let secret = Secret::from("hunter2");
    assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
    assert_eq!(secret.expose(), "hunter2");
    assert_ne!(secret, Secret::from("hunter3"));
}

#[test]
fn a_short_secret_is_told_by_its_length() {
    let problems = load(&variables(&[("JWT_SECRET", "hunter2")])).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "security.jwt_secret: expected at least 32 characters, found 7 (variable JWT_SECRET)"
    );
}
