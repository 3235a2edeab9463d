//! Taking away what is no longer needed of earlier versions.

use super::accept::{Active, digest};
use super::lease::Lease;
use super::port::Port;
use super::shelf::{Part, SINGLE, Shelf};
use super::stock::{self, Held};
use crate::inventory::SLOTS;
use cedarkey_bundle::{Digest, SegmentKind};
use std::ops::Range;

/// How long the version before is left to VMs that have not switched, in milliseconds. One that is
/// later still finds nothing, and switches then and there.
const GRACE: i64 = 2_000;

/// What any look at shared data costs, in bytes of work.
const COST: usize = 1_024;

/// What has been taken away, and what is to be.
#[derive(Debug, Default)]
pub struct Sweep {
    /// The version that was in force when all else was last taken away.
    clean: Option<u64>,
    /// The directory of the keys that were.
    clean_keys: Option<Digest>,
    /// When it may begin.
    due: i64,
    /// The shards that are still to be looked at.
    shards: Option<Range<usize>>,
}

// === impl Sweep ===

impl Sweep {
    /// There is something new in force.
    pub fn later(&mut self, now: i64) {
        self.due = now.saturating_add(GRACE);
        self.shards = None;
    }

    /// Whether it is under way.
    pub fn is_busy(&self) -> bool {
        self.shards.is_some()
    }

    /// Works until so many bytes are used up. The pen is held while it works.
    pub fn advance(
        &mut self,
        (shelf, active, pen): (&Shelf, &Active, &mut Lease),
        budget: &mut usize,
        port: &mut impl Port,
    ) {
        let Some(keys) = active.keys.shared() else { return };
        let now = port.now();
        if self.clean == Some(active.version()) || now < self.due || !pen.hold(now, false, port) {
            return;
        }
        let directory = digest(&active.manifest, SegmentKind::Directory);
        if self.clean_keys.is_some() && self.clean_keys == directory {
            self.shards = Some(0..0);
        }
        let stock = &shelf.stock;
        let mut shards = self
            .shards
            .take()
            .unwrap_or_else(|| 0..stock::extent(stock, port).max(keys.directory().shards()));
        while *budget > 0 {
            let Some(shard) = shards.next() else {
                for kind in SINGLE {
                    if let Some(digest) = digest(&active.manifest, kind) {
                        shelf.keep_only(Part::Segment(kind), digest, port);
                    }
                }
                if let Some(digest) = shelf.label(port).and_then(|label| label.digest()) {
                    shelf.keep_only(Part::Envelope, digest, port);
                }
                (self.clean, self.clean_keys) = (Some(active.version()), directory);
                pen.release(port);
                return;
            };
            let mut kept = false;
            for slot in SLOTS {
                *budget = budget.saturating_sub(COST);
                let held = stock::held(stock, slot, shard, port);
                // It may be in both, after it was mended or came back.
                let needed = held.is(keys.root(shard)) && !std::mem::replace(&mut kept, true);
                if held == Held::Nothing || needed {
                    continue;
                }
                stock::mark(stock, slot, shard, held.buckets(), port);
                for bucket in 0..held.buckets() {
                    *budget = budget.saturating_sub(COST);
                    port.set_shared(&stock.bucket(slot, shard, bucket), None, None);
                }
                port.set_shared(&stock.head(slot, shard), None, None);
            }
        }
        self.shards = Some(shards);
    }
}
