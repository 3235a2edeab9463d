//! `cedarkey keys amend`

use super::edit::Plan;
use super::options::{label, labels, usage};
use super::push::{Push, Telling};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::time::Instant;
use cedarkey_registry::{Adjustment, Edit, List, Selector, Which};
use clap::Args;
use jiff::Timestamp;
use std::path::Path;

/// Change what keys may be used for, and from where, what they are for, and their review.
///
/// What is not named stays. Where the project has a second person approve keys, this waits for `keys
/// approve` unless it only narrows the keys. `keys extend` lets them live longer, `keys transfer`
/// gives them to another owner.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys amend nightly-export --drop-scope orders:write --push http://127.0.0.1:9180
  cedarkey keys amend nightly-export --network 10.0.0.0/8 --network 192.0.2.0/24
  cedarkey keys amend 01KA3V8J --review-by 180d --reason 'still needed, says alice'")]
pub struct Amend {
    /// The keys: their names, their ids or as much of an id's beginning as no other has, or the
    /// SHA-256 of their tokens
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    /// What they are for
    #[arg(long)]
    purpose: Option<String>,
    /// What they may be used for, instead of all that they may; repeat for several
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with_all = ["add_scope", "drop_scope"])]
    scopes: Vec<String>,
    /// What they may be used for besides; repeat for several
    #[arg(long, value_name = "SCOPE")]
    add_scope: Vec<String>,
    /// What they may no longer be used for; repeat for several
    #[arg(long, value_name = "SCOPE")]
    drop_scope: Vec<String>,
    /// Where they may be used from, instead of where they may; repeat for several
    #[arg(long = "network", value_name = "CIDR")]
    networks: Vec<String>,
    /// They may be used from anywhere
    #[arg(long, conflicts_with = "networks")]
    any_network: bool,
    /// Which SPIFFE id they may be used by, instead of those they may; repeat for several
    #[arg(long = "spiffe-id", value_name = "URI")]
    spiffe_ids: Vec<String>,
    /// They may be used by whoever has them
    #[arg(long, conflicts_with = "spiffe_ids")]
    any_spiffe_id: bool,
    /// The id of the `Workload` in entities.json that uses them
    #[arg(long, value_name = "ID")]
    workload: Option<String>,
    /// A label that they have from now on; repeat for several
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// A label that they no longer have; repeat for several
    #[arg(long, value_name = "NAME")]
    drop_label: Vec<String>,
    /// By when somebody has to look whether they are still needed: a length of time, an instant, or
    /// `never`
    #[arg(long, value_name = "WHEN")]
    review_by: Option<Instant>,
    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    push: Push,
}

impl Amend {
    /// Changes them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        self.check()?;
        let which = self.keys.iter().map(|key| Selector::from(key.as_str())).collect();
        let adjustment = self.adjustment()?;
        if adjustment == Adjustment::default() {
            let help = "name what is to be another: `--drop-scope`, `--purpose`, `--review-by`, …";
            return Err(usage("it is not said what is to be changed", help));
        }
        let plan = Plan {
            which: Which::Each(which),
            edit: Edit::Adjust(Box::new(adjustment.clone())),
            reason: self.reason.as_deref(),
            done: "changed",
            before: "is so already",
            untold: Some("proxies do not know yet"),
            push: Some(Telling::All(&self.push)),
        };
        plan.check(given, output, |key| Some(adjustment.of(key))).await?;
        plan.run(given, output).await
    }

    /// Nobody can mean that something is to come and to go.
    fn check(&self) -> Result<(), Failure> {
        if let Some(label) = self.drop_label.iter().find(|label| label.contains('=')) {
            let help = "name it without its value";
            return Err(usage(&format!("`{label}` is no name of a label"), help));
        }
        let scope = self.add_scope.iter().find(|scope| self.drop_scope.contains(scope));
        let mut labels = self.labels.iter().map(|(name, _)| name);
        let label = labels.find(|name| self.drop_label.contains(name));
        for (of, name) in [("scope", scope), ("label", label)] {
            if let Some(name) = name {
                let message = format!("the {of} `{name}` cannot be both added and dropped");
                return Err(usage(&message, &format!("name the {of} once")));
            }
        }
        Ok(())
    }

    fn adjustment(&self) -> Result<Adjustment, Failure> {
        let now = Timestamp::now();
        let instead = |list: &[String], none: bool| List {
            set: (none || !list.is_empty()).then(|| list.into()),
            ..List::default()
        };
        Ok(Adjustment {
            purpose: self.purpose.clone(),
            workload: self.workload.clone().map(Some),
            scopes: List {
                added: self.add_scope.clone(),
                dropped: self.drop_scope.clone(),
                ..instead(&self.scopes, false)
            },
            networks: instead(&self.networks, self.any_network),
            spiffe_ids: instead(&self.spiffe_ids, self.any_spiffe_id),
            labels: labels(&self.labels)?,
            dropped_labels: self.drop_label.iter().cloned().collect(),
            review_by: self.review_by.map(|review| review.from(now)).transpose()?,
        })
    }
}
