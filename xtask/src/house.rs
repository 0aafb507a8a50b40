//! The dependency rule: who in the workspace may import whom.
//!
//! - Floor 1, a crate useful alone: imports no crate of the workspace, not even for its tests.
//! - Floor 2: imports floor 1.
//! - The app imports every crate.
//! - `xtask` imports none and nobody imports it.
//!
//! A crate that [`FLOORS`] does not know is an error: where it stands is decided before it is written.

use std::fmt;
use std::fs;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{DependencyKind, Metadata};

use crate::run;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floor {
    One,
    Two,
    App,
    Task,
}

/// Where each crate stands.
const FLOORS: &[(&str, Floor)] = &[
    ("access-control", Floor::One),
    ("cache", Floor::One),
    ("config-flags", Floor::One),
    ("ops-health", Floor::One),
    ("perf-monitor", Floor::One),
    ("route-core", Floor::One),
    ("upstream", Floor::One),
    ("admin", Floor::Two),
    ("state-store", Floor::Two),
    ("server", Floor::App),
    ("xtask", Floor::Task),
];

fn floor_of(name: &str) -> Option<Floor> {
    let (_, floor) = FLOORS.iter().find(|(known, _)| *known == name)?;
    Some(*floor)
}

/// One crate of the workspace, with what it takes by path.
#[derive(Clone, Debug)]
struct Member {
    name: String,
    imports: Vec<Import>,
    /// Without it, the workspace's lints do not reach the crate.
    inherits_lints: bool,
    has_readme: bool,
}

#[derive(Clone, Debug)]
struct Import {
    name: String,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Violation {
    UnknownCrate(String),
    Import {
        from: String,
        to: String,
        kind: &'static str,
    },
    OutsideWorkspace {
        from: String,
        to: String,
    },
    LintsNotInherited(String),
    NoReadme(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCrate(name) => write!(
                f,
                "{name}: stands on no floor; xtask/src/house.rs has the table"
            ),
            Self::Import { from, to, kind } => write!(f, "{from}: may not import {to} ({kind})"),
            Self::OutsideWorkspace { from, to } => {
                write!(f, "{from}: imports {to}, which is not in the workspace")
            }
            Self::LintsNotInherited(name) => {
                write!(f, "{name}: Cargo.toml lacks `[lints] workspace = true`")
            }
            Self::NoReadme(name) => write!(f, "{name}: has no README.md"),
        }
    }
}

/// Checks the workspace as it is; every violation is told.
pub(crate) fn check() -> Result<()> {
    let members = members(&run::metadata(false)?)?;
    let violations = violations(&members);
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!(
            "the dependency rule is broken in {} places",
            violations.len()
        );
    }
    println!("{} crates keep the dependency rule", members.len());
    Ok(())
}

/// The names of the crates that must be useful alone.
pub(crate) fn useful_alone() -> impl Iterator<Item = &'static str> {
    FLOORS
        .iter()
        .filter(|(_, floor)| *floor == Floor::One)
        .map(|(name, _)| *name)
}

fn members(metadata: &Metadata) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    for package in metadata.workspace_packages() {
        let manifest: toml::Table = fs::read_to_string(&package.manifest_path)
            .with_context(|| format!("{} cannot be read", package.manifest_path))?
            .parse()
            .with_context(|| format!("{} is no TOML", package.manifest_path))?;
        let imports = package
            .dependencies
            .iter()
            // Not by name: the registry may have a crate of the same name.
            .filter(|dependency| dependency.path.is_some())
            .map(|dependency| Import {
                name: dependency.name.clone(),
                kind: match dependency.kind {
                    DependencyKind::Development => "a dev-dependency",
                    DependencyKind::Build => "a build-dependency",
                    _ => "a dependency",
                },
            })
            .collect();
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        members.push(Member {
            name: package.name.to_string(),
            imports,
            inherits_lints: lints.and_then(toml::Value::as_bool) == Some(true),
            has_readme: package.manifest_path.with_file_name("README.md").is_file(),
        });
    }
    Ok(members)
}

fn violations(members: &[Member]) -> Vec<Violation> {
    let mut found = Vec::new();
    for member in members {
        let name = &member.name;
        if !member.inherits_lints {
            found.push(Violation::LintsNotInherited(name.clone()));
        }
        let Some(floor) = floor_of(name) else {
            found.push(Violation::UnknownCrate(name.clone()));
            continue;
        };
        if matches!(floor, Floor::One | Floor::Two) && !member.has_readme {
            found.push(Violation::NoReadme(name.clone()));
        }
        for import in &member.imports {
            let known = members.iter().any(|member| member.name == import.name);
            let (from, to) = (name.clone(), import.name.clone());
            if !known {
                found.push(Violation::OutsideWorkspace { from, to });
            } else if !floor_of(&to).is_some_and(|target| may_import(floor, target)) {
                let kind = import.kind;
                found.push(Violation::Import { from, to, kind });
            }
        }
    }
    found
}

