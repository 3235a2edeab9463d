//! Choices.

use arbitrary::Unstructured;

/// Choices, made by bytes.
#[derive(Debug)]
pub(super) struct Dice<'u, 'b> {
    bytes: &'u mut Unstructured<'b>,
}

// === impl Dice ===

impl<'u, 'b> Dice<'u, 'b> {
    pub fn new(bytes: &'u mut Unstructured<'b>) -> Self {
        Self { bytes }
    }

    /// A number below another; 0 if there is none.
    pub fn below(&mut self, count: usize) -> usize {
        self.bytes.int_in_range(0..=count.saturating_sub(1)).unwrap_or_default()
    }

    /// A number from one to another.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        self.bytes.int_in_range(least..=most.max(least)).unwrap_or(least)
    }

    /// Any integer.
    pub fn any(&mut self) -> i64 {
        self.bytes.int_in_range(i64::MIN..=i64::MAX).unwrap_or_default()
    }

    /// Whether something happens that does `count` times of `of`.
    pub fn chance(&mut self, count: usize, of: usize) -> bool {
        self.below(of) >= of.saturating_sub(count)
    }

    /// Whether something happens that does every other time.
    pub fn flip(&mut self) -> bool {
        self.chance(1, 2)
    }

    /// One of several.
    pub fn choose<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        from.get(self.below(from.len()))
    }

    /// One of several, of which there is at least one.
    pub fn pick<T: Clone + Default>(&mut self, from: &[T]) -> T {
        self.choose(from).cloned().unwrap_or_default()
    }

    /// Some of several, in their order, none twice.
    pub fn some<T: Clone>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let first = self.below(from.len());
        from.iter().cycle().skip(first).take(count.min(from.len())).cloned().collect()
    }
}
