//! The edges of the index, by what they demand.

use alloc::vec;
use alloc::vec::Vec;

/// From one node to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// The node that it leaves, and the form of what it demands. Never 0.
    pub key: u64,
    /// The node that it leads to.
    pub to: u32,
}

/// Edges, by the number of the entity or name that they demand: most are named by one scope or by
/// none.
#[derive(Debug)]
pub(super) struct Edges {
    /// By number.
    named: Vec<Named>,
    /// The edges of the numbers that have several. Those of one number lie together, ascending by
    /// key.
    others: Vec<Edge>,
}

/// The edges of one number.
#[derive(Clone, Copy, Debug, Default)]
struct Named {
    /// The key of its first edge; 0 if it has none.
    key: u64,
    /// Where that leads.
    to: u32,
    /// Where all of its edges begin among the others, if it has several.
    start: u32,
    /// How many those are, or 0.
    count: u32,
}

// === impl Edge ===

impl Edge {
    /// The key of what leaves a node, for a form of demand, which is not 0.
    #[inline]
    pub const fn key(from: u32, form: u8) -> u64 {
        (from as u64) << 8 | form as u64
    }
}

// === impl Edges ===

impl Edges {
    /// Sorts edges; all numbers are below `numbers`.
    pub fn new(numbers: usize, mut edges: Vec<(u32, Edge)>) -> Self {
        edges.sort_unstable_by_key(|(number, edge)| (*number, edge.key));
        let (mut named, mut others) = (vec![Named::default(); numbers], Vec::new());
        for same in edges.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((number, Edge { key, to })) = same.first().copied() else { continue };
            let Some(place) = named.get_mut(number as usize) else { continue };
            *place = Named { key, to, ..Named::default() };
            if same.len() > 1 {
                place.start = u32::try_from(others.len()).unwrap_or_default();
                place.count = u32::try_from(same.len()).unwrap_or_default();
                others.extend(same.iter().map(|(_, edge)| *edge));
            }
        }
        Self { named, others }
    }

    /// Where the edge of a number and a key leads. What only the request knows has a number beyond
    /// all, and is named by no scope.
    #[inline]
    pub fn find(&self, number: u32, key: u64) -> Option<u32> {
        let named = self.named.get(number as usize)?;
        if named.key == key {
            return Some(named.to);
        }
        if named.count == 0 { None } else { self.search(*named, key) }
    }

    #[inline(never)]
    fn search(&self, named: Named, key: u64) -> Option<u32> {
        let start = named.start as usize;
        let edges = self.others.get(start..start.saturating_add(named.count as usize))?;
        let at = edges.binary_search_by_key(&key, |edge| edge.key).ok()?;
        edges.get(at).map(|edge| edge.to)
    }
}