fn may_import(from: Floor, to: Floor) -> bool {
    match from {
        Floor::One | Floor::Task => false,
        Floor::Two => to == Floor::One,
        Floor::App => matches!(to, Floor::One | Floor::Two),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, imports: &[&str]) -> Member {
        let import = |name: &&str| Import {
            name: (*name).to_owned(),
            kind: "a dependency",
        };
        Member {
            name: name.to_owned(),
            imports: imports.iter().map(import).collect(),
            inherits_lints: true,
            has_readme: true,
        }
    }

    /// `imports` of `from`, in a workspace that has every crate it names.
    #[track_caller]
    fn check(from: &str, imports: &[&str], refused: &[&str]) {
        let mut workspace: Vec<Member> = FLOORS
            .iter()
            .filter(|(name, _)| *name != from)
            .map(|(name, _)| member(name, &[]))
            .collect();
        workspace.push(member(from, imports));
        let expected: Vec<Violation> = refused
            .iter()
            .map(|to| Violation::Import {
                from: from.to_owned(),
                to: (*to).to_owned(),
                kind: "a dependency",
            })
            .collect();
        assert_eq!(violations(&workspace), expected);
    }

    #[test]
    fn an_import_goes_down_and_never_sideways() {
        check("cache", &[], &[]);
        check("cache", &["route-core"], &["route-core"]);
        check("cache", &["admin"], &["admin"]);
        check("route-core", &["server"], &["server"]);
        check("admin", &["cache", "perf-monitor"], &[]);
        check("admin", &["state-store"], &["state-store"]);
        check("state-store", &["cache", "server"], &["server"]);
        check("server", &["cache", "admin"], &[]);
        check("server", &["xtask"], &["xtask"]);
        check("xtask", &["cache"], &["cache"]);
    }

    #[test]
    fn what_only_the_tests_of_a_crate_import_counts() {
        let mut cache = member("cache", &[]);
        cache.imports.push(Import {
            name: "route-core".to_owned(),
            kind: "a dev-dependency",
        });
        let found = violations(&[cache, member("route-core", &[])]);
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["cache: may not import route-core (a dev-dependency)"]
        );
    }

    #[test]
    fn a_crate_without_a_place_is_refused() {
        let found = violations(&[member("utils", &["cache"]), member("cache", &[])]);
        assert_eq!(found, [Violation::UnknownCrate("utils".to_owned())]);
        let found = violations(&[member("server", &["utils"]), member("utils", &[])]);
        assert!(found.contains(&Violation::UnknownCrate("utils".to_owned())));
        assert_eq!(found.len(), 2, "the import of it is refused too");
    }

    #[test]
    fn a_path_out_of_the_workspace_is_refused() {
        let found = violations(&[member("server", &["elsewhere"])]);
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            ["server: imports elsewhere, which is not in the workspace"]
        );
    }

    #[test]
    fn a_crate_has_a_readme_and_the_lints() {
        let bare = |name: &str| Member {
            inherits_lints: false,
            has_readme: false,
            ..member(name, &[])
        };
        let of = |name: &str| Violation::LintsNotInherited(name.to_owned());
        let found = violations(&[bare("cache")]);
        assert_eq!(
            found,
            [of("cache"), Violation::NoReadme("cache".to_owned())]
        );
        assert_eq!(violations(&[bare("server")]), [of("server")]);
    }

    /// A document as `cargo metadata` writes it: the rule must see through to the kinds and paths in it.
    #[test]
    fn metadata_of_cargo_is_read() {
        let folder = env!("CARGO_MANIFEST_DIR");
        let package = |name: &str, dependencies: &str| {
            format!(
                r#"{{"name":"{name}","version":"0.1.0","id":"{name}","source":null,"targets":[],"features":{{}},
                "dependencies":[{dependencies}],"manifest_path":"{folder}/Cargo.toml"}}"#
            )
        };
        let sibling = r#"{"name":"route-core","req":"*","kind":"dev","optional":false,"uses_default_features":true,
            "features":[],"target":null,"source":null,"rename":null,"registry":null,"path":"/w/crates/route-core"}"#;
        let namesake = r#"{"name":"upstream","req":"^1","kind":null,"optional":false,"uses_default_features":true,
            "features":[],"target":null,"source":"registry+index","rename":null,"registry":null}"#;
        let document = format!(
            r#"{{"packages":[{},{}],"workspace_members":["cache","route-core"],"workspace_default_members":[],
            "resolve":null,"workspace_root":"/w","target_directory":"/w/target","version":1,"metadata":null}}"#,
            package("cache", &format!("{sibling},{namesake}")),
            package("route-core", ""),
        );
        let metadata = cargo_metadata::MetadataCommand::parse(document).unwrap();
        let mut members = members(&metadata).unwrap();
        for member in &mut members {
            assert!(member.inherits_lints, "as this crate's own manifest does");
            member.has_readme = true;
        }
        assert_eq!(
            violations(&members),
            [Violation::Import {
                from: "cache".to_owned(),
                to: "route-core".to_owned(),
                kind: "a dev-dependency",
            }]
        );
    }
}
