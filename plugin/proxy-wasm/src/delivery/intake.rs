//! Putting a key shard that has arrived into shared data, a few buckets at a time.

use super::accept::LoadError;
use super::port::Port;
use super::stock::{self, Held};
use crate::inventory::{SLOTS, Slot, Stock};
use cedarkey_bundle::Digest;
use cedarkey_bundle::keys::{Cutter, Directory};

/// A shard that is being put into shared data.
#[derive(Debug)]
pub struct Intake {
    shard: usize,
    slot: Slot,
    /// Absent once all is cut.
    cutter: Option<Cutter>,
    /// The buckets of what was in the slot before that are not overwritten: to be made empty.
    stale: std::ops::Range<usize>,
}

// === impl Intake ===

impl Intake {
    /// Begins with the bytes of a shard; not where the shard is that has the root `keep`.
    pub fn begin(
        stock: &Stock,
        (shard, bytes): (usize, Vec<u8>),
        root: Option<Digest>,
        keep: Option<Digest>,
        port: &mut impl Port,
    ) -> Result<Self, LoadError> {
        let cutter = Cutter::new(shard, bytes)?;
        let held = SLOTS.map(|slot| (slot, stock::held(stock, slot, shard, port)));
        let (slot, before) = choose(held, root, keep);
        let stale = cutter.buckets()..before.buckets();
        let most = cutter.buckets().max(before.buckets());
        stock::mark(stock, slot, shard, most, port);
        Ok(Self { shard, slot, cutter: Some(cutter), stale })
    }

    /// Works until so many bytes are used up or it is done, which this tells.
    pub fn advance(
        &mut self,
        stock: &Stock,
        directory: &Directory,
        budget: &mut usize,
        port: &mut impl Port,
    ) -> Result<bool, LoadError> {
        let Some(mut cutter) = self.cutter.take() else { return Ok(true) };
        while *budget > 0 {
            let Some((number, bucket)) = cutter.cut() else {
                for number in self.stale.clone() {
                    port.set_shared(&stock.bucket(self.slot, self.shard, number), None, None);
                }
                let cut = cutter.finish();
                directory.check(self.shard, &cut)?;
                let head = stock.head(self.slot, self.shard);
                port.set_shared(&head, Some(&cut.head), None);
                return Ok(true);
            };
            *budget = budget.saturating_sub(bucket.len().max(COST));
            port.set_shared(&stock.bucket(self.slot, self.shard, number), Some(bucket), None);
        }
        self.cutter = Some(cutter);
        Ok(false)
    }
}

/// What any bucket costs, in bytes of work.
const COST: usize = 256;

/// The slot that a shard goes into: where it is already; else not where the one is that is to stay.
fn choose(held: [(Slot, Held); 2], root: Option<Digest>, keep: Option<Digest>) -> (Slot, Held) {
    let [first, second] = held;
    if first.1.is(root) || (!second.1.is(root) && !first.1.is(keep)) { first } else { second }
}
