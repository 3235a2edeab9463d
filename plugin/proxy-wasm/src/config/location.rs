//! The places in a request where its key may be.

use super::fields::{self, Fields};
use super::{ConfigError, wrong};
use crate::forward::is_own;
use crate::json::Json;

/// A place in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// `Authorization: Bearer <key>`
    Bearer,
    /// A cookie, by name.
    Cookie(String),
    /// A header, by lower-case name; the whole value.
    Header(String),
    /// A parameter of the query string, by name.
    Query(String),
}

/// Headers that requests cannot do without, so that a key must not be in them.
const TAKEN: [&str; 7] =
    ["connection", "content-length", "content-type", "host", "te", "transfer-encoding", "upgrade"];

/// The places of a configuration.
pub fn read(json: Json, field: String) -> Result<Vec<Location>, ConfigError> {
    let mut places = Vec::new();
    for (field, json) in fields::list(json, field)? {
        let place = read_one(json, field.clone())?;
        if places.contains(&place) {
            return Err(wrong(field, "the same place is named twice"));
        }
        places.push(place);
    }
    Ok(places)
}

fn read_one(json: Json, field: String) -> Result<Location, ConfigError> {
    let mut fields = Fields::of(json, field.clone(), &["header", "bearer", "query", "cookie"])?;
    let named = (fields.text("header")?, fields.text("query")?, fields.text("cookie")?);
    let bearer = fields.take("bearer");
    match (named, bearer) {
        ((Some(name), None, None), None) => header(name, fields.field("header")),
        ((None, Some(name), None), None) if !name.is_empty() => Ok(Location::Query(name)),
        ((None, None, Some(name)), None) if is_token(&name) => Ok(Location::Cookie(name)),
        ((None, None, None), Some(Json::Bool(true))) => Ok(Location::Bearer),
        ((None, Some(_), None), None) => Err(wrong(fields.field("query"), "the name is empty")),
        ((None, None, Some(name)), None) => {
            let message = format!("`{name}` is not the name of a cookie");
            Err(wrong(fields.field("cookie"), message))
        }
        ((None, None, None), Some(_)) => {
            Err(wrong(fields.field("bearer"), "it can only be `true`; else leave the place out"))
        }
        _ => {
            let message = "a place is one of {\"header\": \"name\"}, {\"bearer\": true}, {\"query\": \"name\"} and {\"cookie\": \"name\"}";
            Err(wrong(field, message))
        }
    }
}

fn header(name: String, field: String) -> Result<Location, ConfigError> {
    let name = name.to_ascii_lowercase();
    let message = match name.as_str() {
        "authorization" => "write {\"bearer\": true} for a key in `authorization`".into(),
        "cookie" => "write {\"cookie\": \"name\"} for a key in a cookie".into(),
        name if !is_token(name) => format!("`{name}` is not the name of a header"),
        name if TAKEN.contains(&name) || is_own(name.as_bytes()) => {
            format!("`{name}` cannot carry a key")
        }
        _ => return Ok(Location::Header(name)),
    };
    Err(wrong(field, message))
}

/// Whether this is a token (RFC 9110, section 5.6.2), as names of headers and cookies are.
fn is_token(name: &str) -> bool {
    let proper = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(proper)
}
