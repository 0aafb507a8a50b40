//! Where was a value written?

use std::path::{Path, PathBuf};

/// The place of a value: a source of [`Sources`] and, in files, the line and column, counted from 1.
///
/// The default is the settings type's own default. The order is that in which problems are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin {
    pub(crate) source: u32,
    /// 0 where the source has no lines.
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Origin {
    /// The same source at a line and column, both counted from 1.
    pub(crate) fn at(self, line: usize, column: usize) -> Self {
        Self {
            source: self.source,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

/// What a layer, or a variable of one, is called in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    Profile(String),
    File(PathBuf),
    Variable(String),
    /// A variable that names the file with the value.
    VariableFile(String, PathBuf),
    Flag(String),
    #[cfg(feature = "foreign")]
    Foreign(String),
}

/// The names behind the numbers of [`Origin`]: one for each file, variable and flag that was read.
#[derive(Clone, Debug)]
pub(crate) struct Sources(Vec<Source>);

impl Default for Sources {
    fn default() -> Self {
        Self(vec![Source::Default])
    }
}

impl Sources {
    pub(crate) fn add(&mut self, source: Source) -> Origin {
        self.0.push(source);
        Origin {
            source: u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX),
            ..Origin::default()
        }
    }

    fn source(&self, at: Origin) -> &Source {
        self.0.get(at.source as usize).unwrap_or(&Source::Default)
    }

    pub(crate) fn is_flag(&self, at: Origin) -> bool {
        matches!(self.source(at), Source::Flag(_))
    }

    /// Whether the value is a default or a profile's, rather than a person's.
    pub(crate) fn is_built_in(&self, at: Origin) -> bool {
        matches!(self.source(at), Source::Default | Source::Profile(_))
    }

    /// Whether a place says all: two findings of one text at one such place are one finding.
    pub(crate) fn is_exact(&self, at: Origin) -> bool {
        at.line > 0
            || matches!(
                self.source(at),
                Source::Variable(_) | Source::VariableFile(..) | Source::Flag(_)
            )
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|source| match source {
            Source::File(path) => Some(path.as_path()),
            _ => None,
        })
    }

    /// `config/production.toml:14:9`, `variable PORT`, `--ttl`, `profile production`, `default`.
    pub(crate) fn describe(&self, at: Origin) -> String {
        match self.source(at) {
            Source::Default => "default".into(),
            Source::Profile(name) => format!("profile {name}"),
            Source::File(path) if at.line == 0 => path.display().to_string(),
            Source::File(path) => format!("{}:{}:{}", path.display(), at.line, at.column),
            Source::Variable(name) => format!("variable {name}"),
            Source::VariableFile(name, path) => {
                format!("variable {name}, file {}", path.display())
            }
            Source::Flag(name) => name.clone(),
            #[cfg(feature = "foreign")]
            Source::Foreign(name) => name.clone(),
        }
    }
}
