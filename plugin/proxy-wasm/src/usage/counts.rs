//! What one VM has counted since it last handed over.

use cedarkey_bundle::usage::{MAX_NAME, MAX_NAMES, Network, Part, Row, What};
use cedarkey_engine::ext::ip::IpNet;
use cedarkey_engine::gate::Cause;
use cedarkey_engine::key::KeyId;
use cedarkey_engine::model::Model;
use cedarkey_engine::value::Uid;
use std::rc::Rc;

/// How many different things are counted at a time: pairs of a key and what it met with. They take
/// about 300 KB.
const MOST: usize = 4_096;

/// How many there may be before networks are counted as others: they are the first to give way.
const MOST_NETWORKS: usize = MOST / 2;

/// Counts of requests. Adding to one that is there already takes no memory, nor does adding one while
/// there were more before it was last handed over.
#[derive(Debug, Default)]
pub struct Counts {
    /// In the order of keys and what they met with. It is searched as fast as a hash map is, at this
    /// size, and its code is a tenth of one's.
    cells: Vec<Cell>,
    /// What the actions of the cells are of.
    model: Option<Rc<Model>>,
    /// What was counted with earlier models.
    part: Part,
    dropped: u64,
}

/// What a key has met with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// A request for this action was allowed.
    Allow(Option<Uid>),
    /// A request was denied.
    Deny(Cause),
    /// A request came from there.
    Network(Network),
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    of: (KeyId, Met),
    count: u32,
    /// In milliseconds.
    last: i64,
}

// === impl Counts ===

impl Counts {
    /// Counts one request. The action is one of this model.
    pub fn add(&mut self, model: &Rc<Model>, key: KeyId, met: Met, now: i64) {
        if !self.model.as_ref().is_some_and(|before| Rc::ptr_eq(before, model)) {
            self.settle();
            self.model = Some(Rc::clone(model));
        }
        if !self.put(key, met, now, MOST) {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Counts where a request came from.
    pub fn add_network(&mut self, key: KeyId, source: IpNet, now: i64) {
        let network = network(source);
        if !self.put(key, Met::Network(network), now, MOST_NETWORKS) {
            self.put(key, Met::Network(Network::Other), now, MOST);
        }
    }

    /// Adds one, unless there are so many already that there is no room for a new one.
    fn put(&mut self, key: KeyId, met: Met, now: i64, most: usize) -> bool {
        let of = (key, met);
        let at = match self.cells.binary_search_by(|cell| cell.of.cmp(&of)) {
            Ok(at) => {
                if let Some(cell) = self.cells.get_mut(at) {
                    cell.count = cell.count.saturating_add(1);
                    cell.last = cell.last.max(now);
                }
                return true;
            }
            Err(at) => at,
        };
        let has_room = self.cells.len().saturating_add(self.part.rows.len()) < most;
        if has_room {
            self.cells.insert(at, Cell { of, count: 1, last: now });
        }
        has_room
    }

    /// Whether there is room for so few more that it is time to hand over.
    pub fn is_filling(&self) -> bool {
        self.cells.len().saturating_add(self.part.rows.len()) > MOST / 2
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.part.rows.is_empty() && self.dropped == 0
    }

    /// All that was counted, to be written down; it stays until [`clear`](Self::clear).
    pub fn part(&mut self) -> &Part {
        self.settle();
        self.part.dropped = self.dropped;
        &self.part
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.model = None;
        self.part = Part::default();
        self.dropped = 0;
    }

    /// Writes the cells out, with names in the place of what only their model knows.
    #[cold]
    fn settle(&mut self) {
        let Self { cells, model, part, .. } = self;
        let name = |uid: Option<Uid>| Some(model.as_ref()?.entity_id(uid?));
        for Cell { of: (KeyId(key), met), count, last } in cells.drain(..) {
            let what = match met {
                Met::Allow(action) => What::Allow(number(&mut part.names, name(action))),
                Met::Deny(cause) => What::Deny(number(&mut part.names, Some(cause.label()))),
                Met::Network(network) => What::Network(network),
            };
            let last = u64::try_from(last.div_euclid(1000)).unwrap_or_default();
            part.rows.push(Row { key, what, count, last });
        }
    }
}

/// The number of a name. Without one, or where there is no room for it, it is the empty one's.
fn number(names: &mut Vec<String>, name: Option<&str>) -> u16 {
    let has_room = names.len() < MAX_NAMES.saturating_sub(1);
    let name = name.filter(|name| has_room && name.len() <= MAX_NAME).unwrap_or_default();
    let at = names.iter().position(|other| other == name).unwrap_or_else(|| {
        names.push(name.into());
        names.len().saturating_sub(1)
    });
    u16::try_from(at).unwrap_or_default()
}

/// The network of an address: what tells places from each other, and no more.
fn network(IpNet { bits: [a, b, c, d, e, f, ..], v6, .. }: IpNet) -> Network {
    if v6 { Network::V6([a, b, c, d, e, f]) } else { Network::V4([a, b, c]) }
}
