//! From policies, entities and key profiles to a model.

use crate::constant::{Constant, ConstantError};
use crate::facts::Plan;
use crate::lower::{LowerError, Lowering};
use crate::names::Names;
use crate::pools::{Pools, TooLarge};
use cedar_policy::{Entities, Entity, EntityUid};
use cedarkey_engine::model::image::{EntityImage, ProfileImage, TokenImage, UidImage};
use cedarkey_engine::model::{LoadError, Model, ModelImage};
use cedarkey_engine::value::{Sym, Uid};
use serde_json::Value as Json;

/// A policy to compile.
#[derive(Clone, Debug)]
pub struct PolicySource {
    /// Its id.
    pub id: String,
    /// What a caller is told when it forbids; may be empty.
    pub reason: String,
    /// Its JSON form.
    pub json: Json,
}

/// What many keys have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Profile {
    /// Who owns them.
    pub owner: String,
    /// Attributes of their entities, in Cedar's JSON format, as text.
    pub attrs: String,
    /// Their parents: type and id.
    pub parents: Vec<(String, String)>,
    /// The networks that they are bound to.
    pub networks: Vec<String>,
    /// The SPIFFE ids that they are bound to.
    pub spiffe_ids: Vec<String>,
}

/// What a model is made from.
#[derive(Debug)]
pub struct Input<'a> {
    /// The policies, ascending by id.
    pub policies: &'a [PolicySource],
    /// The entity store.
    pub entities: &'a Entities,
    /// The facts of the context.
    pub plan: &'a Plan,
    /// The key profiles.
    pub profiles: &'a [Profile],
    /// Uids that are needed besides: type and id.
    pub uids: &'a [(String, String)],
    /// How tokens are formed.
    pub token: TokenImage,
}

