//! Routes as they lie in a bundle, unchecked.

use super::RoutesError;
use crate::http::{is_method, path::MAX_SEGMENTS};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// All routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutesImage {
    /// In the order of the source.
    pub routes: Vec<RouteImage>,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteImage {
    /// The methods, in upper case. Empty: any.
    pub methods: Vec<String>,
    /// The hosts.
    pub host: HostPattern,
    /// The path.
    pub segments: Vec<SegmentImage>,
    /// The action's uid in the model.
    pub action: u32,
    /// The resource's uid in the model.
    pub resource: u32,
}

/// Which hosts a route is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HostPattern {
    /// Any.
    #[default]
    Any,
    /// One, in lower case.
    Exact(String),
    /// All whose name ends so: in lower case, with a leading dot.
    Suffix(String),
}

/// A segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SegmentImage {
    /// This text, percent-decoded.
    Literal(String),
    /// Any text but none.
    Param(String),
    /// All that is left of the path, at least one segment.
    Rest(String),
}

// === impl RouteImage ===

impl RouteImage {
    /// The names of the parameters, in the order of the path.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            SegmentImage::Literal(_) => None,
            SegmentImage::Param(name) | SegmentImage::Rest(name) => Some(name.as_str()),
        })
    }
}

pub(super) fn check(route: &RouteImage, at: usize) -> Result<(), RoutesError> {
    if !route.methods.iter().all(|method| is_method(method)) {
        return Err(RoutesError::Malformed(at, "method"));
    }
    let host_ok = match &route.host {
        HostPattern::Any => true,
        HostPattern::Exact(host) => is_lower(host),
        HostPattern::Suffix(suffix) => {
            suffix.len() > 1 && suffix.starts_with('.') && is_lower(suffix)
        }
    };
    if !host_ok {
        return Err(RoutesError::Malformed(at, "host"));
    }
    let path = RoutesError::Path(at);
    if route.segments.is_empty() || route.segments.len() > MAX_SEGMENTS {
        return Err(path);
    }
    let rest = |segment: &SegmentImage| matches!(segment, SegmentImage::Rest(_));
    let before_last = route.segments.split_last().map_or(&[][..], |(_, before)| before);
    if before_last.iter().any(rest) {
        return Err(path);
    }
    let params: Vec<_> = route.params().collect();
    let twice = |(at, name): (usize, &&str)| params.iter().take(at).any(|other| other == name);
    if params.iter().enumerate().any(twice) { Err(path) } else { Ok(()) }
}

fn is_lower(host: &str) -> bool {
    !host.is_empty() && host.is_ascii() && !host.bytes().any(|byte| byte.is_ascii_uppercase())
}
