//! Cases as files, in the form of Cedar's integration tests.
//!
//! | file | what it holds |
//! |---|---|
//! | `X.json` | the names of the others, the requests, and the answers that Cedar gives |
//! | `X.cedar` | the policies and templates |
//! | `X.cedarschema` | the schema; an empty one, where entities or contexts do not fit it |
//! | `X.entities.json` | the entities |
//! | `X.links.json` | the links of templates, where there are some |
//!
//! That form knows neither links nor an entity that comes with the request: `links` and `guest` are
//! ours. `cargo xtask conformance` reads all of it.

use crate::case::{Case, Entity, Link};
use crate::world::{self, Unusable, World};
use cedar_policy::Context;
use cedarkey_compiler::oracle::{Answer, Cedar};
use serde_json::{Map, Value as Json, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Why a case is not in files.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Cedar does not take the case.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// A file cannot be written.
    #[error("`{}` cannot be written", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Writes a case, and gives the path of the file that names the others.
///
/// # Errors
///
/// Cedar does not take it, or a file cannot be written.
pub fn write(case: &Case, folder: &Path, name: &str) -> Result<PathBuf, FileError> {
    let world = World::of(case)?;
    let cedar = Cedar::new(&world.entities);
    let answers = world.questions.iter().map(|(_, asked)| cedar.ask(asked, &world.policies));
    let fits = case.conforms && contexts_fit(case)?;
    let mut test = Map::new();
    let mut add = |member: &str, value: Json| _ = test.insert(member.into(), value);
    add("policies", format!("{name}.cedar").into());
    add("entities", format!("{name}.entities.json").into());
    add("schema", format!("{name}.cedarschema").into());
    if !case.links.is_empty() {
        add("links", format!("{name}.links.json").into());
    }
    if let Some(guest) = &case.guest {
        add("guest", guest.json());
    }
    add("shouldValidate", (fits && world::is_valid(case)?).into());
    add("requests", requests(case, fits, answers));
    let mut entities = case.entities.clone();
    if !fits {
        entities.extend(case.action_entities());
    }
    let entities: Json = entities.iter().map(Entity::json).collect();
    let schema = if fits { case.schema.to_string() } else { String::new() };
    let path = folder.join(format!("{name}.json"));
    let links: Json = case.links.iter().map(link).collect();
    let files = [
        (".json", Some(pretty(&test.into()))),
        (".cedar", Some(case.policies_text())),
        (".cedarschema", Some(schema)),
        (".entities.json", Some(pretty(&entities))),
        (".links.json", (!case.links.is_empty()).then(|| pretty(&links))),
    ];
    for (ending, text) in files {
        let Some(text) = text else { continue };
        let path = folder.join(format!("{name}{ending}"));
        fs::write(&path, text).map_err(|source| FileError::Write { path, source })?;
    }
    Ok(path)
}

/// Whether contexts are still what they are once they are read by the schema, which may see an
/// address in what is a string.
fn contexts_fit(case: &Case) -> Result<bool, Unusable> {
    let schema = world::schema(case)?;
    let world = World::of(case)?;
    Ok(world.questions.iter().all(|(question, asked)| {
        let read =
            Context::from_json_value(question.context.clone(), Some((&schema, &question.action)));
        read.is_ok_and(|read| asked.context() == Some(&read))
    }))
}

fn requests(case: &Case, fits: bool, answers: impl Iterator<Item = Answer>) -> Json {
    let request = |(at, (request, answer)): (usize, (&crate::case::Request, Answer))| {
        json!({
            "description": format!("request {at}"),
            "principal": request.principal.json(),
            "action": request.action.json(),
            "resource": request.resource.json(),
            "context": crate::value::record(&request.context),
            "validateRequest": fits,
            "decision": if answer.allow { "allow" } else { "deny" },
            "reason": answer.reasons,
            "errors": answer.errors,
        })
    };
    case.requests.iter().zip(answers).enumerate().map(request).collect()
}

/// A link as the Cedar CLI has it in its file of links.
fn link(link: &Link) -> Json {
    let slots = [("?principal", &link.principal), ("?resource", &link.resource)];
    let slots = slots.into_iter().filter_map(|(slot, uid)| {
        Some((String::from(slot), Json::from(uid.as_ref()?.to_string())))
    });
    json!({
        "template_id": Case::policy_id(link.template),
        "link_id": link.id,
        "args": slots.collect::<Map<_, _>>(),
    })
}

fn pretty(json: &Json) -> String {
    format!("{json:#}\n")
}
