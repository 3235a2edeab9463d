//! A project: a folder with everything that a bundle is made from, but for the keys.

mod files;
mod nesting;
mod policies;
mod schema;
pub(crate) mod tokens;

pub(crate) use files::Files;
use policies::LINKS;
pub(crate) use policies::policy_problem;
pub use policies::{Policies, PolicyFile};
pub(crate) use schema::fact_place;

use crate::compile::STACK;
use crate::entities;
use crate::facts::Plan;
use crate::mint::Mint;
use crate::problem::{Problem, Problems, Source};
use crate::routes::RouteTable;
use crate::settings::Settings;
use cedar_policy::{Entities, Schema};
use std::path::{Path, PathBuf};

/// The schema's file.
pub const SCHEMA: &str = "schema.cedarschema";

/// A project whose files can all be read. [`Project::check`] tells whether they fit together.
#[derive(Debug)]
pub struct Project {
    /// The folder.
    pub root: PathBuf,
    /// `cedarkey.toml`
    pub settings: Settings,
    /// `schema.cedarschema`
    pub schema: Schema,
    /// The schema's text.
    pub schema_source: Source,
    /// `policies/**/*.cedar` and `links.json`
    pub policies: Policies,
    /// `mint/**/*.cedar`, if there are any.
    pub mint: Option<Mint>,
    /// `routes.yaml`
    pub routes: RouteTable,
    /// `entities.json`, with the actions of the schema and the endpoints of the routes.
    pub entities: Entities,
    /// The facts that the schema declares.
    pub plan: Plan,
    /// `tests/*.yaml`: the files' names relative to the project.
    pub tests: Vec<String>,
    files: Files,
    /// What was suspicious about the files.
    warnings: Problems,
}

// === impl Project ===

impl Project {
    /// Reads a project.
    ///
    /// # Errors
    ///
    /// Everything that keeps its files from being read: as much as can be found in one go.
    pub fn load(root: &Path) -> Result<Self, Problems> {
        stacker::grow(STACK, || Self::from_files(root, Files::read(root)))
    }

    fn from_files(root: &Path, files: Files) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let settings = problems.take(Settings::parse(&files));
        let schema = problems.take(schema::load(&files));
        let policies = problems.take(Policies::load(&files));
        let routes = problems.take(RouteTable::load(&files));
        let tests = problems.take(files.tests());
        let mint = match (&schema, &settings) {
            (Some(read), Some(settings)) => {
                problems.take(Mint::load(&files, &read.source, settings))
            }
            _ => None,
        };
        let entities = match (&schema, &routes, &settings) {
            (Some(read), Some(routes), Some(settings)) => {
                problems.take(entities::load(&files, &read.schema, routes, settings))
            }
            // Whether it is there at all can be told without the others.
            _ => problems.take(files.text(entities::FILE)).and(None),
        };
        let tests = tests.map(|names| names.into_iter().map(String::from).collect());
        match (settings, schema, policies, mint, routes, tests, entities) {
            (
                Some(settings),
                Some(read),
                Some(policies),
                Some(mint),
                Some(routes),
                Some(tests),
                Some(entities),
            ) => Ok(Self {
                root: root.into(),
                settings,
                schema: read.schema,
                schema_source: read.source,
                policies,
                mint,
                routes,
                entities,
                plan: read.plan,
                tests,
                files,
                warnings: read.warnings,
            }),
            _ => Err(problems),
        }
    }

    /// The text of a file of the project.
    pub(crate) fn read(&self, name: &str) -> Result<Source, Problem> {
        self.files.text(name)
    }

    /// What was suspicious about the files when they were read.
    pub(crate) fn warnings(&self) -> &Problems {
        &self.warnings
    }
}
