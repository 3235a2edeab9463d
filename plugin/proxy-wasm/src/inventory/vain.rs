//! The keys that were looked for in vain lately.

use cedarkey_engine::token::KeyHash;

/// How many there are room for: they take 40 KB.
const PLACES: usize = 1_024;

/// A bounded memory of keys that there are not. Who has a key that is no longer there goes on asking
/// with it, and shall not cost more than who has a good one.
///
/// Each hash has one place, which the last one that was put there holds.
#[derive(Debug, Default)]
pub struct Vain {
    places: Vec<Option<(u32, KeyHash)>>,
}

// === impl Vain ===

impl Vain {
    /// Whether there is known to be no key with this hash in a shard.
    pub fn holds(&self, shard: u32, hash: &KeyHash) -> bool {
        self.places.get(place(hash)).is_some_and(|held| *held == Some((shard, *hash)))
    }

    /// Remembers that there is none.
    pub fn put(&mut self, shard: u32, hash: KeyHash) {
        self.places.resize(PLACES, None);
        if let Some(held) = self.places.get_mut(place(&hash)) {
            *held = Some((shard, hash));
        }
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.places.clear();
    }
}

fn place(KeyHash(hash): &KeyHash) -> usize {
    // The last bytes, for the first tell the shard.
    let [.., high, low] = *hash;
    usize::from(u16::from_be_bytes([high, low])) & (PLACES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_holds_the_place_in_its_shard_alone() {
        let mut vain = Vain::default();
        let (one, mut other) = (KeyHash([7; 32]), KeyHash([7; 32]));
        other.0[0] = 1;
        assert!(!vain.holds(1, &one));
        vain.put(1, one);
        assert!(vain.holds(1, &one) && !vain.holds(2, &one) && !vain.holds(1, &other));
        vain.put(1, other);
        assert!(vain.holds(1, &other) && !vain.holds(1, &one));
        vain.clear();
        assert!(!vain.holds(1, &other));
    }
}
