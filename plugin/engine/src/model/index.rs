//! From a request's principal, action and resource to the policies whose scope matches.
//!
//! Scopes form a tree: from the root an edge for what is demanded of the action, then one for the
//! principal, then one for the resource. What a decision costs follows the edges that can match,
//! not the policies that exist; what the tree takes, in time and memory, follows the length of the
//! scopes. That looking only at the policies found keeps the whole response,
//! errors included, is proved for Cedar in its specification (`Thm/PolicySlice.lean`).

use super::image::{ActionImage, ModelImage, ScopeImage};
use crate::request::Pools;
use crate::value::{Sym, Uid};
use alloc::vec;
use alloc::vec::Vec;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// The policies of a model, by the scope they demand.
#[derive(Debug)]
pub(crate) struct Index {
    /// The first is the root.
    nodes: Vec<Node>,
    /// By the node that they leave and what they demand: see [`Demand::edge`].
    edges: HashMap<u64, u32, FxBuildHasher>,
    /// By uid: the edges that demand this entity, or this group.
    of_entities: Vec<Named>,
    /// By name: the edges that demand this type.
    of_kinds: Vec<Named>,
    /// The policies behind the nodes.
    policies: Vec<u32>,
    /// Whether some scope demands a type besides a group, which no edge tells apart.
    has_types_in_groups: bool,
}

/// Where some demands lead.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// Where it leads on from here to demand nothing more; the root, where it does not.
    any: u32,
    /// Which other forms of demands lead on from here: the bits of [`Demand::form`].
    forms: u8,
    /// The policies that demand no more: where they begin in `policies`, and how many there are.
    /// Only nodes for all three have any.
    policies: (u32, u32),
}

/// The edges that name one entity or type: most are named by one scope or by none, and need not be
/// looked up.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    /// The first; 0, which none is, if there are none.
    edge: u64,
    /// Where that leads.
    to: u32,
    /// Whether there are others.
    several: bool,
}

/// What is demanded of one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// Nothing.
    Any,
    /// That it is this one.
    Equal(Uid),
    /// That it is this one or one of its members.
    Group(Uid),
    /// That it is of this type.
    Kind(Sym),
}

/// Reusable space for the policies found.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    /// Indices of the policies whose scope matches, ascending.
    pub policies: Vec<u32>,
    /// The nodes that were come to.
    nodes: Vec<u32>,
}

/// So few policies are looked through faster than they are looked up.
const FEW: usize = 4;

/// The node that every way begins at.
const ROOT: u32 = 0;

// === impl Index ===

impl Index {
    /// Sorts policies into the tree. The image has been verified.
    pub fn build(image: &ModelImage) -> Self {
        let mut index = Self {
            nodes: vec![Node::default()],
            edges: HashMap::default(),
            of_entities: vec![Named::default(); image.uids.len()],
            of_kinds: vec![Named::default(); image.syms.len()],
            policies: Vec::new(),
            has_types_in_groups: false,
        };
        let mut places = Vec::with_capacity(image.policies.len());
        for (at, policy) in (0u32..).zip(&image.policies) {
            let scopes = [policy.principal, policy.resource];
            index.has_types_in_groups |=
                scopes.iter().any(|scope| matches!(scope, ScopeImage::IsIn(..)));
            let [principal, resource] = scopes.map(Demand::of);
            let mut add = |action| places.push((index.way([action, principal, resource]), at));
            match policy.action {
                ActionImage::Any => add(Demand::Any),
                ActionImage::Eq(uid) => add(Demand::Equal(uid)),
                ActionImage::In(span) => {
                    let groups = image.uid_runs.get(span.range()).unwrap_or_default();
                    groups.iter().for_each(|uid| add(Demand::Group(*uid)));
                }
            }
        }
        index.place(&places);
        index
    }

