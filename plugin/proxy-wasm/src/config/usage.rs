//! Whether and how usage is reported to the publisher.

use super::fields::Fields;
use super::{ConfigError, wrong};
use crate::json::Json;

/// How usage is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reporting {
    /// How often, in milliseconds.
    pub every: i64,
    /// Whether each request is asked where it comes from, which costs a call to the proxy.
    /// Otherwise networks are counted of requests whose policies have asked.
    pub networks: bool,
}

/// How often by default, at least and at most, in seconds.
const EVERY: (u64, u32, u32) = (60, 1, 3_600);

/// What the configuration says, or the default; nothing where nothing is to be reported.
pub fn read(json: Option<Json>) -> Result<Option<Reporting>, ConfigError> {
    let known = ["enabled", "every_seconds", "networks"];
    let json = json.unwrap_or_else(|| Json::Object(Vec::new()));
    let mut fields = Fields::of(json, "usage".into(), &known)?;
    let (default, least, most) = EVERY;
    let every = fields.number("every_seconds")?.unwrap_or(default);
    let every = u32::try_from(every).ok().filter(|every| (least..=most).contains(every));
    let every = every.ok_or_else(|| {
        wrong(fields.field("every_seconds"), format!("it is not from {least} to {most}"))
    })?;
    let every = i64::from(every).saturating_mul(1_000);
    let networks = fields.flag("networks")?;
    let enabled = fields.given_flag("enabled")?.unwrap_or(true);
    Ok(enabled.then_some(Reporting { every, networks }))
}
