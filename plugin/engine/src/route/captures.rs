//! The segments of the path in hand, and the parameters found in it.

use crate::http::path::Target;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// Reusable space for the segments of a path and the values of its parameters.
#[derive(Debug, Default)]
pub struct Captures {
    /// The decoded segments with a slash between each two, then the names of the parameters.
    text: String,
    segments: Vec<Range<usize>>,
    /// The values of the parameters in the order of the path.
    pub(super) values: Vec<Range<usize>>,
    names: Vec<Range<usize>>,
}

// === impl Captures ===

impl Captures {
    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.segments.clear();
        self.values.clear();
        self.names.clear();
    }

    /// The value of a parameter, percent-decoded.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.names.iter().position(|range| self.text.get(range.clone()) == Some(name))?;
        self.text.get(self.values.get(at)?.clone())
    }

    /// Takes the segments of a path.
    pub(super) fn read(&mut self, target: &Target<'_>) {
        self.clear();
        if let Some(path) = target.plain() {
            return self.read_plain(path);
        }
        for segment in target.segments() {
            if !self.segments.is_empty() {
                self.text.push('/');
            }
            let range = self.push(&segment);
            self.segments.push(range);
        }
    }

    fn read_plain(&mut self, path: &str) {
        self.text.push_str(path);
        let mut begins = 0;
        for (at, byte) in path.bytes().enumerate() {
            if byte == b'/' {
                self.segments.push(begins..at);
                begins = at.saturating_add(1);
            }
        }
        self.segments.push(begins..path.len());
    }

    /// Gives the values that were found their names.
    pub(super) fn name(&mut self, names: &[String]) {
        for name in names {
            let range = self.push(name);
            self.names.push(range);
        }
    }

    /// Whether the path ends in a slash that is not all of it.
    pub(super) fn ends_in_slash(&self) -> bool {
        matches!(self.segments.as_slice(), [_, .., last] if last.is_empty())
    }

    /// Takes the slash at the end off, and the values with it.
    pub(super) fn take_slash(&mut self) -> (Option<Range<usize>>, Vec<Range<usize>>) {
        (self.segments.pop(), core::mem::take(&mut self.values))
    }

    /// Undoes [`take_slash`](Self::take_slash).
    pub(super) fn restore_slash(&mut self, found: (Option<Range<usize>>, Vec<Range<usize>>)) {
        self.segments.extend(found.0);
        self.values = found.1;
    }

    pub(super) fn segment(&self, at: usize) -> Option<&str> {
        self.text.get(self.segments.get(at)?.clone())
    }

    pub(super) fn is_end(&self, at: usize) -> bool {
        at == self.segments.len()
    }

    pub(super) fn capture(&mut self, at: usize) {
        self.values.extend(self.segments.get(at).cloned());
    }

    /// Takes all segments from one on as one value.
    pub(super) fn capture_rest(&mut self, at: usize) {
        if let (Some(first), Some(last)) = (self.segments.get(at), self.segments.last()) {
            self.values.push(first.start..last.end);
        }
    }

    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}