    /// The node that demands lead to, which is made if there is none.
    fn way(&mut self, demands: [Demand; 3]) -> u32 {
        let mut at = ROOT;
        for demand in demands {
            let next = u32::try_from(self.nodes.len()).unwrap_or(ROOT);
            let edge = demand.edge(at);
            let child = *self.edges.entry(edge).or_insert(next);
            if child == next {
                self.nodes.push(Node::default());
                let named = match demand {
                    Demand::Any => None,
                    Demand::Equal(uid) | Demand::Group(uid) => {
                        self.of_entities.get_mut(uid.0 as usize)
                    }
                    Demand::Kind(kind) => self.of_kinds.get_mut(kind.0 as usize),
                };
                if let Some(named) = named {
                    *named = match named.edge {
                        0 => Named { edge, to: child, several: false },
                        _ => Named { several: true, ..*named },
                    };
                }
            }
            if let Some(node) = self.nodes.get_mut(at as usize) {
                node.forms |= demand.form();
                node.any = if demand == Demand::Any { child } else { node.any };
            }
            at = child;
        }
        at
    }

    /// Lays the policies of each node together, ascending.
    fn place(&mut self, places: &[(u32, u32)]) {
        for (node, _) in places {
            if let Some(node) = self.nodes.get_mut(*node as usize) {
                node.policies.1 = node.policies.1.saturating_add(1);
            }
        }
        let mut start = 0_u32;
        for node in &mut self.nodes {
            let count = core::mem::take(&mut node.policies.1);
            node.policies.0 = start;
            start = start.saturating_add(count);
        }
        self.policies = vec![0; places.len()];
        for (node, policy) in places {
            let Some(node) = self.nodes.get_mut(*node as usize) else { continue };
            let (start, count) = node.policies;
            if let Some(place) = self.policies.get_mut(start.saturating_add(count) as usize) {
                *place = *policy;
            }
            node.policies.1 = count.saturating_add(1);
        }
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
        let Candidates { policies, nodes } = found;
        policies.clear();
        if pools.model.policies().len() <= FEW {
            let query = [principal, action, resource];
            return self.look_through(pools, query, policies);
        }
        nodes.clear();
        nodes.push(ROOT);
        let mut first = 0;
        for uid in [action, principal, resource] {
            let next = nodes.len();
            for at in first..next {
                self.follow(pools, nodes.get(at).copied().unwrap_or(ROOT), uid, nodes);
            }
            first = next;
        }
        for at in nodes.get(first..).unwrap_or_default() {
            policies.extend_from_slice(self.behind(*at));
        }
        // A parent and a grandparent can be the same entity: no policy is to count twice.
        if policies.len() > 1 {
            policies.sort_unstable();
            policies.dedup();
        }
        if self.has_types_in_groups {
            policies.retain(|at| {
                pools.model.policy(*at).is_some_and(|policy| {
                    kind_matches(pools, policy.principal, principal)
                        && kind_matches(pools, policy.resource, resource)
                })
            });
        }
    }

    /// The policies that demand no more than what leads to a node.
    fn behind(&self, node: u32) -> &[u32] {
        let (start, count) = self.nodes.get(node as usize).map_or((0, 0), |node| node.policies);
        let start = start as usize;
        self.policies.get(start..start.saturating_add(count as usize)).unwrap_or_default()
    }

    /// Looks at each policy of a few.
    fn look_through(&self, pools: Pools<'_>, query: [Uid; 3], found: &mut Vec<u32>) {
        let [principal, action, resource] = query;
        for (at, policy) in (0u32..).zip(pools.model.policies()) {
            let of_action = match policy.action {
                ActionImage::Any => true,
                ActionImage::Eq(uid) => uid == action,
                ActionImage::In(span) => {
                    pools.model.uid_run(span).iter().any(|group| pools.is_in(action, *group))
                }
            };
            if of_action
                && matches(pools, policy.principal, principal)
                && matches(pools, policy.resource, resource)
            {
                found.push(at);
            }
        }
    }

