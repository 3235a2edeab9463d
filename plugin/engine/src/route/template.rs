//! Path templates and host patterns as people write them.

use super::{HostPattern, SegmentImage};
use crate::http::host;
use crate::http::path::{MAX_SEGMENTS, Target};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// What is wrong with a path template or host pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Braces that are not a parameter.
    #[error("`{0}` is neither text nor a parameter: write `{{name}}` as a whole segment")]
    Braces(String),
    /// A host pattern that no host matches.
    #[error("`{0}` is no host: write `api.example.com`, or `*.example.com` for all below it")]
    Host(String),
    /// A name that is no name.
    #[error("`{0}` is no parameter name: use letters, digits and `_`, a letter first")]
    Name(String),
    /// No leading slash.
    #[error("a path begins with `/`")]
    NotAbsolute,
    /// A rest that is not last.
    #[error("`{{{0}...}}` must be the last segment")]
    RestNotLast(String),
    /// More segments than a path may have.
    #[error("a path has at most 64 segments")]
    TooLong,
    /// A parameter twice.
    #[error("the parameter `{0}` occurs twice")]
    Twice(String),
    /// A segment that no request can have.
    #[error("`{0}` can never match: no path that is let through has such a segment")]
    Unmatchable(String),
}

/// Reads a path template such as `/v1/orders/{orderId}` or `/files/{path...}`.
///
/// # Errors
///
/// Names the segment that is wrong.
pub fn parse(template: &str) -> Result<Vec<SegmentImage>, TemplateError> {
    let relative = template.strip_prefix('/').ok_or(TemplateError::NotAbsolute)?;
    let mut segments = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for text in relative.split('/') {
        if let Some(SegmentImage::Rest(name)) = segments.last() {
            return Err(TemplateError::RestNotLast(name.clone()));
        }
        let segment = parse_segment(text)?;
        if let SegmentImage::Param(_) | SegmentImage::Rest(_) = segment {
            let name = text.trim_matches(['{', '}']).trim_end_matches("...");
            if names.contains(&name) {
                return Err(TemplateError::Twice(name.to_owned()));
            }
            names.push(name);
        }
        segments.push(segment);
    }
    if segments.len() > MAX_SEGMENTS {
        return Err(TemplateError::TooLong);
    }
    // An empty segment matches at the end only, where it is a trailing slash.
    let inner = segments.split_last().map_or(&[][..], |(_, inner)| inner);
    if inner.contains(&SegmentImage::Literal(String::new())) {
        return Err(TemplateError::Unmatchable("//".to_owned()));
    }
    Ok(segments)
}

fn parse_segment(text: &str) -> Result<SegmentImage, TemplateError> {
    if !text.contains(['{', '}']) {
        return literal(text);
    }
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let inner = inner.ok_or_else(|| TemplateError::Braces(text.to_owned()))?;
    let (name, rest) = match inner.strip_suffix("...") {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !first || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(TemplateError::Name(name.to_owned()));
    }
    Ok(if rest {
        SegmentImage::Rest(name.to_owned())
    } else {
        SegmentImage::Param(name.to_owned())
    })
}

/// A literal segment, as it is after decoding.
fn literal(text: &str) -> Result<SegmentImage, TemplateError> {
    let unmatchable = || TemplateError::Unmatchable(text.to_owned());
    let raw = alloc::format!("/{text}");
    let target = Target::parse(&raw).map_err(|_| unmatchable())?;
    let mut segments = target.segments();
    match (segments.next(), segments.next(), target.query()) {
        (Some(segment), None, None) => Ok(SegmentImage::Literal(segment.into_owned())),
        _ => Err(unmatchable()),
    }
}

/// Reads a host pattern such as `api.example.com` or `*.example.com`.
///
/// # Errors
///
/// Where no host matches it.
pub fn parse_host(pattern: &str) -> Result<HostPattern, TemplateError> {
    let wrong = || TemplateError::Host(pattern.to_owned());
    let (name, suffix) = match pattern.strip_prefix("*.") {
        Some(name) => (name, true),
        None => (pattern, false),
    };
    let host = host::normalise(name).map_err(|_| wrong())?;
    // A port is not part of the host that routes are found by.
    if host.len() != name.len() || (suffix && !host.contains(|c: char| c.is_ascii_alphabetic())) {
        return Err(wrong());
    }
    Ok(if suffix {
        HostPattern::Suffix(alloc::format!(".{host}"))
    } else {
        HostPattern::Exact(host.into_owned())
    })
}
