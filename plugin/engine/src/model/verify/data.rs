//! The check of values, entities and key profiles.

use super::{LoadError, ascending, run_ok, sym_ok, text_of, uid_ok};
use crate::model::Model;
use crate::model::image::ModelImage;
use crate::request::{MAX_DEPTH, Pools, Request};
use crate::value::{Field, Span, Value};
use alloc::vec;
use alloc::vec::Vec;
use hashbrown::HashSet;
use rustc_hash::FxBuildHasher;

/// The most elements that one value may come to, all levels counted.
const MAX_SIZE: u32 = 1 << 20;

/// How often, on average, an element of a pool may be shared by several sets or records.
const MAX_SHARING: usize = 4;

/// How deep a value nests and how many elements it comes to.
#[derive(Clone, Copy, Default)]
struct Shape {
    depth: u32,
    size: u32,
}

/// Shapes already known, by position; walks each element once.
struct Shapes<'a> {
    image: &'a ModelImage,
    values: Vec<Option<Shape>>,
    fields: Vec<Option<Shape>>,
    /// How many more elements may be looked at.
    budget: usize,
}

pub(super) fn pools(image: &ModelImage) -> Result<(), LoadError> {
    for (at, value) in image.values.iter().enumerate() {
        value_ok(image, value, "value", at)?;
    }
    for (at, field) in image.fields.iter().enumerate() {
        sym_ok(image, field.name, "field", at)?;
        value_ok(image, &field.value, "field", at)?;
    }
    let mut shapes = Shapes {
        image,
        values: vec![None; image.values.len()],
        fields: vec![None; image.fields.len()],
        budget: sharing_budget(image),
    };
    for at in 0..image.values.len() {
        shapes.value(at, 0).ok_or(LoadError::Nesting { what: "value", at })?;
    }
    for at in 0..image.fields.len() {
        shapes.field(at, 0).ok_or(LoadError::Nesting { what: "field", at })?;
    }
    Ok(())
}

/// Checks what a value refers to, but not what that refers to.
pub(super) fn value_ok(
    image: &ModelImage,
    value: &Value,
    what: &'static str,
    at: usize,
) -> Result<(), LoadError> {
    match value {
        Value::Bool(_) | Value::Datetime(_) | Value::Decimal(_) => Ok(()),
        Value::Duration(_) | Value::Long(_) => Ok(()),
        Value::Entity(uid) => uid_ok(image, *uid, what, at),
        Value::Ip(net) if net.is_valid() => Ok(()),
        Value::Ip(_) => Err(LoadError::Value { what, at }),
        Value::Record(span) => record_ok(image, *span, what, at),
        Value::Set(span) => run_ok(*span, image.values.len(), what, at),
        Value::Str(text) => text_of(image, *text).map(|_| ()).ok_or(LoadError::Astray { what, at }),
    }
}

fn record_ok(
    image: &ModelImage,
    span: Span,
    what: &'static str,
    at: usize,
) -> Result<(), LoadError> {
    run_ok(span, image.fields.len(), what, at)
}

pub(super) fn entities(image: &ModelImage) -> Result<(), LoadError> {
    for (at, entity) in image.entities.iter().enumerate() {
        uid_ok(image, entity.uid, "entity", at)?;
        record_ok(image, entity.attrs, "entity", at)?;
        record_ok(image, entity.tags, "entity", at)?;
        run_ok(entity.ancestors, image.uid_runs.len(), "entity", at)?;
        let ancestors = image.uid_runs.get(entity.ancestors.range()).unwrap_or_default();
        ascending("ancestor", ancestors, |a, b| a < b)?;
    }
    ascending("entity", &image.entities, |a, b| a.uid < b.uid)
}

