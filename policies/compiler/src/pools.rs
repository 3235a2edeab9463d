//! The pools of a model under construction.

use crate::constant::Constant;
use cedarkey_engine::model::ModelImage;
use cedarkey_engine::pattern::Pattern;
use cedarkey_engine::value::{Field, Span, Sym, Text, Uid, Value};
use std::collections::HashMap;

/// A model under construction. What occurs twice is stored once.
#[derive(Debug, Default)]
pub struct Pools {
    /// The model so far.
    pub image: ModelImage,
    texts: HashMap<String, Text>,
    values: HashMap<Constant, Value>,
    patterns: HashMap<Vec<String>, u32>,
    uid_runs: HashMap<Vec<Uid>, Span>,
    sym_runs: HashMap<Vec<Sym>, Span>,
}

/// The model would not fit into 31 bits of some index. No real project comes near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model is too large")]
pub struct TooLarge;

// === impl Pools ===

impl Pools {
    /// Stores text.
    pub fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.get(text) {
            return *known;
        }
        let place = Text { start: index(self.image.text.len()), len: index(text.len()) };
        self.image.text.push_str(text);
        self.texts.insert(text.into(), place);
        place
    }

    /// Stores a value.
    pub fn value(&mut self, constant: &Constant) -> Value {
        if let Some(known) = self.values.get(constant) {
            return *known;
        }
        let value = match constant {
            Constant::Bool(value) => Value::Bool(*value),
            Constant::Long(value) => Value::Long(*value),
            Constant::Str(text) => Value::Str(self.text(text)),
            Constant::Entity(uid) => Value::Entity(*uid),
            Constant::Decimal(value) => Value::Decimal(*value),
            Constant::Ip(net) => Value::Ip(*net),
            Constant::Datetime(at) => Value::Datetime(*at),
            Constant::Duration(length) => Value::Duration(*length),
            Constant::Set(elements) => Value::Set(self.elements(elements.as_slice())),
            Constant::Record(fields) => Value::Record(self.fields(fields.as_slice())),
        };
        self.values.insert(constant.clone(), value);
        value
    }

    /// Stores a run of values.
    pub fn elements(&mut self, elements: &[Constant]) -> Span {
        let elements: Vec<_> = elements.iter().map(|element| self.value(element)).collect();
        append(&mut self.image.values, elements)
    }

    /// Stores the fields of a record or entity, ascending by name.
    pub fn fields(&mut self, fields: &[(Sym, Constant)]) -> Span {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| Field { name: *name, value: self.value(value) })
            .collect();
        append(&mut self.image.fields, fields)
    }

    /// Stores a run of uids.
    pub fn uids(&mut self, uids: Vec<Uid>) -> Span {
        if let Some(known) = self.uid_runs.get(&uids) {
            return *known;
        }
        let span = append(&mut self.image.uid_runs, uids.clone());
        self.uid_runs.insert(uids, span);
        span
    }

    /// Stores a run of names.
    pub fn syms(&mut self, syms: Vec<Sym>) -> Span {
        if let Some(known) = self.sym_runs.get(&syms) {
            return *known;
        }
        let span = append(&mut self.image.sym_runs, syms.clone());
        self.sym_runs.insert(syms, span);
        span
    }

    /// Stores a pattern.
    pub fn pattern(&mut self, pieces: Vec<String>) -> u32 {
        if let Some(known) = self.patterns.get(&pieces) {
            return *known;
        }
        let at = index(self.image.patterns.len());
        self.image.patterns.push(Pattern::new(pieces.clone()));
        self.patterns.insert(pieces, at);
        at
    }

    /// The finished model.
    ///
    /// # Errors
    ///
    /// Where it has become too large.
    pub fn finish(self) -> Result<ModelImage, TooLarge> {
        let image = self.image;
        let sizes = [
            image.text.len(),
            image.values.len(),
            image.fields.len(),
            image.uid_runs.len(),
            image.sym_runs.len(),
            image.ops.len(),
            image.uids.len(),
        ];
        if sizes.iter().any(|size| *size >= 1 << 31) { Err(TooLarge) } else { Ok(image) }
    }
}

/// Appends a run; an empty one takes no place.
pub fn append<T>(pool: &mut Vec<T>, elements: Vec<T>) -> Span {
    if elements.is_empty() {
        return Span::EMPTY;
    }
    let start = index(pool.len());
    let len = index(elements.len());
    pool.extend(elements);
    Span { start, len }
}

/// An index; one that is too large is refused when the model is finished.
fn index(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
