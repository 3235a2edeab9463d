//! Routes: from method, host and path to an action and a resource.
//!
//! At each segment a literal goes before a parameter, and that before the rest of the path; an
//! exact host goes before the longest suffix, and that before any host; a named method goes before
//! any method. Where the better one leads nowhere the next is tried.

mod captures;
mod image;
pub mod template;
mod trie;

pub use captures::Captures;
pub use image::{HostPattern, RouteImage, RoutesImage, SegmentImage};

use crate::http::path::Target;
use alloc::string::String;
use alloc::vec::Vec;
use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use trie::Trie;

/// The routes of a bundle, ready to find.
#[derive(Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
    exact: HashMap<String, Trie, FxBuildHasher>,
    /// By suffix with its leading dot, longest first.
    suffixes: Vec<(String, Trie)>,
    any: Trie,
}

/// Where a request leads.
#[derive(Clone, Debug)]
pub struct Route {
    /// The action's uid in the model.
    pub action: u32,
    /// The resource's uid in the model.
    pub resource: u32,
    /// The names of the parameters, in the order of the path.
    params: Vec<String>,
    /// Whether its last parameter takes the rest of the path.
    takes_rest: bool,
}

/// What is wrong with the routes of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutesError {
    /// Two routes match the same requests.
    #[error("routes {first} and {second} match the same requests")]
    Conflict {
        /// The position of the one.
        first: usize,
        /// The position of the other.
        second: usize,
    },
    /// A method is not in upper case, a host not in lower case, or a segment cannot occur.
    #[error("route {0} can never match: its {1} is malformed")]
    Malformed(usize, &'static str),
    /// A parameter occurs twice, or the rest of the path is not last.
    #[error("the path of route {0} is malformed")]
    Path(usize),
    /// The action or resource is not one of the model's uids.
    #[error("route {0} leads to an unknown action or resource")]
    Uid(usize),
}

// === impl Routes ===

impl Routes {
    /// Checks routes and makes them ready; `uid_count` is the number of the model's uids.
    ///
    /// # Errors
    ///
    /// Names the first route that is not as it must be.
    pub fn load(image: RoutesImage, uid_count: u32) -> Result<Self, RoutesError> {
        let mut routes = Self::default();
        for (at, route) in image.routes.iter().enumerate() {
            image::check(route, at)?;
            if route.action >= uid_count || route.resource >= uid_count {
                return Err(RoutesError::Uid(at));
            }
            let trie = match &route.host {
                HostPattern::Any => &mut routes.any,
                HostPattern::Exact(host) => routes.exact.entry(host.clone()).or_default(),
                HostPattern::Suffix(suffix) => suffix_trie(&mut routes.suffixes, suffix),
            };
            let added = trie.add(&route.segments, &route.methods, at);
            added.map_err(|first| RoutesError::Conflict { first, second: at })?;
            routes.routes.push(Route {
                action: route.action,
                resource: route.resource,
                params: route.params().map(String::from).collect(),
                takes_rest: matches!(route.segments.last(), Some(SegmentImage::Rest(_))),
            });
        }
        routes
            .suffixes
            .sort_unstable_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Ok(routes)
    }

    /// The route of a request, with the values of its path parameters in `captures`.
    ///
    /// There is none where only the rest of a path takes in a slash at its end, and the path without
    /// that slash has another route: many upstreams serve both alike, and the broader route must not
    /// be a way around the narrower.
    ///
    /// `host` is normalised: see [`crate::http::host::normalise`].
    pub fn find(
        &self,
        method: &str,
        host: &str,
        target: &Target<'_>,
        captures: &mut Captures,
    ) -> Option<&Route> {
        captures.read(target);
        let route = self.search(method, host, captures)?;
        if route.takes_rest && captures.ends_in_slash() {
            let found = captures.take_slash();
            let bare = self.search(method, host, captures);
            captures.restore_slash(found);
            if bare.is_some_and(|bare| !bare.takes_rest) {
                return None;
            }
        }
        captures.name(&route.params);
        Some(route)
    }

    /// The route of the path in `captures`, whose values are then captured.
    fn search(&self, method: &str, host: &str, captures: &mut Captures) -> Option<&Route> {
        let exact = self.exact.get(host);
        let suffixes = self.suffixes.iter().filter(|(suffix, _)| host.ends_with(suffix.as_str()));
        let mut tries = exact
            .into_iter()
            .chain(suffixes.map(|(_, trie)| trie))
            .chain(core::iter::once(&self.any));
        let at = tries.find_map(|trie| trie.find(method, captures))?;
        self.routes.get(at)
    }

    /// The number of routes.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }
}

fn suffix_trie<'a>(tries: &'a mut Vec<(String, Trie)>, suffix: &str) -> &'a mut Trie {
    let at = tries.iter().position(|(other, _)| other == suffix).unwrap_or(tries.len());
    if at == tries.len() {
        tries.push((suffix.into(), Trie::default()));
    }
    #[expect(clippy::indexing_slicing, reason = "there are more than `at`, one was just pushed")]
    &mut tries[at].1
}

#[cfg(test)]
mod tests;