pub(super) fn profiles(image: &ModelImage) -> Result<(), LoadError> {
    let what = "profile";
    for (at, profile) in image.profiles.iter().enumerate() {
        record_ok(image, profile.attrs, what, at)?;
        run_ok(profile.parents, image.uid_runs.len(), what, at)?;
        text_of(image, profile.owner).ok_or(LoadError::Astray { what, at })?;
        run_ok(profile.bound_to, image.values.len(), what, at)?;
        let bound_to = image.values.get(profile.bound_to.range()).unwrap_or_default();
        if !bound_to.iter().all(|value| matches!(value, Value::Ip(_) | Value::Str(_))) {
            return Err(LoadError::Value { what, at });
        }
    }
    Ok(())
}

/// Checks that sets and records are in their order, which lookups in them rely on.
pub(super) fn sets(model: &Model) -> Result<(), LoadError> {
    let image = model.image();
    let request = Request::new();
    let pools = Pools { model, request: &request };
    let pushed = image.ops.iter().filter_map(|op| match op {
        crate::model::Op::Push(value) => Some(*value),
        _ => None,
    });
    let held = image.values.iter().copied().chain(image.fields.iter().map(|field| field.value));
    let attributes = image.entities.iter().flat_map(|entity| [entity.attrs, entity.tags]);
    let records = attributes.chain(image.profiles.iter().map(|profile| profile.attrs));
    let mut seen: HashSet<_, FxBuildHasher> = HashSet::default();
    let mut budget = sharing_budget(image);
    for value in held.chain(pushed).chain(records.map(Value::Record)) {
        let (Value::Set(span) | Value::Record(span)) = value else { continue };
        let is_set = matches!(value, Value::Set(_));
        if !seen.insert((is_set, span.start, span.len)) {
            continue;
        }
        budget = budget
            .checked_sub(span.len as usize)
            .ok_or(LoadError::TooMany { what: "shared elements" })?;
        if is_set {
            ascending("set element", pools.values(span), |a, b| pools.compare(a, b).is_lt())?;
        } else {
            let less = |a: &Field, b: &Field| a.name < b.name;
            ascending("record field", pools.fields(span), less)?;
        }
    }
    Ok(())
}

/// How many elements all sets and records together may come to.
fn sharing_budget(image: &ModelImage) -> usize {
    image.values.len().saturating_add(image.fields.len()).saturating_mul(MAX_SHARING)
}

// === impl Shapes ===

impl Shapes<'_> {
    fn value(&mut self, at: usize, depth: u32) -> Option<Shape> {
        if let Some(shape) = self.values.get(at).copied().flatten() {
            return Some(shape);
        }
        let value = *self.image.values.get(at)?;
        let shape = self.of(value, depth)?;
        *self.values.get_mut(at)? = Some(shape);
        Some(shape)
    }

    fn field(&mut self, at: usize, depth: u32) -> Option<Shape> {
        if let Some(shape) = self.fields.get(at).copied().flatten() {
            return Some(shape);
        }
        let value = self.image.fields.get(at)?.value;
        let shape = self.of(value, depth)?;
        *self.fields.get_mut(at)? = Some(shape);
        Some(shape)
    }

    /// `None` where the value nests too deep, leads back to itself, or comes to too much.
    fn of(&mut self, value: Value, depth: u32) -> Option<Shape> {
        if depth >= MAX_DEPTH {
            return None;
        }
        let deeper = depth.checked_add(1)?;
        let mut shape = Shape { depth: 0, size: 1 };
        let (Value::Set(span) | Value::Record(span)) = value else { return Some(shape) };
        self.budget = self.budget.checked_sub(span.len as usize)?;
        for at in span.range() {
            let inner = match value {
                Value::Set(_) => self.value(at, deeper)?,
                _ => self.field(at, deeper)?,
            };
            shape.depth = shape.depth.max(inner.depth.checked_add(1)?);
            shape.size = shape.size.checked_add(inner.size)?;
        }
        (shape.depth < MAX_DEPTH && shape.size <= MAX_SIZE).then_some(shape)
    }
}
