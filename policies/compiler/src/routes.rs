//! `routes.yaml`: which requests are which action on which resource.

use crate::place::{self, line};
use crate::problem::{Problem, Problems, Source};
use crate::project::Files;
use crate::yaml;
use cedarkey_engine::route::template::{self, TemplateError};
use cedarkey_engine::route::{
    HostPattern, RouteImage, Routes, RoutesError, RoutesImage, SegmentImage,
};
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The file's name.
pub const FILE: &str = "routes.yaml";

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoutesFile {
    service: String,
    routes: Vec<Spanned<RouteEntry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteEntry {
    method: OneOrMany,
    host: Option<String>,
    path: String,
    action: String,
    resource: Option<String>,
    service: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a method or a list of methods")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A route of a project.
#[derive(Clone, Debug)]
pub struct Route {
    /// The methods, in upper case; empty: any.
    pub methods: Vec<String>,
    /// The hosts.
    pub host: HostPattern,
    /// The path as it is written.
    pub path: String,
    /// The path in segments.
    pub segments: Vec<SegmentImage>,
    /// The id of the action.
    pub action: String,
    /// The id of the endpoint.
    pub resource: String,
    /// The id of the service that the endpoint belongs to.
    pub service: String,
    /// The scopes that a key needs.
    pub scopes: Vec<String>,
    /// Where it stands in the file: byte offset.
    pub offset: usize,
}

/// The routes of a project, with their source.
#[derive(Clone, Debug)]
pub struct RouteTable {
    /// The file.
    pub source: Source,
    /// In the order of the file.
    pub routes: Vec<Route>,
}

// === impl RouteTable ===

impl RouteTable {
    /// Reads the routes of a project.
    ///
    /// # Errors
    ///
    /// All routes that are malformed, or match the same requests as another.
    pub(crate) fn load(files: &Files) -> Result<Self, Problems> {
        let source = files.text(FILE)?;
        let file: RoutesFile = serde_saphyr::from_str(source.text())
            .map_err(|error| yaml::problem("cedarkey::routes::form", &source, &error))?;
        let mut problems = Problems::new();
        let mut routes = Vec::new();
        for entry in file.routes {
            let location = entry.referenced;
            let offset = place::offset(source.text(), location.line(), location.column());
            match route(entry.value, &file.service, offset) {
                Ok(route) => routes.push(route),
                Err(error) => problems.push(
                    Problem::error("cedarkey::routes::route", error)
                        .file(&source)
                        .at(line(source.text(), offset), "this route"),
                ),
            }
        }
        let table = Self { source, routes };
        problems.extend(table.conflict());
        problems.extend(table.disagreement());
        if problems.is_empty() { Ok(table) } else { Err(problems) }
    }

    /// The routes with their actions and resources numbered by their place in the file.
    pub fn image(&self, mut number: impl FnMut(&Route) -> (u32, u32)) -> RoutesImage {
        let routes = self.routes.iter().map(|route| {
            let (action, resource) = number(route);
            RouteImage {
                methods: route.methods.clone(),
                host: route.host.clone(),
                segments: route.segments.clone(),
                action,
                resource,
            }
        });
        RoutesImage { routes: routes.collect() }
    }

    /// The place of a route in the file.
    pub fn place(&self, route: &Route) -> (usize, usize) {
        line(self.source.text(), route.offset)
    }

    /// Two routes that make one endpoint two different things.
    fn disagreement(&self) -> Option<Problem> {
        let differ = |a: &Route, b: &Route| {
            a.resource == b.resource
                && (&a.path, &a.scopes, &a.service) != (&b.path, &b.scopes, &b.service)
        };
        let mut pairs = self.routes.iter().enumerate().filter_map(|(at, route)| {
            let other = self.routes.iter().take(at).find(|other| differ(other, route))?;
            Some((other, route))
        });
        let (first, second) = pairs.next()?;
        let message = format!("two routes make `{}` different things", second.resource);
        let problem = Problem::error("cedarkey::routes::resource", message).file(&self.source);
        let help =
            "routes of one resource have the same path, scopes and service: name another resource";
        let problem = problem.at(self.place(first), "this route");
        Some(problem.at(self.place(second), "and this one").help(help))
    }

    /// What the engine would refuse.
    fn conflict(&self) -> Option<Problem> {
        let error = Routes::load(self.image(|_| (0, 0)), 1).err()?;
        let at = |index: usize| self.routes.get(index).map(|route| self.place(route));
        let problem = |message: String| {
            Problem::error("cedarkey::routes::conflict", message).file(&self.source)
        };
        Some(match error {
            RoutesError::Conflict { first, second } => {
                let mut conflict = problem("two routes match the same requests".into())
                    .help("make their methods, hosts or paths differ, or remove one");
                for (index, label) in [(first, "this route"), (second, "and this one")] {
                    conflict = at(index).into_iter().fold(conflict, |it, at| it.at(at, label));
                }
                conflict
            }
            RoutesError::Malformed(index, _)
            | RoutesError::Path(index)
            | RoutesError::Uid(index) => {
                let malformed = problem(error.to_string());
                at(index).into_iter().fold(malformed, |it, at| it.at(at, "this route"))
            }
        })
    }
}

fn route(entry: RouteEntry, service: &str, offset: usize) -> Result<Route, RouteError> {
    let methods = match entry.method {
        OneOrMany::One(any) if any == "*" => Vec::new(),
        OneOrMany::One(method) => vec![method],
        OneOrMany::Many(methods) if methods.is_empty() => return Err(RouteError::NoMethod),
        OneOrMany::Many(methods) => methods,
    };
    for method in &methods {
        if method.is_empty()
            || !method.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        {
            return Err(RouteError::Method(method.clone()));
        }
    }
    let host = entry.host.as_deref().map(template::parse_host).transpose()?.unwrap_or_default();
    let segments = template::parse(&entry.path)?;
    let resource = entry.resource.unwrap_or_else(|| {
        let method = if methods.is_empty() { "*".into() } else { methods.join(",") };
        format!("{method} {}{}", entry.host.unwrap_or_default(), entry.path)
    });
    Ok(Route {
        methods,
        host,
        segments,
        path: entry.path,
        action: entry.action,
        resource,
        service: entry.service.unwrap_or_else(|| service.into()),
        scopes: entry.scopes,
        offset,
    })
}

/// What is wrong with a route.
#[derive(Debug, thiserror::Error)]
enum RouteError {
    #[error("`{0}` is no method: write methods in upper case, or \"*\" for any")]
    Method(String),
    #[error("the list of methods is empty: write \"*\" for any")]
    NoMethod,
    #[error(transparent)]
    Template(#[from] TemplateError),
}
