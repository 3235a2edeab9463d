//! The policies of a test, with the links of its templates.

use anyhow::{Context, anyhow};
use cedar_policy::{EntityUid, PolicyId, PolicySet, SlotId};
use cedarkey_compiler::model::PolicySource;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// A link of a template, as in the Cedar CLI's file of links.
#[derive(Debug, Deserialize)]
struct Link {
    /// The template: its id, or its `@id`.
    template_id: String,
    link_id: String,
    /// By slot: an entity, as in a policy.
    args: BTreeMap<String, String>,
}

/// Reads policies in Cedar's syntax, where they get the ids `policy0`, `policy1` and so on, or in
/// the JSON format of a policy set. Links come from a file, of which name and text are given.
/// Templates without links are no policies.
///
/// # Errors
///
/// What Cedar refuses.
pub fn policies(text: &str, links: Option<(&str, &str)>) -> anyhow::Result<Vec<PolicySource>> {
    let mut set: PolicySet = match text.trim_start().starts_with('{') {
        true => PolicySet::from_json_str(text)?,
        false => text.parse()?,
    };
    if let Some((file, text)) = links {
        link(&mut set, text).with_context(|| format!("`{file}`"))?;
    }
    let policies = set.policies().map(|policy| {
        let (id, reason) = (policy.id().to_string(), String::new());
        Ok(PolicySource { id, reason, json: policy.to_json()? })
    });
    let mut policies = policies.collect::<anyhow::Result<Vec<_>>>()?;
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(policies)
}

fn link(set: &mut PolicySet, text: &str) -> anyhow::Result<()> {
    let links: Vec<Link> = serde_json::from_str(text)?;
    for Link { template_id, link_id, args } in links {
        let template = template(set, &template_id)?;
        let mut values = HashMap::new();
        for (slot, uid) in args {
            let slot = match slot.as_str() {
                "?principal" => SlotId::principal(),
                "?resource" => SlotId::resource(),
                _ => return Err(anyhow!("there is no slot `{slot}`")),
            };
            let uid: EntityUid = uid.parse().with_context(|| format!("`{uid}`"))?;
            values.insert(slot, uid);
        }
        set.link(template, PolicyId::new(&link_id), values)?;
    }
    Ok(())
}

/// The template of an id or `@id`.
fn template(set: &PolicySet, name: &str) -> anyhow::Result<PolicyId> {
    let id = PolicyId::new(name);
    if set.template(&id).is_some() {
        return Ok(id);
    }
    let named = set.templates().find(|template| template.annotation("id") == Some(name));
    let named = named.with_context(|| format!("there is no template `{name}`"))?;
    Ok(named.id().clone())
}
