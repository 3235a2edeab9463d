//! The entity store: the project's own entities, and those that the routes make.

use crate::place;
use crate::problem::{Problem, Problems, Source};
use crate::project::Files;
use crate::routes::RouteTable;
use crate::settings::Settings;
use cedar_policy::{Entities, Schema};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The file's name.
pub const FILE: &str = "entities.json";

const CODE: &str = "cedarkey::entities::form";

/// Reads the project's entities, and adds actions, services and endpoints.
pub fn load(
    files: &Files,
    schema: &Schema,
    routes: &RouteTable,
    settings: &Settings,
) -> Result<Entities, Problems> {
    let source = files.text(FILE)?;
    let json: Json =
        serde_json::from_str(source.text()).map_err(|error| syntax(&source, &error))?;
    let entities =
        Entities::from_json_value(json, Some(schema)).map_err(|error| form(&source, &error))?;
    let generated = generated(routes, settings, &entities);
    entities.add_entities_from_json_value(generated, Some(schema)).map_err(|error| {
        Problem::foreign("cedarkey::entities::endpoint", &routes.source, &error)
            .help("routes become `Endpoint` entities: keep that type as the standard library's schema has it")
            .into()
    })
}

/// An error of Cedar's, which names what it is about but not where that is.
fn form(source: &Source, error: &dyn miette::Diagnostic) -> Problem {
    let problem = Problem::foreign(CODE, source, error);
    let message = problem.message().to_owned();
    let named = message.split('`').skip(1).step_by(2).map(|name| format!("\"{name}\""));
    let place = named.filter_map(|name| source.text().find(&name).map(|at| (at, name.len())));
    place.take(1).fold(problem, |problem, place| problem.at(place, "here"))
}

fn syntax(source: &Source, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let message = message.split(" at line").next().unwrap_or_default();
    Problem::error(CODE, message).file(source).at((place::json(source.text(), error), 0), "here")
}

/// The endpoints of all routes, and their services unless the project has them.
fn generated(routes: &RouteTable, settings: &Settings, known: &Entities) -> Json {
    let mut methods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for route in &routes.routes {
        let known = methods.entry(&route.resource).or_default();
        let any = route.methods.is_empty().then_some("*");
        known.extend(route.methods.iter().map(String::as_str).chain(any));
    }
    let mut endpoints: BTreeMap<&str, Json> = BTreeMap::new();
    let mut services: BTreeMap<&str, Json> = BTreeMap::new();
    for route in &routes.routes {
        services.entry(&route.service).or_insert_with(|| {
            json!({ "uid": { "type": "Service", "id": route.service }, "attrs": {}, "parents": [] })
        });
        // Routes of one endpoint agree in all but method and host: the table was checked for that.
        endpoints.entry(&route.resource).or_insert_with(|| {
            let methods = methods.get(route.resource.as_str()).map(|m| m.join(","));
            json!({
                "uid": { "type": "Endpoint", "id": route.resource },
                "attrs": {
                    "method": methods,
                    "path": route.path,
                    "environment": settings.bundle.environment,
                    "requiredScopes": route.scopes,
                },
                "parents": [{ "type": "Service", "id": route.service }],
            })
        });
    }
    let is_known = |json: &Json| {
        let id = json.pointer("/uid/id").and_then(Json::as_str).unwrap_or_default();
        known.iter().any(|entity| {
            entity.uid().type_name().to_string() == "Service" && entity.uid().id().unescaped() == id
        })
    };
    services.retain(|_, service| !is_known(service));
    services.into_values().chain(endpoints.into_values()).collect()
}