/// Why a model cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An entity holds a value that cannot be stored.
    #[error("the entity `{uid}` cannot be stored")]
    Entity {
        /// Which.
        uid: String,
        /// Why.
        source: ConstantError,
    },
    /// The engine refuses the model. This is a bug in the compiler.
    #[error("the compiled model is refused by the engine; this is a bug")]
    Load(#[from] LoadError),
    /// A policy cannot be compiled.
    #[error("the policy `{id}` cannot be compiled")]
    Policy {
        /// Which.
        id: String,
        /// Why.
        source: LowerError,
    },
    /// A key profile holds a value that cannot be stored.
    #[error("the keys of `{owner}` cannot be stored")]
    Profile {
        /// Whose.
        owner: String,
        /// Why.
        source: ConstantError,
    },
    /// The model does not fit.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// A finished model, with the numbers of its names.
#[derive(Debug)]
pub struct Built {
    /// The model, as it goes into a bundle.
    pub image: ModelImage,
    /// The model, ready to decide with.
    pub model: Model,
}

/// Makes a model.
///
/// # Errors
///
/// Where something in the input cannot be compiled.
pub fn build(input: &Input<'_>) -> Result<Built, BuildError> {
    let mut names = Names::collecting();
    fill(input, &mut names)?;
    let mut names = names.number();
    let image = fill(input, &mut names)?;
    let model = Model::load(image.clone()).map_err(|error| load_error(input, error))?;
    Ok(Built { image, model })
}

/// Whose fault it is that the engine refuses a model.
fn load_error(input: &Input<'_>, error: LoadError) -> BuildError {
    let policy = match error {
        LoadError::Stack { policy } => input.policies.get(policy),
        _ => None,
    };
    match policy {
        Some(policy) => BuildError::Policy { id: policy.id.clone(), source: LowerError::Stack },
        None => error.into(),
    }
}

fn fill(input: &Input<'_>, names: &mut Names) -> Result<ModelImage, BuildError> {
    let mut pools = Pools::default();
    for (kind, id) in input.uids {
        names.uid(kind, id);
    }
    pools.image.facts = input.plan.image(names);
    pools.image.token = input.token.clone();
    for policy in input.policies {
        let mut lowering = Lowering { names, pools: &mut pools, plan: input.plan };
        let lowered = lowering.policy(&policy.id, &policy.reason, &policy.json);
        let lowered =
            lowered.map_err(|source| BuildError::Policy { id: policy.id.clone(), source })?;
        pools.image.policies.push(lowered);
    }
    // Cedar gives them in an order of its own, another one each time.
    let mut entities: Vec<_> = input.entities.iter().collect();
    entities.sort_by_cached_key(|entity| intern(&entity.uid(), names));
    for entity in entities {
        let stored = store_entity(input.entities, entity, names, &mut pools);
        let stored = stored
            .map_err(|source| BuildError::Entity { uid: entity.uid().to_string(), source })?;
        pools.image.entities.push(stored);
    }
    for profile in input.profiles {
        let stored = store_profile(profile, names, &mut pools);
        let stored = stored
            .map_err(|source| BuildError::Profile { owner: profile.owner.clone(), source })?;
        pools.image.profiles.push(stored);
    }
    store_names(names, &mut pools);
    Ok(pools.finish()?)
}

fn store_entity(
    entities: &Entities,
    entity: &Entity,
    names: &mut Names,
    pools: &mut Pools,
) -> Result<EntityImage, ConstantError> {
    let json = entity.to_json_value().map_err(|error| ConstantError::Unknown(error.to_string()))?;
    let attrs = fields(json.get("attrs"), names)?;
    let tags = fields(json.get("tags"), names)?;
    let uid = intern(&entity.uid(), names);
    let ancestors = entities.ancestors(&entity.uid()).into_iter().flatten();
    let mut ancestors: Vec<_> = ancestors.map(|ancestor| intern(ancestor, names)).collect();
    ancestors.sort_unstable();
    ancestors.dedup();
    let ancestors = pools.uids(ancestors);
    Ok(EntityImage { uid, attrs: pools.fields(&attrs), tags: pools.fields(&tags), ancestors })
}

fn store_profile(
    profile: &Profile,
    names: &mut Names,
    pools: &mut Pools,
) -> Result<ProfileImage, ConstantError> {
    let attrs: Json = serde_json::from_str(&profile.attrs)
        .map_err(|error| ConstantError::Unknown(error.to_string()))?;
    let attrs = fields(Some(&attrs), names)?;
    let mut parents: Vec<_> =
        profile.parents.iter().map(|(kind, id)| names.uid(kind, id)).collect();
    parents.sort_unstable();
    parents.dedup();
    let networks = profile.networks.iter().map(|network| {
        let net = cedarkey_engine::ext::ip::parse(network);
        net.map(Constant::Ip).map_err(|_| ConstantError::Fails("ip"))
    });
    let ids = profile.spiffe_ids.iter().map(|id| Ok(Constant::Str(id.clone())));
    let bound_to = networks.chain(ids).collect::<Result<Vec<_>, _>>()?;
    Ok(ProfileImage {
        attrs: pools.fields(&attrs),
        parents: pools.uids(parents),
        owner: pools.text(&profile.owner),
        bound_to: pools.elements(&bound_to),
    })
}

/// The members of a JSON object, ascending by name.
fn fields(json: Option<&Json>, names: &mut Names) -> Result<Vec<(Sym, Constant)>, ConstantError> {
    let members = json.and_then(Json::as_object).into_iter().flatten();
    let fields =
        members.map(|(name, value)| Ok((names.sym(name), Constant::from_json(value, names)?)));
    let mut fields = fields.collect::<Result<Vec<_>, ConstantError>>()?;
    fields.sort_unstable_by_key(|(name, _)| *name);
    Ok(fields)
}

fn intern(uid: &EntityUid, names: &mut Names) -> Uid {
    names.uid(&uid.type_name().to_string(), uid.id().unescaped())
}

fn store_names(names: &Names, pools: &mut Pools) {
    let syms: Vec<_> = names.syms().into_iter().map(|name| pools.text(name)).collect();
    let kinds: std::collections::HashMap<_, _> =
        names.syms().into_iter().zip((0..).map(Sym)).collect();
    let uids = names.uids().into_iter().map(|(kind, id)| UidImage {
        kind: kinds.get(kind).copied().unwrap_or(Sym(0)),
        id: pools.text(id),
    });
    let uids = uids.collect();
    pools.image.syms = syms;
    pools.image.uids = uids;
}
