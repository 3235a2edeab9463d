//! The filter's own configuration, in a rendered one.

use super::record::Recorded;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project;
use cedarkey_compiler::settings::TrustedKey;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::str::FromStr;

/// What the filter does besides deciding.
#[derive(Args, Debug)]
pub struct FilterOptions {
    /// Where a request may carry its key: `header:NAME`, `bearer`, `query:NAME` or `cookie:NAME`;
    /// repeat for several, of which the first with a value counts [default: header:x-api-key, bearer]
    #[arg(long, value_name = "PLACE")]
    key_from: Vec<Place>,
    /// What becomes of requests once the newest bundle has ended
    #[arg(long, value_enum, value_name = "WHAT", default_value = "deny")]
    on_stale: OnStale,
    /// What becomes of a request where a policy that may forbid it cannot be evaluated
    #[arg(long, value_enum, value_name = "WHAT", default_value = "deny")]
    on_policy_error: OnPolicyError,
    /// The lowest version of a bundle that is accepted
    #[arg(long, value_name = "VERSION")]
    min_version: Option<u64>,
    /// Tell a caller that its key was revoked, instead of that it is unknown
    #[arg(long)]
    reveal_revoked: bool,
    /// Tell a caller which policies denied its request
    #[arg(long)]
    reveal_policies: bool,
    /// How often proxies report the usage of keys to the publisher, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u32).range(1..=3600))]
    usage_every: u32,
    /// Read where each request comes from, so that all networks are in the usage; it costs some
    /// microseconds a request
    #[arg(long)]
    usage_networks: bool,
    /// Report no usage
    #[arg(long, conflicts_with_all = ["usage_every", "usage_networks"])]
    no_usage: bool,
    /// Have Envoy write, to its standard output, a line of JSON for each of these decisions: whose
    /// request it was, and which policies of which bundle decided; it costs some microseconds a
    /// request
    #[arg(long, value_enum, value_name = "WHICH")]
    record: Option<Recorded>,
}

/// Where bundles come from, by the name of its cluster.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    Folder(&'static str),
    Publisher(&'static str),
    /// The configuration alone.
    Seed,
}

/// A place in a request, in the words of the filter's configuration.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Bearer(bool),
    Cookie(String),
    Header(String),
    Query(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum OnStale {
    /// All are denied
    Deny,
    /// They are decided as before
    Serve,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum OnPolicyError {
    /// The policy does not apply
    Cedar,
    /// The request is denied
    Deny,
}

// === impl FilterOptions ===

impl FilterOptions {
    /// Of which decisions Envoy is to write a line.
    pub fn record(&self) -> Option<Recorded> {
        self.record
    }

    /// The configuration.
    pub fn configuration(
        &self,
        settings: &project::Settings,
        source: Source,
        seed: Option<String>,
    ) -> Result<Value, Failure> {
        if settings.trusted.is_empty() {
            return Err(Failure::new(Exit::Bundle, "the project trusts no signing key")
                .help("make one with `cedarkey signing-key new`"));
        }
        let (cluster, usage) = match source {
            Source::Publisher(cluster) => (Some(cluster), Some(self.usage())),
            Source::Folder(cluster) => (Some(cluster), Some(json!({ "enabled": false }))),
            Source::Seed => (None, None),
        };
        let publisher =
            cluster.map(|cluster| json!({ "cluster": cluster, "authority": "cedarkey-publisher" }));
        let mut filter = json!({
            "bundle": settings.name,
            "trusted_keys": trusted(&settings.trusted),
            "publisher": publisher,
            "seed": seed,
            "min_version": self.min_version,
            "key_from": Some(&self.key_from).filter(|places| !places.is_empty()),
            "on_stale": Some(self.on_stale).filter(|what| *what != OnStale::Deny),
            "on_policy_error": Some(self.on_policy_error).filter(|what| *what != OnPolicyError::Deny),
            "reveal_revoked": self.reveal_revoked,
            "reveal_policies": self.reveal_policies,
            "record": self.record,
            "usage": usage,
        });
        // What is not there is left out: the filter takes no null for an answer.
        if let Some(fields) = filter.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        Ok(filter)
    }

    fn usage(&self) -> Value {
        json!({
            "enabled": !self.no_usage, "every_seconds": self.usage_every,
            "networks": self.usage_networks,
        })
    }
}

/// The keys as the filter's configuration names them. Those whose time is over are left out.
fn trusted(keys: &[TrustedKey]) -> Vec<Value> {
    let now = Timestamp::now();
    let keys = keys.iter().filter(|key| key.not_after.is_none_or(|until| now < until));
    keys.map(|TrustedKey { key, not_before, not_after }| {
        let mut fields = serde_json::Map::new();
        for (name, instant) in [("not_before", not_before), ("not_after", not_after)] {
            fields.extend(instant.map(|instant| (name.to_owned(), instant.to_string().into())));
        }
        let key = key.to_string();
        if fields.is_empty() {
            return key.into();
        }
        fields.insert("key".into(), key.into());
        fields.into()
    })
    .collect()
}

// === impl Place ===

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "bearer" => Ok(Self::Bearer(true)),
            Some(("header", name)) if name.contains('_') => {
                Err("Envoy refuses headers with `_` in their names here".into())
            }
            // Envoy gives the names of headers so.
            Some(("header", name)) if !name.is_empty() => {
                Ok(Self::Header(name.to_ascii_lowercase()))
            }
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(name.into())),
            Some(("cookie", name)) if !name.is_empty() => Ok(Self::Cookie(name.into())),
            _ => Err("write `header:NAME`, `bearer`, `query:NAME` or `cookie:NAME`".into()),
        }
    }
}