    /// Adds each node that a demand which is met leads to. One may come up twice.
    #[inline(never)]
    fn follow(&self, pools: Pools<'_>, at: u32, uid: Uid, to: &mut Vec<u32>) {
        let Some(node) = self.nodes.get(at as usize) else { return };
        if node.any != ROOT {
            to.push(node.any);
        }
        if node.forms & EQUAL != 0 {
            to.extend(self.lead(&self.of_entities, uid.0, Demand::Equal(uid).edge(at)));
        }
        if node.forms & KIND != 0
            && let Some(kind) = pools.kind_of(uid)
        {
            to.extend(self.lead(&self.of_kinds, kind.0, Demand::Kind(kind).edge(at)));
        }
        if node.forms & GROUP == 0 {
            return;
        }
        let mut member = |uid: Uid| {
            to.extend(self.lead(&self.of_entities, uid.0, Demand::Group(uid).edge(at)));
        };
        member(uid);
        let Some(entity) = pools.local(uid) else {
            return pools.model.ancestors(uid).iter().copied().for_each(member);
        };
        for parent in pools.uids(entity.parents) {
            member(*parent);
            pools.model.ancestors(*parent).iter().copied().for_each(&mut member);
        }
    }

    /// Where an edge leads that demands what has a number. What only the request knows has a number
    /// beyond all, and is named by no scope.
    #[inline]
    fn lead(&self, named: &[Named], number: u32, edge: u64) -> Option<u32> {
        let named = named.get(number as usize)?;
        if named.edge == edge {
            return Some(named.to);
        }
        if named.several { self.look_up(edge) } else { None }
    }

    #[inline(never)]
    fn look_up(&self, edge: u64) -> Option<u32> {
        self.edges.get(&edge).copied()
    }
}

// === impl Demand ===

const EQUAL: u8 = 1;
const GROUP: u8 = 2;
const KIND: u8 = 4;

impl Demand {
    fn of(scope: ScopeImage) -> Self {
        match scope {
            ScopeImage::Any => Self::Any,
            ScopeImage::Eq(uid) => Self::Equal(uid),
            // The type is looked at when the policy is found.
            ScopeImage::In(uid) | ScopeImage::IsIn(_, uid) => Self::Group(uid),
            ScopeImage::Is(kind) => Self::Kind(kind),
        }
    }

    /// A bit for its form; none where nothing is demanded.
    const fn form(self) -> u8 {
        match self {
            Self::Any => 0,
            Self::Equal(_) => EQUAL,
            Self::Group(_) => GROUP,
            Self::Kind(_) => KIND,
        }
    }

    /// The edge for it that leaves a node; never 0 where something is demanded. There are fewer than
    /// 2^29 nodes: they would not fit into memory.
    #[inline]
    const fn edge(self, from: u32) -> u64 {
        let id = match self {
            Self::Any => 0,
            Self::Equal(uid) | Self::Group(uid) => uid.0,
            Self::Kind(kind) => kind.0,
        };
        (from as u64) << 35 | (self.form() as u64) << 32 | id as u64
    }
}

/// Whether an entity meets a scope.
fn matches(pools: Pools<'_>, scope: ScopeImage, uid: Uid) -> bool {
    match scope {
        ScopeImage::Any => true,
        ScopeImage::Eq(wanted) => uid == wanted,
        ScopeImage::In(group) => pools.is_in(uid, group),
        ScopeImage::Is(kind) => pools.kind_of(uid) == Some(kind),
        ScopeImage::IsIn(kind, group) => {
            pools.kind_of(uid) == Some(kind) && pools.is_in(uid, group)
        }
    }
}

fn kind_matches(pools: Pools<'_>, scope: ScopeImage, uid: Uid) -> bool {
    match scope {
        ScopeImage::IsIn(kind, _) => pools.kind_of(uid) == Some(kind),
        _ => true,
    }
}
