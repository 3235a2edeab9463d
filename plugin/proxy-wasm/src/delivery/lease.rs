//! Which VM of the process asks the publisher.

use super::port::Port;
use super::shelf;
use crate::config::{Config, Publisher};
use cedarkey_bundle::Digest;

/// How long a lease holds without being renewed, in milliseconds.
const HOLDS: i64 = 3_000;

/// How often the holder renews it, in milliseconds.
const RENEW: i64 = 1_000;

/// How much longer a VM that serves requests waits before it takes a lease, in milliseconds.
const DEFERENCE: i64 = 1_500;

/// A claim on being the one that asks. It runs out by itself when its holder is gone, and passes
/// to a VM that serves no requests if there is one: the proxy's main thread has such a VM.
#[derive(Debug)]
pub struct Lease {
    key: String,
    identity: u64,
    renewed: Option<i64>,
}

/// A lease as it lies in shared data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    holder: u64,
    since: i64,
    serves: bool,
}

// === impl Lease ===

impl Lease {
    /// For a configuration; `identity` is random. A configuration that asks another publisher has
    /// another lease: the one that it replaces may live on for a while and ask in vain.
    pub fn new(config: &Config, publisher: &Publisher, identity: u64) -> Self {
        let asks = format!("{} {}", publisher.cluster, publisher.authority);
        let key = format!("{}/lease/{}", shelf::place(config), Digest::of(asks.as_bytes()));
        Self { key, identity, renewed: None }
    }

    /// A lease of another kind, by the name of its value.
    pub fn named(key: String, identity: u64) -> Self {
        Self { key, identity, renewed: None }
    }

    /// Gives the lease up, if this VM is the holder.
    pub fn release(&mut self, port: &mut impl Port) {
        if self.renewed.take().is_none() {
            return;
        }
        let (value, version) = port.shared(&self.key);
        let held = value.as_deref().and_then(Stamp::read);
        if held.is_some_and(|held| held.holder == self.identity) {
            let free = Stamp { holder: 0, since: i64::MIN, serves: false };
            port.set_shared(&self.key, Some(&free.write()), version);
        }
    }

    /// Tries to be the holder; tells whether this VM is.
    pub fn hold(&mut self, now: i64, serves: bool, port: &mut impl Port) -> bool {
        if let Some(renewed) = self.renewed
            && (0..RENEW).contains(&now.saturating_sub(renewed))
        {
            return true;
        }
        self.renewed = None;
        let (value, version) = port.shared(&self.key);
        let held = value.as_deref().and_then(Stamp::read);
        if held.is_some_and(|held| !held.is_free_for(self.identity, serves, now)) {
            return false;
        }
        let stamp = Stamp { holder: self.identity, since: now, serves };
        let written = port.set_shared(&self.key, Some(&stamp.write()), version);
        // Where there was nothing there was no version either, and another VM may have written at
        // the same time: who holds it is known when it is next read.
        if written && version.is_some() {
            self.renewed = Some(now);
        }
        self.renewed.is_some()
    }
}

// === impl Stamp ===

impl Stamp {
    /// Whether a VM may take the lease.
    fn is_free_for(&self, identity: u64, serves: bool, now: i64) -> bool {
        let patience = if serves { HOLDS.saturating_add(DEFERENCE) } else { HOLDS };
        self.holder == identity
            || (self.serves && !serves)
            // A stamp from the future is of a clock that was set back.
            || !(0..patience).contains(&now.saturating_sub(self.since))
    }

    fn write(self) -> Vec<u8> {
        let parts =
            [&self.holder.to_le_bytes()[..], &self.since.to_le_bytes(), &[self.serves.into()]];
        parts.concat()
    }

    fn read(value: &[u8]) -> Option<Self> {
        let (holder, rest) = value.split_first_chunk()?;
        let (since, rest) = rest.split_first_chunk()?;
        let [serves] = rest else { return None };
        Some(Self {
            holder: u64::from_le_bytes(*holder),
            since: i64::from_le_bytes(*since),
            serves: *serves == 1,
        })
    }
}
