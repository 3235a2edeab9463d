//! From the files of a test to the bytes of a bundle.

use crate::folder::Folder;
use crate::test::Test;
use anyhow::Context;
use cedar_policy::{Entities, PolicySet, Schema};
use cedarkey_bundle::keys::KeyShards;
use cedarkey_bundle::{Draft, SegmentKind, SigningKey, revocations};
use cedarkey_compiler::facts::Plan;
use cedarkey_compiler::model::{self, Input, PolicySource};
use cedarkey_engine::model::ModelImage;
use cedarkey_engine::route::RoutesImage;
use cedarkey_engine_guest::wire::Load;

/// What a test decides by.
pub struct World {
    /// The schema.
    pub schema: Schema,
    /// The bundle.
    pub load: Load,
}

// === impl World ===

impl World {
    /// Compiles the files of a test.
    ///
    /// # Errors
    ///
    /// The file that Cedar or the compiler refuses, and why.
    pub fn build(folder: &Folder, test: &Test) -> anyhow::Result<Self> {
        let about = |file: &str| format!("`{file}`");
        let schema = schema(&folder.text(&test.schema)?).with_context(|| about(&test.schema))?;
        let policies =
            policies(&folder.text(&test.policies)?).with_context(|| about(&test.policies))?;
        // With the schema come its actions, which are entities with parents.
        let entities = Entities::from_json_str(&folder.text(&test.entities)?, Some(&schema))
            .with_context(|| about(&test.entities))?;
        let built = model::build(&Input {
            policies: &policies,
            entities: &entities,
            plan: &Plan::none(),
            profiles: &[],
            uids: &[],
            token: Default::default(),
        })?;
        Ok(Self { schema, load: seal(&built.image)? })
    }
}

/// Reads a schema in Cedar's syntax, or in its JSON format.
fn schema(text: &str) -> anyhow::Result<Schema> {
    if text.trim_start().starts_with('{') {
        return Ok(Schema::from_json_str(text)?);
    }
    Ok(Schema::from_cedarschema_str(text)?.0)
}

/// Reads policies, which get the ids `policy0`, `policy1` and so on. Templates without links are
/// no policies.
fn policies(text: &str) -> anyhow::Result<Vec<PolicySource>> {
    let set: PolicySet = text.parse()?;
    let policies = set.policies().map(|policy| {
        let (id, reason) = (policy.id().to_string(), String::new());
        Ok(PolicySource { id, reason, json: policy.to_json()? })
    });
    let mut policies = policies.collect::<anyhow::Result<Vec<_>>>()?;
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(policies)
}

/// A bundle of nothing but a model, signed with a key that nobody else trusts.
fn seal(model: &ModelImage) -> anyhow::Result<Load> {
    let key = SigningKey::from_seed([7; 32]);
    let routes = RoutesImage { routes: Vec::new() };
    let mut segments = vec![
        (SegmentKind::Model, postcard::to_allocvec(model)?),
        (SegmentKind::Routes, postcard::to_allocvec(&routes)?),
    ];
    let keys = KeyShards::build(Vec::new())?;
    segments.extend(keys.into_iter().map(|shard| (SegmentKind::Keys, shard)));
    segments.push((SegmentKind::Revocations, revocations::build([])));
    let name = "conformance".into();
    let draft = Draft { name, version: 1, created: 0, expires: 1, segments };
    let archive = draft.sign(&[&key])?.encode();
    Ok(Load { archive, trusted: key.public().to_string(), now: 0 })
}
