//! The routes of one host pattern, by segment.

use super::Captures;
use super::image::SegmentImage;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

/// What remains to be matched, and what leads on.
#[derive(Debug, Default)]
pub(super) struct Trie {
    literals: HashMap<String, Trie, FxBuildHasher>,
    param: Option<alloc::boxed::Box<Trie>>,
    rest: Ends,
    ends: Ends,
}

/// The routes that end at one place, by method.
#[derive(Debug, Default)]
struct Ends {
    methods: Vec<(String, usize)>,
    any: Option<usize>,
}

// === impl Trie ===

impl Trie {
    /// Adds a route. Where another already matches the same requests, gives that.
    pub fn add(
        &mut self,
        segments: &[SegmentImage],
        methods: &[String],
        route: usize,
    ) -> Result<(), usize> {
        let mut node = self;
        for segment in segments {
            node = match segment {
                SegmentImage::Literal(text) => node.literals.entry(text.clone()).or_default(),
                SegmentImage::Param(_) => node.param.get_or_insert_default(),
                // Nothing follows the rest of a path.
                SegmentImage::Rest(_) => return node.rest.add(methods, route),
            };
        }
        node.ends.add(methods, route)
    }

    /// The route of the path in `captures`, whose values are then captured.
    pub fn find(&self, method: &str, captures: &mut Captures) -> Option<usize> {
        captures.values.clear();
        self.walk(method, captures, 0)
    }

    /// Recurses at most as deep as a path has segments, and visits no node twice.
    fn walk(&self, method: &str, captures: &mut Captures, at: usize) -> Option<usize> {
        if captures.is_end(at) {
            return self.ends.get(method);
        }
        let segment = captures.segment(at)?;
        let is_empty = segment.is_empty();
        let next = at.saturating_add(1);
        if let Some(node) = self.literals.get(segment)
            && let Some(route) = node.walk(method, captures, next)
        {
            return Some(route);
        }
        if let Some(node) = &self.param
            && !is_empty
        {
            let held = captures.values.len();
            captures.capture(at);
            if let Some(route) = node.walk(method, captures, next) {
                return Some(route);
            }
            captures.values.truncate(held);
        }
        let route = self.rest.get(method)?;
        captures.capture_rest(at);
        Some(route)
    }
}

// === impl Ends ===

impl Ends {
    fn add(&mut self, methods: &[String], route: usize) -> Result<(), usize> {
        if methods.is_empty() {
            return match self.any.replace(route) {
                Some(first) => Err(first),
                None => Ok(()),
            };
        }
        for method in methods {
            if let Some((_, first)) = self.methods.iter().find(|(known, _)| known == method) {
                return Err(*first);
            }
            self.methods.push((method.clone(), route));
        }
        Ok(())
    }

    fn get(&self, method: &str) -> Option<usize> {
        let named = self.methods.iter().find(|(known, _)| known == method);
        named.map(|(_, route)| *route).or(self.any)
    }
}
