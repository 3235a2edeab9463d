//! `schema.cedarschema`

use super::nesting;
use super::{Files, SCHEMA};
use crate::facts::{FactError, Plan};
use crate::place::declaration;
use crate::problem::{Problem, Problems, Source};
use cedar_policy::{Schema, SchemaFragment};

/// A schema that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub schema: Schema,
    pub source: Source,
    /// The facts that it declares.
    pub plan: Plan,
    pub warnings: Problems,
}

/// Reads the schema, and the facts that it declares.
pub(super) fn load(files: &Files) -> Result<Read, Problems> {
    let source = files.text(SCHEMA)?;
    nesting::check(&source, nesting::SCHEMA)?;
    let syntax = |error: &dyn miette::Diagnostic| {
        Problem::foreign("cedarkey::schema::syntax", &source, error)
    };
    let (fragment, warnings) =
        SchemaFragment::from_cedarschema_str(source.text()).map_err(|error| syntax(&error))?;
    let code = "cedarkey::schema::suspicious";
    let warnings = warnings
        .map(|warning| Problem::foreign(code, &source, &warning).into_warning())
        .collect::<Vec<_>>();
    let json = fragment.clone().to_json_value().map_err(|error| syntax(&error))?;
    let schema = Schema::from_schema_fragments([fragment]).map_err(|error| syntax(&error))?;
    let plan = Plan::from_schema(&json).map_err(|errors| {
        errors.iter().map(|error| fact_problem(&source, error)).collect::<Vec<_>>()
    })?;
    Ok(Read { schema, source, plan, warnings: warnings.into() })
}

fn fact_problem(source: &Source, error: &FactError) -> Problem {
    let problem = Problem::error("cedarkey::schema::fact", error).file(source).help(error.help());
    let place = error.path().and_then(|path| fact_place(source.text(), path));
    place.into_iter().fold(problem, |problem, place| problem.at(place, "declared here"))
}

/// Where a fact is declared, as far as a search for its name tells.
pub(crate) fn fact_place(text: &str, path: &str) -> Option<(usize, usize)> {
    let Some((group, member)) = path.split_once('.') else { return declaration(text, path) };
    let (start, _) = declaration(text, group)?;
    let (at, len) = declaration(text.get(start..)?, member)?;
    Some((start.saturating_add(at), len))
}
