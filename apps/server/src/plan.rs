//! From settings to a plan: every route compiled and checked, without anything that lives.
//!
//! All that can be wrong with a configuration beyond its shape is found here, all at once; making the
//! snapshot from a plan ([`crate::parts`]) cannot fail.
use std::sync::Arc;
use std::time::Duration;

use access_control::{CorsPolicy, CorsSettings, Trust};
use admin::Access;
use cache::RouteCacheSettings;
use config_flags::{FlagId, FlagSet};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use route_core::{Guard, Matcher, Rewrite, Route, RouteId, Table, TableOptions};

use validator::Validate;

use crate::compress::Codings;
use crate::edits::Edits;
use crate::limits::LimitsPolicy;
use crate::settings::{
    FeaturesInForce, HeaderEdits, RespondTarget, RouteCache, RouteSettings, Settings,
};
use crate::target::{Files, Redirect, Respond, Target};
use crate::with_parameters::WithParameters;

/// The time that a request has where its route does not say.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A configuration that is sound.
#[derive(Debug)]
pub struct Plan {
    /// The routes.
    pub routes: Vec<RoutePlan>,
    /// The flags.
    pub flags: FlagSet,
    /// Whose word about a client's address counts.
    pub trust: Trust,
    /// The switches.
    pub features: FeaturesInForce,
    /// How paths are read.
    pub options: TableOptions,
    /// Who may ask the admin API.
    pub access: Access,
}

/// One route of a [`Plan`].
#[derive(Debug)]
pub struct RoutePlan {
    /// Its id.
    pub id: RouteId,
    /// What matches.
    pub matcher: Matcher,
    /// How careful to be with paths that a next hop may read differently.
    pub guard: Guard,
    /// What answers.
    pub target: Target,
    /// The path that the target sees.
    pub rewrite: Option<Rewrite>,
    /// Edits of requests.
    pub request_edits: Option<Arc<Edits>>,
    /// Edits of responses.
    pub response_edits: Option<Arc<Edits>>,
    /// In which codings answers leave.
    pub compress: Option<Codings>,
    /// What a request may take.
    pub limits: LimitsPolicy,
    /// The upstream's name.
    pub upstream: Option<String>,
    /// The flag that must be on.
    pub flag: Option<FlagId>,
    /// The rollout: its flag, the flag's name, the other upstream's.
    pub rollout: Option<(FlagId, String, String)>,
    /// What is stored.
    pub cache: Option<RouteCacheSettings>,
    /// The labels of its stored responses.
    pub tags: Vec<WithParameters>,
    /// The labels that a successful unsafe request drops.
    pub invalidates: Vec<WithParameters>,
    /// Which pages may read answers.
    pub cors: Option<CorsPolicy>,
    /// What shapes the route's answers, as text: part of the space of its stored responses.
    pub shape: String,
}

/// Something wrong with the settings as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
}

impl Plan {
    /// Compiles everything; all faults at once. `own`: a route without a target is the program's own.
    pub fn of(settings: &Settings, own: bool) -> Result<Self, Vec<Fault>> {
        // A file's loader has done so, and tells the places; settings made in code have nobody else.
        if let (true, Err(errors)) = (own, settings.validate()) {
            let message = errors.to_string().replace('\n', "; ");
            return Err(vec![Fault {
                key: "settings".to_owned(),
                message,
            }]);
        }
        let flags: FlagSet = settings.flags.clone().into_iter().collect();
        let features = settings.features.in_force(settings.environment);
        let options = TableOptions {
            merge_slashes: settings.http.merge_slashes,
        };
        let mut faults = Vec::new();
        let access = settings.admin.access().unwrap_or_else(|found| {
            faults.extend(found.into_iter().map(|fault| Fault {
                key: fault.key,
                message: fault.message,
            }));
            Access::default()
        });
        let mut routes = Vec::new();
        for (id, route) in &settings.routes {
            let mut compiler = Compiler {
                settings,
                flags: &flags,
                features,
                id,
                route,
                faults: &mut faults,
            };
            routes.extend(compiler.route(own));
        }
        let bare = routes
            .iter()
            .map(|route| Route::new(route.id.clone(), route.matcher.clone()).guarded(route.guard));
        if let Err(conflicts) = Table::build(bare.collect(), &options) {
            let told = |conflict: route_core::Conflict| Fault {
                key: format!("routes.{}", conflict.second),
                message: conflict.to_string(),
            };
            faults.extend(conflicts.into_iter().map(told));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            routes,
            flags,
            trust: Trust::compile(&settings.security.trust()),
            features,
            options,
            access,
        })
    }
}

struct Compiler<'a> {
    settings: &'a Settings,
    flags: &'a FlagSet,
    features: FeaturesInForce,
    id: &'a RouteId,
    route: &'a RouteSettings,
    faults: &'a mut Vec<Fault>,
}

