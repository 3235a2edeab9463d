//! From the files of a test to the bytes of a bundle.

use crate::folder::Folder;
use crate::policies::policies;
use crate::question;
use crate::test::Test;
use anyhow::Context;
use cedar_policy::{Entities, Schema};
use cedarkey_bundle::keys::KeyShards;
use cedarkey_bundle::{Draft, SegmentKind, SigningKey, revocations};
use cedarkey_compiler::facts::Plan;
use cedarkey_compiler::model::{self, Input};
use cedarkey_engine::model::ModelImage;
use cedarkey_engine::route::RoutesImage;
use cedarkey_engine_guest::wire::{Guest, Load};

/// What a test decides by.
pub struct World {
    /// The schema, if there is one.
    pub schema: Option<Schema>,
    /// The bundle.
    pub load: Load,
    /// The entity that comes with each request, if there is one.
    pub guest: Option<Guest>,
}

// === impl World ===

impl World {
    /// Compiles the files of a test.
    ///
    /// # Errors
    ///
    /// The file that Cedar or the compiler refuses, and why.
    pub fn build(folder: &Folder, name: &str, test: &Test) -> anyhow::Result<Self> {
        let text = |file: &str| folder.text(name, file);
        let about = |file: &str| format!("`{file}`");
        let schema =
            test.schema.as_deref().map(|file| schema(&text(file)?).with_context(|| about(file)));
        let schema = schema.transpose()?;
        let links = test.links.as_deref().map(|file| Ok::<_, anyhow::Error>((file, text(file)?)));
        let links = links.transpose()?;
        let policies = policies(
            &text(&test.policies)?,
            links.as_ref().map(|(file, text)| (*file, text.as_str())),
        )
        .with_context(|| about(&test.policies))?;
        let mut entities = entities(&text(&test.entities)?, schema.as_ref())
            .with_context(|| about(&test.entities))?;
        let mut guest = None;
        if let Some(uid) = &test.guest {
            let uid = question::entity(uid, "guest")?;
            let entity = entities.get(&uid).context("the guest is none of the entities")?;
            guest = Some(question::guest(entity)?);
            entities = entities.remove_entities([uid])?;
        }
        let built = model::build(&Input {
            policies: &policies,
            entities: &entities,
            plan: &Plan::none(),
            profiles: &[],
            uids: &[],
            token: Default::default(),
        })?;
        Ok(Self { schema, load: seal(&built.image)?, guest })
    }
}

/// Reads a schema in Cedar's syntax, or in its JSON format.
fn schema(text: &str) -> anyhow::Result<Schema> {
    if text.trim_start().starts_with('{') {
        return Ok(Schema::from_json_str(text)?);
    }
    Ok(Schema::from_cedarschema_str(text)?.0)
}

/// Reads entities by the schema, whose actions come with it; entities that do not fit it are read
/// without it, and get the actions all the same.
fn entities(text: &str, schema: Option<&Schema>) -> anyhow::Result<Entities> {
    let Some(schema) = schema else { return Ok(Entities::from_json_str(text, None)?) };
    let misfit = match Entities::from_json_str(text, Some(schema)) {
        Ok(entities) => return Ok(entities),
        Err(error) => error,
    };
    let Ok(entities) = Entities::from_json_str(text, None) else { return Err(misfit.into()) };
    let actions = schema.action_entities()?;
    let missing = actions.iter().filter(|action| entities.get(&action.uid()).is_none());
    let missing: Vec<_> = missing.cloned().collect();
    Ok(entities.add_entities(missing, None)?)
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
