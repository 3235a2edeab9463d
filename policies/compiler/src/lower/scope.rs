//! The head of a policy.

use super::{LowerError, Lowering, member, unsupported};
use crate::constant::entity_uid;
use cedarkey_engine::model::image::{ActionImage, ScopeImage};
use cedarkey_engine::value::Uid;
use serde_json::Value as Json;

impl Lowering<'_> {
    /// The constraint on a principal or resource.
    pub(super) fn scope(&mut self, json: &Json) -> Result<ScopeImage, LowerError> {
        Ok(match member(json, "op")?.as_str() {
            Some("All") => ScopeImage::Any,
            Some("==") => ScopeImage::Eq(self.entity(json)?),
            Some("in") => ScopeImage::In(self.entity(json)?),
            Some("is") => {
                let kind = member(json, "entity_type")?.as_str();
                let kind = kind.ok_or_else(|| unsupported("the scope", json))?;
                let kind = self.names.sym(kind);
                match json.get("in") {
                    None => ScopeImage::Is(kind),
                    Some(group) => ScopeImage::IsIn(kind, self.entity(group)?),
                }
            }
            _ => return Err(unsupported("the scope", json)),
        })
    }

    /// The constraint on the action.
    pub(super) fn action(&mut self, json: &Json) -> Result<ActionImage, LowerError> {
        Ok(match member(json, "op")?.as_str() {
            Some("All") => ActionImage::Any,
            Some("==") => ActionImage::Eq(self.entity(json)?),
            Some("in") => {
                let mut uids = match json.get("entities").and_then(Json::as_array) {
                    Some(list) => {
                        list.iter().map(|uid| self.uid(uid)).collect::<Result<Vec<_>, _>>()?
                    }
                    None => vec![self.entity(json)?],
                };
                uids.sort_unstable();
                uids.dedup();
                ActionImage::In(self.pools.uids(uids))
            }
            _ => return Err(unsupported("the action scope", json)),
        })
    }

    fn entity(&mut self, json: &Json) -> Result<Uid, LowerError> {
        match json.get("entity") {
            Some(uid) => self.uid(uid),
            None => Err(unsupported("the scope of a template", json)),
        }
    }

    fn uid(&mut self, json: &Json) -> Result<Uid, LowerError> {
        let json = json.get("__entity").unwrap_or(json);
        entity_uid(json, self.names).ok_or_else(|| unsupported("the entity", json))
    }
}
