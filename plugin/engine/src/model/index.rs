//! From a request's principal, action and resource to the policies whose scope matches.
//!
//! Each policy lies in one bucket for each action that it may apply to, so that what a decision
//! costs follows the policies that can match. That looking only at those keeps the whole response,
//! errors included, is proved for Cedar in its specification (`Thm/PolicySlice.lean`).

use super::image::{ActionImage, ModelImage, ScopeImage};
use crate::request::Pools;
use crate::value::{Sym, Uid};
use alloc::vec::Vec;
use hashbrown::{HashMap, HashSet};

/// The policies of a model, by the scope they demand.
#[derive(Debug, Default)]
pub(crate) struct Index {
    any_action: ByPrincipal,
    by_action: HashMap<Uid, ByPrincipal>,
    /// Whether some scope demands a type besides a group, which no bucket tells apart.
    has_types_in_groups: bool,
}

type ByPrincipal = Buckets<ByResource>;
type ByResource = Buckets<Vec<u32>>;

/// What lies in an index, by what a scope demands of one entity.
#[derive(Debug, Default)]
struct Buckets<T> {
    /// For scopes that demand nothing.
    any: Option<T>,
    /// By entity, for scopes that demand just that one.
    equal: HashMap<Uid, T>,
    /// By group, for scopes that demand one of its members.
    group: HashMap<Uid, T>,
    /// By type.
    kind: HashMap<Sym, T>,
}

/// Reusable space for the policies found.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    /// Indices of the policies whose scope matches, ascending.
    pub policies: Vec<u32>,
}

// === impl Index ===

impl Index {
    /// Sorts policies into buckets. The image has been verified.
    pub fn build(image: &ModelImage) -> Self {
        let mut index = Self::default();
        for (at, policy) in (0u32..).zip(&image.policies) {
            let scopes = [policy.principal, policy.resource];
            index.has_types_in_groups |=
                scopes.iter().any(|scope| matches!(scope, ScopeImage::IsIn(..)));
            let mut add = |action: Option<Uid>| {
                let of_action = match action {
                    None => &mut index.any_action,
                    Some(uid) => index.by_action.entry(uid).or_default(),
                };
                of_action.entry(policy.principal).entry(policy.resource).push(at);
            };
            match policy.action {
                ActionImage::Any => add(None),
                ActionImage::Eq(uid) => add(Some(uid)),
                ActionImage::In(span) => {
                    let groups = image.uid_runs.get(span.range()).unwrap_or_default();
                    members(image, groups).into_iter().for_each(|uid| add(Some(uid)));
                }
            }
        }
        index
    }

    /// Finds the policies whose scope matches.
    pub fn find(
        &self,
        pools: Pools<'_>,
        principal: Uid,
        action: Uid,
        resource: Uid,
        found: &mut Candidates,
    ) {
        let policies = &mut found.policies;
        policies.clear();
        let of_action = self.by_action.get(&action);
        for by_principal in [Some(&self.any_action), of_action].into_iter().flatten() {
            by_principal.visit(pools, principal, &mut |by_resource| {
                by_resource.visit(pools, resource, &mut |found| policies.extend_from_slice(found));
            });
        }
        // A parent and a grandparent can be the same entity: no policy is to count twice.
        policies.sort_unstable();
        policies.dedup();
        if self.has_types_in_groups {
            policies.retain(|at| {
                pools.model.policy(*at).is_some_and(|policy| {
                    kind_matches(pools, policy.principal, principal)
                        && kind_matches(pools, policy.resource, resource)
                })
            });
        }
    }
}

// === impl Buckets ===

impl<T: Default> Buckets<T> {
    /// The bucket for a scope.
    fn entry(&mut self, scope: ScopeImage) -> &mut T {
        match scope {
            ScopeImage::Any => self.any.get_or_insert_default(),
            ScopeImage::Eq(uid) => self.equal.entry(uid).or_default(),
            // The type is looked at when the bucket is found.
            ScopeImage::In(uid) | ScopeImage::IsIn(_, uid) => self.group.entry(uid).or_default(),
            ScopeImage::Is(kind) => self.kind.entry(kind).or_default(),
        }
    }

    /// Looks at all buckets that an entity belongs into. A bucket may come up twice.
    fn visit(&self, pools: Pools<'_>, uid: Uid, look: &mut impl FnMut(&T)) {
        if let Some(any) = &self.any {
            look(any);
        }
        if let (false, Some(kind)) = (self.kind.is_empty(), pools.kind_of(uid)) {
            self.kind.get(&kind).map(&mut *look);
        }
        self.equal.get(&uid).map(&mut *look);
        if self.group.is_empty() {
            return;
        }
        let mut member = |group: &Uid| self.group.get(group).map(&mut *look);
        member(&uid);
        match pools.local(uid) {
            None => pools.model.ancestors(uid).iter().for_each(|group| _ = member(group)),
            Some(entity) => {
                for parent in pools.uids(entity.parents) {
                    member(parent);
                    pools.model.ancestors(*parent).iter().for_each(|group| _ = member(group));
                }
            }
        }
    }
}

/// The actions that are one of `groups`, or in one of them.
fn members(image: &ModelImage, groups: &[Uid]) -> HashSet<Uid> {
    let in_store = image.entities.iter().filter(|entity| {
        let ancestors = image.uid_runs.get(entity.ancestors.range()).unwrap_or_default();
        groups.iter().any(|group| ancestors.binary_search(group).is_ok())
    });
    in_store.map(|entity| entity.uid).chain(groups.iter().copied()).collect()
}

fn kind_matches(pools: Pools<'_>, scope: ScopeImage, uid: Uid) -> bool {
    match scope {
        ScopeImage::IsIn(kind, _) => pools.kind_of(uid) == Some(kind),
        _ => true,
    }
}
