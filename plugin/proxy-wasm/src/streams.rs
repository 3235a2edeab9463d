//! Which root each stream belongs to.

use crate::shared::Shared;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use std::rc::Rc;

/// Which root each stream belongs to: a VM has a root for each of its configurations.
///
/// Most VMs have one root all their lives. So the streams of the first one are those that are not
/// noted: nothing has to be kept for a request.
#[derive(Debug, Default)]
pub struct Streams {
    roots: Vec<(u32, Rc<Shared>)>,
    /// The first root that there was.
    first: Option<u32>,
    /// The streams of others; without a root, which they are denied for, if theirs is not known.
    noted: HashMap<u32, Option<Rc<Shared>>, FxBuildHasher>,
}

// === impl Streams ===

impl Streams {
    /// Takes notice of a root that has been made.
    pub fn add_root(&mut self, root: u32, shared: &Rc<Shared>) {
        self.first.get_or_insert(root);
        self.roots.push((root, Rc::clone(shared)));
    }

    /// Takes notice of a root that is done with.
    pub fn remove_root(&mut self, root: u32) {
        self.roots.retain(|(other, _)| *other != root);
    }

    /// Takes notice of a stream that begins.
    pub fn begin(&mut self, stream: u32, root: u32) {
        if self.first != Some(root) {
            self.noted.insert(stream, self.root(root));
        }
    }

    /// What a stream shares with others of its root.
    pub fn shared(&self, stream: u32) -> Option<Rc<Shared>> {
        match self.noted.get(&stream) {
            Some(noted) => noted.clone(),
            None => self.root(self.first?),
        }
    }

    /// Takes notice of what has ended. Tells whether it was a root.
    pub fn end(&mut self, context: u32) -> bool {
        self.noted.remove(&context);
        self.roots.iter().any(|(root, _)| *root == context)
    }

    fn root(&self, root: u32) -> Option<Rc<Shared>> {
        let mut roots = self.roots.iter();
        roots.find(|(other, _)| *other == root).map(|(_, shared)| Rc::clone(shared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_has_what_its_own_root_shares() {
        let mut streams = Streams::default();
        let [one, other] = [Rc::default(), Rc::default()];
        streams.add_root(1, &one);
        streams.begin(2, 1);
        streams.add_root(3, &other);
        streams.begin(4, 3);
        streams.begin(5, 9);
        let is = |streams: &Streams, stream, of: &Rc<Shared>| {
            streams.shared(stream).is_some_and(|shared| Rc::ptr_eq(&shared, of))
        };
        assert!(is(&streams, 2, &one) && is(&streams, 4, &other));
        assert!(streams.shared(5).is_none(), "its root is not known");
        assert!(streams.end(1) && streams.end(3) && !streams.end(5) && !streams.end(2));

        // What the first one's streams were is not taken for another's.
        streams.remove_root(1);
        streams.begin(6, 3);
        assert!(streams.shared(2).is_none() && is(&streams, 6, &other));
        streams.add_root(7, &one);
        streams.begin(8, 7);
        assert!(is(&streams, 8, &one) && streams.shared(2).is_none());
        assert_eq!([4, 6, 8].map(|stream| streams.end(stream)), [false; 3]);
        assert!(streams.noted.is_empty());
    }
}
