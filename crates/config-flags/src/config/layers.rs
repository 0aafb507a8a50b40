//! Which texts are read, and in which order?

mod read;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub(crate) use read::read;

use super::environment::Environment;

/// The layers of one configuration, lowest first: each later one wins, key by key.
///
/// Nothing is read before [`load`](crate::load) is called, and everything anew each time: the same layers serve every
/// reload.
///
/// Which profile and which files are read depends on the environment (development, staging, production), and that is
/// itself a setting. So there are two steps: the layers above the files are listed first and asked for it
/// ([`environment_of`](Self::environment_of)), then put on top ([`then`](Self::then)).
///
/// ```
/// use config_flags::{Environment, Layers, WellKnown};
///
/// const WELL_KNOWN: &[WellKnown] = &[WellKnown::new("APP_ENV", "environment"), WellKnown::new("PORT", "port")];
/// let variables = [("APP_ENV", "production"), ("PORT", "8080")];
///
/// let above = Layers::new()
///     .environment(Environment::new("APP", WELL_KNOWN, variables))
///     .flag("--port", "port", "9000");
/// let folder = std::path::Path::new("config");
/// let environment = above.environment_of("environment", Some(folder)).unwrap_or("development".into());
/// assert_eq!(environment, "production");
///
/// let layers = Layers::new()
///     .profile("production", "log_format = \"json\"")
///     .folder_if_there(folder, &environment)
///     .then(above)
///     .beneath("route_defaults", "routes");
/// # let _ = layers;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Layers {
    list: Vec<Layer>,
    templates: Vec<Template>,
}

#[derive(Clone, Debug)]
enum Layer {
    Profile(String, Cow<'static, str>),
    /// Must be a folder; its files are layers of their own.
    Folder(PathBuf),
    File {
        path: PathBuf,
        optional: bool,
    },
    Environment(Environment),
    Flag {
        flag: String,
        key: String,
        text: String,
    },
    #[cfg(feature = "foreign")]
    Source(Box<dyn config::Source + Send + Sync>),
}

/// A table whose keys stand beneath those of every entry of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template {
    pub(crate) key: &'static str,
    pub(crate) entries: &'static str,
}

impl Layers {
    /// No layer: the settings type's own defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// A built-in layer in TOML, called `profile NAME` where values are traced.
    pub fn profile(mut self, name: impl Into<String>, toml: impl Into<Cow<'static, str>>) -> Self {
        self.list.push(Layer::Profile(name.into(), toml.into()));
        self
    }

    /// The files `default.toml`, `{environment}.toml` and `local.toml` of a folder, each optional. The folder must exist.
    pub fn folder(mut self, folder: impl Into<PathBuf>, environment: &str) -> Self {
        let folder = folder.into();
        self.list.push(Layer::Folder(folder.clone()));
        self.folder_if_there(folder, environment)
    }

    /// As [`folder`](Self::folder), of a folder that need not exist.
    pub fn folder_if_there(mut self, folder: impl AsRef<Path>, environment: &str) -> Self {
        let folder = folder.as_ref();
        // An environment comes from a variable: it must not lead out of the folder.
        let plain = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let names = ["default", environment, "local"];
        for name in names.into_iter().filter(|name| plain(name)) {
            self = self.file_if_there(folder.join(format!("{name}.toml")));
        }
        self
    }

    /// A file that must exist. Its ending says the format: `.toml`, `.yaml`, `.yml`, `.json`; with the feature `foreign`
    /// `.ini`, `.ron`, `.json5` as well.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.list.push(Layer::File {
            path: path.into(),
            optional: false,
        });
        self
    }

    /// As [`file`](Self::file), of a file that need not exist.
    pub fn file_if_there(mut self, path: impl Into<PathBuf>) -> Self {
        self.list.push(Layer::File {
            path: path.into(),
            optional: true,
        });
        self
    }

    /// Variables of the process.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.list.push(Layer::Environment(environment));
        self
    }

    /// What a command-line flag says of one key; a flag that means several keys is given several times.
    ///
    /// `text` takes the type that the key asks for, as a variable does; a duration needs its unit here.
    pub fn flag(
        mut self,
        flag: impl Into<String>,
        key: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        self.list.push(Layer::Flag {
            flag: flag.into(),
            key: key.into(),
            text: text.into(),
        });
        self
    }

    /// Any source of the `config` crate, such as a remote store. Its values must have the types that are asked for;
    /// they are traced to what the source calls their origin.
    #[cfg(feature = "foreign")]
    pub fn source(mut self, source: impl config::Source + Send + Sync + 'static) -> Self {
        self.list.push(Layer::Source(Box::new(source)));
        self
    }

    /// All layers of `above` on top of these.
    pub fn then(mut self, above: Self) -> Self {
        self.list.extend(above.list);
        self.templates.extend(above.templates);
        self
    }

    /// Puts the table at `template` beneath every entry of the table at `entries`: `route_defaults` beneath `routes`.
    ///
    /// Both are keys of the root. A key of an entry wins over the template's, whichever layer either is from.
    pub fn beneath(mut self, template: &'static str, entries: &'static str) -> Self {
        self.templates.push(Template {
            key: template,
            entries,
        });
        self
    }

    /// What these layers, above the `default.toml` and `local.toml` of `folder`, say of a key of the root that must be
    /// known before all layers are: the environment.
    ///
    /// Files that cannot be read, and values that are no text, are passed over here; [`load`](crate::load) tells them.
    pub fn environment_of(&self, key: &str, folder: Option<&Path>) -> Option<String> {
        let below = folder.map(|folder| Self::new().folder_if_there(folder, ""));
        let below = below.iter().flat_map(|layers| &layers.list);
        below
            .chain(&self.list)
            .filter_map(|layer| layer.text_of(key))
            .next_back()
    }

    /// The files that may be read, whether or not they exist: what a watcher has to watch.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.list.iter().filter_map(|layer| match layer {
            Layer::File { path, .. } => Some(path.as_path()),
            _ => None,
        })
    }

    pub(crate) fn templates(&self) -> &[Template] {
        &self.templates
    }
}
