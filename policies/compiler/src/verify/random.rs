//! Numbers that look random and are the same each time: a bundle is built from its input alone.

/// SplitMix64, by Sebastiano Vigna: small, and good enough to choose by.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

// === impl Random ===

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.next().checked_rem(n) == Some(0)
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.next().checked_rem(from.len() as u64)?;
        from.get(usize::try_from(at).ok()?)
    }

    /// A few of several, in their order.
    pub fn some<T: Clone>(&mut self, from: &[T]) -> Vec<T> {
        // All, none, or each with even odds.
        match self.next() & 7 {
            0 => from.to_vec(),
            1 => Vec::new(),
            _ => from.iter().filter(|_| self.once_in(2)).cloned().collect(),
        }
    }
}
