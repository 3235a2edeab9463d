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

/// The policies of a model, by the scope they demand.
#[derive(Debug)]
pub(crate) struct Index {
    /// The first is the root.
    nodes: Vec<Node>,
    /// By the node that they leave and what they demand: see [`Demand::edge`].
    edges: HashMap<u64, u32>,
    /// Which forms of demands name an entity at all, by its uid: the bits of [`Demand::form`].
    named: Vec<u8>,
    /// Whether some scope demands a type besides a group, which no edge tells apart.
    has_types_in_groups: bool,
}

/// Where some demands lead.
#[derive(Debug, Default)]
struct Node {
    /// Where it leads on from here to demand nothing more; the root, where it does not.
    any: u32,
    /// Which other forms of demands lead on from here: the bits of [`Demand::form`].
    forms: u8,
    /// The policies that demand no more. Only nodes for all three have any.
    policies: Vec<u32>,
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
}

/// An entity of a request, and what makes it meet demands.
#[derive(Clone, Copy)]
struct Seeker<'a> {
    uid: Uid,
    /// Parents that only the request knows.
    parents: &'a [Uid],
    /// What the store says are its ancestors.
    ancestors: &'a [Uid],
}

/// The node that every way begins at.
const ROOT: u32 = 0;

// === impl Index ===

impl Index {
    /// Sorts policies into the tree. The image has been verified.
    pub fn build(image: &ModelImage) -> Self {
        let mut index = Self {
            nodes: vec![Node::default()],
            edges: HashMap::new(),
            named: vec![0; image.uids.len()],
            has_types_in_groups: false,
        };
        for (at, policy) in (0u32..).zip(&image.policies) {
            let scopes = [policy.principal, policy.resource];
            index.has_types_in_groups |=
                scopes.iter().any(|scope| matches!(scope, ScopeImage::IsIn(..)));
            let [principal, resource] = scopes.map(Demand::of);
            let mut add = |action| index.add(at, [action, principal, resource]);
            match policy.action {
                ActionImage::Any => add(Demand::Any),
                ActionImage::Eq(uid) => add(Demand::Equal(uid)),
                ActionImage::In(span) => {
                    let groups = image.uid_runs.get(span.range()).unwrap_or_default();
                    groups.iter().for_each(|uid| add(Demand::Group(*uid)));
                }
            }
        }
        index
    }

    fn add(&mut self, policy: u32, demands: [Demand; 3]) {
        let mut at = ROOT;
        for demand in demands {
            let next = u32::try_from(self.nodes.len()).unwrap_or(ROOT);
            let child = *self.edges.entry(demand.edge(at)).or_insert(next);
            if child == next {
                self.nodes.push(Node::default());
            }
            if let Some(node) = self.nodes.get_mut(at as usize) {
                node.forms |= demand.form();
                node.any = if demand == Demand::Any { child } else { node.any };
            }
            if let Demand::Equal(uid) | Demand::Group(uid) = demand
                && let Some(named) = self.named.get_mut(uid.0 as usize)
            {
                *named |= demand.form();
            }
            at = child;
        }
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.policies.push(policy);
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
        let policies = &mut found.policies;
        policies.clear();
        let seekers = [action, principal, resource].map(|uid| Seeker::new(pools, uid));
        self.follow(pools, ROOT, &seekers, policies);
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

    /// Adds the policies that lie behind a node, where all demands on the way are met. One may come
    /// up twice.
    fn follow(&self, pools: Pools<'_>, at: u32, seekers: &[Seeker<'_>], found: &mut Vec<u32>) {
        let Some(node) = self.nodes.get(at as usize) else { return };
        let Some((seeker, rest)) = seekers.split_first() else {
            found.extend_from_slice(&node.policies);
            return;
        };
        if node.any != ROOT {
            self.follow(pools, node.any, rest, found);
        }
        let mut look = |demand: Demand| {
            if let Some(child) = self.edges.get(&demand.edge(at)) {
                self.follow(pools, *child, rest, found);
            }
        };
        if node.forms & KIND != 0
            && let Some(kind) = pools.kind_of(seeker.uid)
        {
            look(Demand::Kind(kind));
        }
        // Most entities are named by no scope, and need not be looked up.
        let named = |uid: Uid| node.forms & self.named.get(uid.0 as usize).copied().unwrap_or(0);
        if named(seeker.uid) & EQUAL != 0 {
            look(Demand::Equal(seeker.uid));
        }
        if node.forms & GROUP == 0 {
            return;
        }
        let mut member = |uid: Uid| {
            if named(uid) & GROUP != 0 {
                look(Demand::Group(uid));
            }
        };
        member(seeker.uid);
        for group in seeker.ancestors {
            member(*group);
        }
        for parent in seeker.parents {
            member(*parent);
            for group in pools.model.ancestors(*parent) {
                member(*group);
            }
        }
    }
}

// === impl Seeker ===

impl<'a> Seeker<'a> {
    #[inline]
    fn new(pools: Pools<'a>, uid: Uid) -> Self {
        match pools.local(uid) {
            Some(entity) => Self { uid, parents: pools.uids(entity.parents), ancestors: &[] },
            None => Self { uid, parents: &[], ancestors: pools.model.ancestors(uid) },
        }
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

    /// The edge for it that leaves a node. There are fewer than 2^29 nodes: they would not fit
    /// into memory.
    const fn edge(self, from: u32) -> u64 {
        let id = match self {
            Self::Any => 0,
            Self::Equal(uid) | Self::Group(uid) => uid.0,
            Self::Kind(kind) => kind.0,
        };
        (from as u64) << 35 | (self.form() as u64) << 32 | id as u64
    }
}

fn kind_matches(pools: Pools<'_>, scope: ScopeImage, uid: Uid) -> bool {
    match scope {
        ScopeImage::IsIn(kind, _) => pools.kind_of(uid) == Some(kind),
        _ => true,
    }
}
