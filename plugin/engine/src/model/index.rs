//! From a request's principal, action and resource to the policies whose scope matches.
//!
//! Scopes form a tree: from the root an edge for what is demanded of the action, then one for the
//! principal, then one for the resource. What a decision costs follows the edges that can match,
//! not the policies that exist; what the tree takes, in time and memory, follows the length of the
//! scopes. That looking only at the policies found keeps the whole response,
//! errors included, is proved for Cedar in its specification (`Thm/PolicySlice.lean`).

mod edges;

use super::image::{ActionImage, ModelImage, ScopeImage};
use crate::request::Pools;
use crate::value::{Sym, Uid};
use alloc::vec;
use alloc::vec::Vec;
use edges::{Edge, Edges};
use hashbrown::HashMap;

/// The policies of a model, by the scope they demand.
#[derive(Debug)]
pub(crate) struct Index {
    /// The first is the root.
    nodes: Vec<Node>,
    /// The edges that demand an entity, or a group, by its uid.
    of_entities: Edges,
    /// The edges that demand a type, by its name.
    of_kinds: Edges,
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

/// What is demanded of one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A tree under construction.
#[derive(Default)]
struct Builder {
    nodes: Vec<Node>,
    /// By the node that they leave and what they demand.
    edges: HashMap<(u32, Demand), u32>,
    /// Where each policy belongs.
    places: Vec<(u32, u32)>,
}

/// So few policies are looked through faster than they are looked up.
const FEW: usize = 4;

/// The node that every way begins at.
const ROOT: u32 = 0;

// === impl Index ===

impl Index {
    /// Sorts policies into the tree. The image has been verified.
    pub fn build(image: &ModelImage) -> Self {
        let mut builder = Builder { nodes: vec![Node::default()], ..Builder::default() };
        let mut has_types_in_groups = false;
        for (at, policy) in (0u32..).zip(&image.policies) {
            let scopes = [policy.principal, policy.resource];
            has_types_in_groups |= scopes.iter().any(|scope| matches!(scope, ScopeImage::IsIn(..)));
            let [principal, resource] = scopes.map(Demand::of);
            let mut add = |action| builder.add(at, [action, principal, resource]);
            match policy.action {
                ActionImage::Any => add(Demand::Any),
                ActionImage::Eq(uid) => add(Demand::Equal(uid)),
                ActionImage::In(span) => {
                    let groups = image.uid_runs.get(span.range()).unwrap_or_default();
                    groups.iter().for_each(|uid| add(Demand::Group(*uid)));
                }
            }
        }
        builder.finish(image, has_types_in_groups)
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
        if pools.model.policies().len() <= FEW {
            let query = [principal, action, resource];
            return self.look_through(pools, query, policies);
        }
        self.follow(pools, ROOT, action, &mut |at| {
            self.follow(pools, at, principal, &mut |at| {
                self.follow(pools, at, resource, &mut |at| {
                    self.behind(at).iter().for_each(|policy| policies.push(*policy));
                });
            });
        });
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

    /// Hands on each node that a demand which is met leads to. One may come up twice.
    #[inline]
    fn follow(&self, pools: Pools<'_>, at: u32, uid: Uid, go: &mut impl FnMut(u32)) {
        let Some(node) = self.nodes.get(at as usize) else { return };
        if node.any != ROOT {
            go(node.any);
        }
        if node.forms & EQUAL != 0
            && let Some(to) = self.of_entities.find(uid.0, Edge::key(at, EQUAL))
        {
            go(to);
        }
        if node.forms & KIND != 0
            && let Some(kind) = pools.kind_of(uid)
            && let Some(to) = self.of_kinds.find(kind.0, Edge::key(at, KIND))
        {
            go(to);
        }
        if node.forms & GROUP == 0 {
            return;
        }
        let mut member = |uid: Uid| {
            if let Some(to) = self.of_entities.find(uid.0, Edge::key(at, GROUP)) {
                go(to);
            }
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
}

// === impl Builder ===

impl Builder {
    fn add(&mut self, policy: u32, demands: [Demand; 3]) {
        let mut at = ROOT;
        for demand in demands {
            let next = u32::try_from(self.nodes.len()).unwrap_or(ROOT);
            let child = *self.edges.entry((at, demand)).or_insert(next);
            if child == next {
                self.nodes.push(Node::default());
            }
            if let Some(node) = self.nodes.get_mut(at as usize) {
                node.forms |= demand.form();
                node.any = if demand == Demand::Any { child } else { node.any };
            }
            at = child;
        }
        self.places.push((at, policy));
    }

    /// Lays everything out so that what is looked up together lies together.
    fn finish(self, image: &ModelImage, has_types_in_groups: bool) -> Index {
        let Self { mut nodes, edges, mut places } = self;
        places.sort_unstable();
        for (at, (place, _)) in (0u32..).zip(&places) {
            let Some(node) = nodes.get_mut(*place as usize) else { continue };
            let (start, count) = node.policies;
            node.policies = (if count == 0 { at } else { start }, count.saturating_add(1));
        }
        let (mut of_entities, mut of_kinds) = (Vec::new(), Vec::new());
        for ((from, demand), to) in edges {
            let edge = Edge { key: Edge::key(from, demand.form()), to };
            match demand {
                Demand::Any => {}
                Demand::Equal(uid) | Demand::Group(uid) => of_entities.push((uid.0, edge)),
                Demand::Kind(kind) => of_kinds.push((kind.0, edge)),
            }
        }
        Index {
            nodes,
            of_entities: Edges::new(image.uids.len(), of_entities),
            of_kinds: Edges::new(image.syms.len(), of_kinds),
            policies: places.into_iter().map(|(_, policy)| policy).collect(),
            has_types_in_groups,
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
