//! `urm init`: a commented starter configuration.
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::report::print;

const DEFAULT: &str = include_str!("init/default.toml");
const PRODUCTION: &str = include_str!("init/production.toml");

/// Writes the files of layer 3 into `dir`; a file that stands there already is an error, and nothing is written.
pub(super) fn init(dir: &Path) -> anyhow::Result<ExitCode> {
    let files = [("default.toml", DEFAULT), ("production.toml", PRODUCTION)]
        .map(|(name, text)| (dir.join(name), text));
    for (path, _) in &files {
        if path.exists() {
            bail!(
                "{} exists already: urm init overwrites nothing; name another folder, or move it away",
                path.display()
            );
        }
    }
    fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()))?;
    for (path, text) in &files {
        // `create_new`: also between the look above and now, nothing is overwritten.
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let mut file = match file {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} exists already", path.display())
            }
            file => file.with_context(|| format!("cannot write {}", path.display()))?,
        };
        file.write_all(text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        print(&format!("wrote {}", path.display()));
    }
    print(&format!(
        "Next: edit {}, then `urm check --config-dir {}`.",
        files[0].0.display(),
        dir.display()
    ));
    Ok(ExitCode::SUCCESS)
}
