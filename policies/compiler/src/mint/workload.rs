//! Which workload a SPIFFE id is.

use super::SpiffeId;
use crate::project::Project;
use cedar_policy::{Entities, Entity, EntityUid, EvalResult};
use std::collections::{BTreeMap, BTreeSet};

/// A workload of `entities.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Its id.
    pub id: String,
    /// The environment that it belongs to, if it says so.
    pub environment: Option<String>,
    /// The ids of the teams that it belongs to, of those too that its teams belong to.
    pub teams: Vec<String>,
    /// Those of them that no other of them belongs to.
    pub nearest: Vec<String>,
}

/// Why a SPIFFE id is no workload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// It has left.
    #[error("the workload `{0}` has departed")]
    Departed(String),
    /// Several have it.
    #[error("several workloads of entities.json have the SPIFFE id `{0}`")]
    Several(SpiffeId),
    /// None has it.
    #[error("no workload of entities.json has the SPIFFE id `{0}`")]
    Unknown(SpiffeId),
}

/// The entity type.
pub(super) const KIND: &str = "Workload";

impl Project {
    /// The workload that has a SPIFFE id.
    ///
    /// # Errors
    ///
    /// Where there is none, or more than one, or it has departed.
    pub fn workload(&self, spiffe_id: &SpiffeId) -> Result<Workload, WorkloadError> {
        let mut found =
            workloads(&self.entities).filter(|(id, _)| id.as_str() == spiffe_id.as_str());
        let (_, entity) = found.next().ok_or_else(|| WorkloadError::Unknown(spiffe_id.clone()))?;
        if found.next().is_some() {
            return Err(WorkloadError::Several(spiffe_id.clone()));
        }
        let id = entity.uid().id().unescaped().to_owned();
        if matches!(entity.attr("departed"), Some(Ok(EvalResult::Bool(true)))) {
            return Err(WorkloadError::Departed(id));
        }
        let teams = teams(&self.entities, &entity.uid());
        let is_nearest = |team: &&EntityUid| {
            teams.iter().all(|other| other == *team || !self.entities.is_ancestor_of(team, other))
        };
        let ids = |uid: &EntityUid| uid.id().unescaped().to_owned();
        Ok(Workload {
            environment: text(entity, "environment"),
            nearest: teams.iter().filter(is_nearest).map(ids).collect(),
            teams: teams.iter().map(ids).collect(),
            id,
        })
    }
}

/// The SPIFFE ids that several workloads have, with their ids.
pub(super) fn shared(entities: &Entities) -> BTreeMap<String, BTreeSet<String>> {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (spiffe_id, entity) in workloads(entities) {
        owners.entry(spiffe_id).or_default().insert(entity.uid().id().unescaped().to_owned());
    }
    owners.retain(|_, ids| ids.len() > 1);
    owners
}

/// The workloads that can be given no keys, and why.
pub(super) fn unfit(entities: &Entities) -> BTreeMap<String, String> {
    let unfit = workloads(entities).filter_map(|(spiffe_id, entity)| {
        let uid = entity.uid();
        let said = match spiffe_id.parse::<SpiffeId>() {
            Err(error) => format!("has a `spiffeId` that is none: {error}"),
            Ok(_) if teams(entities, &uid).is_empty() => {
                "belongs to no team that could answer for its keys".into()
            }
            Ok(_) => return None,
        };
        Some((uid.id().unescaped().to_owned(), said))
    });
    unfit.collect()
}

/// Those that have a SPIFFE id, with it.
pub(crate) fn workloads(entities: &Entities) -> impl Iterator<Item = (String, &Entity)> {
    entities
        .iter()
        .filter(|entity| entity.uid().type_name().to_string() == KIND)
        .filter_map(|entity| Some((text(entity, "spiffeId")?, entity)))
}

/// An attribute that is text.
pub(crate) fn text(entity: &Entity, attribute: &str) -> Option<String> {
    match entity.attr(attribute) {
        Some(Ok(EvalResult::String(text))) => Some(text),
        _ => None,
    }
}

/// The teams that it belongs to, by id.
fn teams(entities: &Entities, workload: &EntityUid) -> Vec<EntityUid> {
    let ancestors = entities.ancestors(workload).into_iter().flatten();
    let teams = ancestors.filter(|uid| uid.type_name().to_string() == "Team");
    let mut teams: Vec<_> = teams.cloned().collect();
    teams.sort_unstable_by_key(|team| team.id().unescaped().to_owned());
    teams
}