impl Compiler<'_> {
    fn route(&mut self, own: bool) -> Option<RoutePlan> {
        let route = self.route;
        let before = self.faults.len();
        let target = self.target(own);
        let matcher = self.matcher();
        let rewrite = self.rewrite();
        let codings = route.compress.codings();
        let compress = self.told("compress", codings).flatten();
        let request_edits = self.edits("request_headers", &route.request_headers, compress);
        let response_edits = self.edits("response_headers", &route.response_headers, None);
        let cors = self.cors();
        let rollout = self.rollout();
        self.references();
        if route.upgrade && route.upstream.is_none() && !own {
            self.fault(
                "upgrade",
                &"only a route with an upstream can pass upgrades",
            );
        }
        let flag = route
            .flag
            .as_deref()
            .and_then(|flag| self.flags.flag_id(flag));
        if self.faults.len() > before {
            return None;
        }
        let target = target?;
        let cache = match &route.cache {
            RouteCache::On(cache) if self.features.caching => Some((**cache).clone()),
            _ => None,
        };
        let settings = cache.clone().unwrap_or_default();
        let tags = self.labels("cache.tags", &settings.tags);
        let invalidates = self.labels("cache.invalidates", &settings.invalidates);
        if self.faults.len() > before {
            return None;
        }
        let timeout = matches!(target, Target::Own).then_some(route.timeout.unwrap_or(TIMEOUT));
        Some(RoutePlan {
            id: self.id.clone(),
            guard: if matches!(target, Target::Files(_)) {
                Guard::Always
            } else {
                Guard::Open
            },
            target,
            matcher: matcher?,
            rewrite,
            request_edits,
            response_edits,
            compress,
            limits: LimitsPolicy {
                max_body: route.max_body.limit(),
                timeout,
            },
            upstream: route.upstream.clone(),
            flag,
            rollout,
            cache,
            tags,
            invalidates,
            cors,
            shape: format!(
                "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                route.upstream,
                route.strip_prefix,
                route.rewrite,
                route.request_headers,
                route.response_headers,
                compress,
                (&route.respond, &route.files, &route.redirect)
            ),
        })
    }

    fn labels(&mut self, key: &str, labels: &[String]) -> Vec<WithParameters> {
        let mut compiled = Vec::new();
        for label in labels {
            match WithParameters::compile(label, &self.route.path) {
                Ok(label) => compiled.push(label),
                Err(error) => self.fault(key, &error),
            }
        }
        compiled
    }

    fn fault(&mut self, key: &str, message: &impl ToString) {
        let id = self.id;
        let key = if key.is_empty() {
            format!("routes.{id}")
        } else {
            format!("routes.{id}.{key}")
        };
        self.faults.push(Fault {
            key,
            message: message.to_string(),
        });
    }

    fn told<T>(&mut self, key: &str, outcome: Result<T, impl ToString>) -> Option<T> {
        outcome.map_err(|error| self.fault(key, &error)).ok()
    }

    fn target(&mut self, own: bool) -> Option<Target> {
        let route = self.route;
        let named = [
            ("upstream", route.upstream.is_some()),
            ("respond", route.respond.is_some()),
            ("files", route.files.is_some()),
            ("redirect", route.redirect.is_some()),
        ];
        let named: Vec<_> = named
            .iter()
            .filter(|(_, is)| *is)
            .map(|(name, _)| *name)
            .collect();
        match named[..] {
            [] if own => return Some(Target::Own),
            [] => {
                self.fault(
                    "",
                    &"has no target: one of upstream, respond, files, redirect is required",
                );
                return None;
            }
            [_] => {}
            _ => {
                self.fault(
                    "",
                    &format!(
                        "has {} targets ({}): exactly one is required",
                        named.len(),
                        named.join(", ")
                    ),
                );
                return None;
            }
        }
        if let Some(respond) = &route.respond {
            let respond = self.respond(respond)?;
            return Some(Target::Respond(Arc::new(respond)));
        }
        if let Some(files) = &route.files {
            let opened = Files::open(&files.dir, &files.index);
            return self
                .told("files.dir", opened)
                .map(|files| Target::Files(Arc::new(files)));
        }
        if let Some(redirect) = &route.redirect {
            let status = StatusCode::from_u16(redirect.status).unwrap_or(StatusCode::FOUND);
            let redirect = Redirect::compile(&redirect.to, status, &route.path);
            return self
                .told("redirect.to", redirect)
                .map(|redirect| Target::Redirect(Arc::new(redirect)));
        }
        Some(Target::Upstream)
    }

    fn respond(&mut self, respond: &RespondTarget) -> Option<Respond> {
        let mut fields = HeaderMap::new();
        let (body, kind) = match (&respond.body, &respond.json) {
            (Some(body), _) => (body.clone(), Some("text/plain; charset=utf-8")),
            (None, Some(json)) => (json.to_string(), Some("application/json")),
            (None, None) => (String::new(), None),
        };
        if let Some(kind) = kind {
            fields.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        for (name, value) in &respond.headers {
            let key = format!("respond.headers.{name}");
            let field = name
                .parse::<HeaderName>()
                .map_err(|_| format!("{name:?} is no field name"));
            let value =
                HeaderValue::from_str(value).map_err(|_| "has a byte that no field may have");
            let (field, value) = (self.told(&key, field), self.told(&key, value));
            fields.insert(field?, value?);
        }
        let status = StatusCode::from_u16(respond.status).unwrap_or(StatusCode::OK);
        Some(Respond {
            status,
            fields,
            body: body.into(),
        })
    }

    fn matcher(&mut self) -> Option<Matcher> {
        let route = self.route;
        let mut headers = Vec::new();
        for (name, condition) in &route.headers {
            let field = name
                .parse::<HeaderName>()
                .map_err(|_| format!("{name:?} is no field name"));
            headers.push((
                self.told(&format!("headers.{name}"), field)?,
                condition.clone(),
            ));
        }
        let mut methods: Vec<_> = route
            .methods
            .iter()
            .map(|method| method.as_method().clone())
            .collect();
        if methods.is_empty() && route.files.is_some() {
            // What a folder takes, so that the table says 405 and answers OPTIONS.
            methods.push(Method::GET);
        }
        Some(Matcher {
            path: route.path.clone(),
            methods,
            hosts: route.hosts.clone(),
            headers,
            query: route
                .query
                .iter()
                .map(|(name, condition)| (name.clone(), condition.clone()))
                .collect(),
        })
    }

    fn rewrite(&mut self) -> Option<Rewrite> {
        let route = self.route;
        match (&route.strip_prefix, &route.rewrite) {
            (Some(_), Some(_)) => {
                self.fault(
                    "rewrite",
                    &"stands beside strip_prefix: a route has one of the two",
                );
                None
            }
            (Some(prefix), None) => {
                self.told("strip_prefix", Rewrite::strip_prefix(prefix, &route.path))
            }
            (None, Some(path)) => self.told("rewrite", Rewrite::path(path, &route.path)),
            (None, None) if route.files.is_some() => {
                // The file is what the catch-all took.
                let rest = route
                    .path
                    .as_str()
                    .rsplit('/')
                    .next()
                    .and_then(|last| last.strip_prefix("{*"));
                let rest = rest.and_then(|rest| rest.strip_suffix('}'))?;
                self.told("path", Rewrite::path(&format!("/{{{rest}}}"), &route.path))
            }
            (None, None) => None,
        }
    }

    /// A name that leads nowhere. Of a file the loader has told it already; settings made in code come here
    /// first, and a flag that does not exist must not leave its route open.
    fn references(&mut self) {
        let route = self.route;
        let rollout = route.rollout.as_ref();
        let flags = [
            ("flag", route.flag.as_deref()),
            ("rollout.flag", rollout.map(|rollout| rollout.flag.as_str())),
        ];
        for (key, name) in flags {
            if let Some(name) = name.filter(|name| self.flags.flag_id(name).is_none()) {
                self.fault(key, &format!("there is no flag {name:?}"));
            }
        }
        let upstreams = [
            ("upstream", route.upstream.as_deref()),
            (
                "rollout.upstream",
                rollout.map(|rollout| rollout.upstream.as_str()),
            ),
        ];
        for (key, name) in upstreams {
            if let Some(name) = name.filter(|name| !self.settings.upstreams.contains_key(*name)) {
                self.fault(key, &format!("there is no upstream {name:?}"));
            }
        }
    }

    fn edits(
        &mut self,
        key: &str,
        edits: &HeaderEdits,
        narrow: Option<Codings>,
    ) -> Option<Arc<Edits>> {
        match Edits::compile(edits, narrow) {
            Ok(edits) => edits,
            Err(faults) => {
                for (below, fault) in faults {
                    self.fault(&format!("{key}.{below}"), &fault);
                }
                None
            }
        }
    }

    fn cors(&mut self) -> Option<CorsPolicy> {
        let route = self.route;
        // What an upstream or a program's handlers say passes, unless somebody said that the gateway owns it.
        let security = &self.settings.security;
        let answered_here =
            route.respond.is_some() || route.files.is_some() || route.redirect.is_some();
        let said = route.cors.clone().or_else(|| {
            let owned = answered_here || security.cors_origins.is_some();
            owned.then_some(CorsSettings::Switch(true))
        });
        let policy = CorsPolicy::compile(&said?, &security.origins());
        self.told("cors", policy).flatten()
    }

    fn rollout(&mut self) -> Option<(FlagId, String, String)> {
        let rollout = self.route.rollout.as_ref()?;
        if self.route.upstream.is_none() {
            self.fault("rollout", &"needs an upstream to roll out from");
            return None;
        }
        // A flag that does not exist was told by the check of references.
        let flag = self.flags.flag_id(&rollout.flag)?;
        Some((flag, rollout.flag.clone(), rollout.upstream.clone()))
    }
}
