//! Options that several commands have.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::time::{Instant, instant};
use cedarkey_registry::{Filter, NewKey, Selector, Status, Which};
use clap::builder::PossibleValuesParser;
use clap::{Args, builder::TypedValueParser};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How to see what is to be approved.
pub const WAITING: &str = "`cedarkey keys list --waiting` shows what waits";

/// What a key is for, and how far it goes.
#[derive(Args, Debug)]
pub struct Reach {
    /// The id of the `Team` in entities.json that it belongs to
    #[arg(long, value_name = "ID")]
    pub team: Option<String>,
    /// The id of the `Workload` in entities.json that uses it
    #[arg(long, value_name = "ID")]
    pub workload: Option<String>,
    /// What it may be used for; repeat for several
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Where it may be used from; repeat for several [default: anywhere]
    #[arg(long = "network", value_name = "CIDR")]
    pub networks: Vec<String>,
    /// Which SPIFFE id it may be used by; repeat for several [default: whoever has it]
    #[arg(long = "spiffe-id", value_name = "URI")]
    pub spiffe_ids: Vec<String>,
    /// A label; repeat for several
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// When it ends: a length of time from now, a date (its beginning in UTC), an instant, or
    /// `never`
    #[arg(long, value_name = "WHEN", default_value = "90d")]
    pub expires: Instant,
    /// When it begins: a length of time from now, a date, or an instant [default: now]
    #[arg(long, value_name = "WHEN", value_parser = Instant::parse_some)]
    pub not_before: Option<Instant>,
    /// By when somebody has to look whether it is still needed
    #[arg(long, value_name = "WHEN", value_parser = Instant::parse_some)]
    pub review_by: Option<Instant>,
}

/// Which keys are meant.
#[derive(Args, Debug)]
pub struct Selection {
    /// The keys: their names, their ids or as much of an id's beginning as no other has, or the
    /// SHA-256 of their tokens
    #[arg(value_name = "KEY", required_unless_present_any = ["owner", "team", "workload", "label"], conflicts_with_all = ["owner", "team", "workload", "label"])]
    keys: Vec<String>,
    /// All keys of this owner
    #[arg(long)]
    owner: Option<String>,
    /// All keys of this team
    #[arg(long, value_name = "ID")]
    team: Option<String>,
    /// All keys of this workload
    #[arg(long, value_name = "ID")]
    workload: Option<String>,
    /// All keys with this label
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = label_filter)]
    label: Vec<(String, Option<String>)>,
}

// === impl Reach ===

impl Reach {
    /// The key that is wanted.
    pub fn new_key(
        self,
        owner: String,
        purpose: String,
        now: Timestamp,
    ) -> Result<NewKey, Failure> {
        Ok(NewKey {
            owner,
            purpose,
            team: self.team,
            workload: self.workload,
            scopes: self.scopes,
            networks: self.networks,
            spiffe_ids: self.spiffe_ids,
            labels: labels(&self.labels)?,
            not_before: Some(instant(self.not_before, now)?.unwrap_or(now)),
            expires: self.expires.from(now)?,
            review_by: instant(self.review_by, now)?,
            ..NewKey::default()
        })
    }
}

// === impl Selection ===

impl Selection {
    /// These keys. Of those that are meant together, only such as are in one of the statuses: what
    /// has ended is not meant when all keys of an owner are.
    pub fn which(&self, statuses: &[Status]) -> Which {
        if !self.keys.is_empty() {
            return Which::Each(self.keys.iter().map(|key| Selector::from(key.as_str())).collect());
        }
        Which::All(Filter {
            owner: self.owner.clone(),
            team: self.team.clone(),
            workload: self.workload.clone(),
            labels: self.label.clone(),
            statuses: statuses.into(),
            ..Filter::default()
        })
    }

    /// These keys; of those that are meant together, only such as wait for a second person.
    pub fn waiting(&self) -> Which {
        match self.which(&[]) {
            Which::All(filter) => Which::All(Filter { waiting: true, ..filter }),
            each @ Which::Each(_) => each,
        }
    }
}

/// A status as it is typed.
pub fn status() -> impl TypedValueParser<Value = Status> {
    let words = PossibleValuesParser::new(Status::ALL.map(Status::word));
    words.map(|word| {
        let named = Status::ALL.into_iter().find(|status| status.word() == word);
        // The parser above takes no other word.
        named.unwrap_or(Status::Active)
    })
}

/// A label with its value.
pub fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write `NAME=VALUE`")?;
    Ok((name.into(), value.into()))
}

/// Labels by their names, each of which has one value.
pub fn labels(given: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut labels = BTreeMap::new();
    for (name, value) in given {
        if labels.insert(name.clone(), value.clone()).is_some_and(|before| before != *value) {
            let message = format!("the label `{name}` cannot have two values");
            return Err(usage(&message, "name the label once"));
        }
    }
    Ok(labels)
}

/// A label that keys have, with or without its value.
pub fn label_filter(text: &str) -> Result<(String, Option<String>), String> {
    match text.split_once('=') {
        _ if text.is_empty() => Err("write `NAME` or `NAME=VALUE`".into()),
        Some((name, value)) => Ok((name.into(), Some(value.into()))),
        None => Ok((text.into(), None)),
    }
}

/// A failure of the command line that clap cannot tell.
pub fn usage(message: &str, help: &str) -> Failure {
    Failure::new(Exit::Usage, message).help(help)
}
