//! The check of a model image: after it, no index in the image leads astray.

mod condition;
mod data;

use super::image::{ActionImage, ModelImage, PolicyImage, ScopeImage};
use super::{MAX_FACTS, Model};
use crate::value::{Span, Sym, Text, Uid};
pub use condition::MAX_STACK;

/// What is wrong with a model image. It is always the bundle's fault: the compiler makes none such.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// An index leads outside its table.
    #[error("{what} {at} leads outside its table")]
    Astray {
        /// The table it stands in.
        what: &'static str,
        /// Its position there.
        at: usize,
    },
    /// A condition cannot be evaluated: its stack does not come out.
    #[error("the condition of policy {policy} is malformed at instruction {at}")]
    Condition {
        /// The policy's position.
        policy: usize,
        /// The instruction's position in the condition.
        at: usize,
    },
    /// Values nest too deep, or lead back to themselves.
    #[error("{what} {at} nests too deep")]
    Nesting {
        /// The table it stands in.
        what: &'static str,
        /// Its position there.
        at: usize,
    },
    /// A table is not in its order, or holds an element twice.
    #[error("{what} {at} is out of order")]
    Order {
        /// The table.
        what: &'static str,
        /// The position of the element.
        at: usize,
    },
    /// A condition needs a higher stack than there is.
    #[error("the condition of policy {policy} holds more than {MAX_STACK} values at once")]
    Stack {
        /// The policy's position.
        policy: usize,
    },
    /// A table has more elements than this engine can handle.
    #[error("there are too many {what}")]
    TooMany {
        /// The table.
        what: &'static str,
    },
    /// A value is of the wrong kind or not in its canonical form.
    #[error("{what} {at} is not a proper value")]
    Value {
        /// The table it stands in.
        what: &'static str,
        /// Its position there.
        at: usize,
    },
}

/// Checks everything that can be checked without comparing values; gives the deepest stack that a
/// condition needs.
pub(super) fn verify(image: &ModelImage) -> Result<usize, LoadError> {
    names(image)?;
    data::pools(image)?;
    data::entities(image)?;
    data::profiles(image)?;
    facts(image)?;
    policies(image)
}

/// Checks what needs comparisons: that sets are in order.
pub(super) fn verify_sets(model: &Model) -> Result<(), LoadError> {
    data::sets(model)
}

fn names(image: &ModelImage) -> Result<(), LoadError> {
    let text = |text: &Text| text_of(image, *text);
    for (at, sym) in image.syms.iter().enumerate() {
        text(sym).ok_or(LoadError::Astray { what: "name", at })?;
    }
    ascending("name", &image.syms, |a, b| text(a) < text(b))?;
    for (at, uid) in image.uids.iter().enumerate() {
        let known = text(&uid.id).is_some() && (uid.kind.0 as usize) < image.syms.len();
        known.then_some(()).ok_or(LoadError::Astray { what: "uid", at })?;
    }
    ascending("uid", &image.uids, |a, b| (a.kind, text(&a.id)) < (b.kind, text(&b.id)))?;
    for (at, uid) in image.uid_runs.iter().enumerate() {
        uid_ok(image, *uid, "uid run", at)?;
    }
    for (at, sym) in image.sym_runs.iter().enumerate() {
        sym_ok(image, *sym, "name run", at)?;
    }
    Ok(())
}

fn facts(image: &ModelImage) -> Result<(), LoadError> {
    if image.facts.len() > MAX_FACTS {
        return Err(LoadError::TooMany { what: "facts" });
    }
    for (at, fact) in image.facts.iter().enumerate() {
        sym_ok(image, fact.name, "fact", at)?;
        fact.group.map_or(Ok(()), |group| sym_ok(image, group, "fact", at))?;
    }
    // Ordered by the attribute of the context, then within it; an attribute is a fact or a group.
    ascending("fact", &image.facts, |a, b| match (a.group, b.group) {
        (Some(left), Some(right)) if left == right => a.name < b.name,
        _ => a.group.unwrap_or(a.name) < b.group.unwrap_or(b.name),
    })
}

fn policies(image: &ModelImage) -> Result<usize, LoadError> {
    let mut deepest = 0;
    for (at, policy) in image.policies.iter().enumerate() {
        let astray = LoadError::Astray { what: "policy", at };
        let texts = [policy.id, policy.reason];
        if texts.iter().any(|text| text_of(image, *text).is_none()) {
            return Err(astray);
        }
        scope(image, policy.principal, at)?;
        scope(image, policy.resource, at)?;
        action(image, policy, at)?;
        let known = 1u128
            .checked_shl(image.facts.len() as u32)
            .map_or(u128::MAX, |bit| bit.wrapping_sub(1));
        if policy.facts & !known != 0 {
            return Err(astray);
        }
        let ops = image.ops.get(policy.condition.range()).ok_or(astray)?;
        deepest = deepest.max(condition::verify(image, at, ops)?);
    }
    ascending("policy", &image.policies, |a, b| text_of(image, a.id) < text_of(image, b.id))?;
    Ok(deepest)
}

fn scope(image: &ModelImage, scope: ScopeImage, at: usize) -> Result<(), LoadError> {
    match scope {
        ScopeImage::Any => Ok(()),
        ScopeImage::Eq(uid) | ScopeImage::In(uid) => uid_ok(image, uid, "policy", at),
        ScopeImage::Is(kind) => sym_ok(image, kind, "policy", at),
        ScopeImage::IsIn(kind, uid) => {
            sym_ok(image, kind, "policy", at)?;
            uid_ok(image, uid, "policy", at)
        }
    }
}

fn action(image: &ModelImage, policy: &PolicyImage, at: usize) -> Result<(), LoadError> {
    match policy.action {
        ActionImage::Any => Ok(()),
        ActionImage::Eq(uid) => uid_ok(image, uid, "policy", at),
        ActionImage::In(span) => run_ok(span, image.uid_runs.len(), "policy", at),
    }
}

/// The text behind a reference, if it is one into this image and falls on character boundaries.
fn text_of(image: &ModelImage, text: Text) -> Option<&str> {
    image.text.get(text.span().model_range()?)
}

fn uid_ok(image: &ModelImage, uid: Uid, what: &'static str, at: usize) -> Result<(), LoadError> {
    let known = (uid.0 as usize) < image.uids.len();
    known.then_some(()).ok_or(LoadError::Astray { what, at })
}

fn sym_ok(image: &ModelImage, sym: Sym, what: &'static str, at: usize) -> Result<(), LoadError> {
    let known = (sym.0 as usize) < image.syms.len();
    known.then_some(()).ok_or(LoadError::Astray { what, at })
}

fn run_ok(span: Span, len: usize, what: &'static str, at: usize) -> Result<(), LoadError> {
    let within = span.model_range().is_some_and(|range| range.end <= len);
    within.then_some(()).ok_or(LoadError::Astray { what, at })
}

fn ascending<T>(
    what: &'static str,
    items: &[T],
    less: impl Fn(&T, &T) -> bool,
) -> Result<(), LoadError> {
    let wrong = items.windows(2).position(|pair| match pair {
        [a, b] => !less(a, b),
        _ => false,
    });
    wrong.map_or(Ok(()), |at| Err(LoadError::Order { what, at: at.saturating_add(1) }))
}
