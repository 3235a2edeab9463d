//! The request's own pool: principal, context and whatever evaluation builds on the way.
//!
//! A [`Request`] is meant to be kept and cleared, so that deciding allocates nothing once its
//! buffers have grown to their usual size.

use crate::model::{Model, image::UidImage};
use crate::value::{Field, Pool, Span, Sym, Text, Uid, Value, in_request, split};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use core::cmp::Ordering;

/// Data of one request: names, uids, entities and values that the model does not hold.
#[derive(Debug, Default)]
pub struct Request {
    text: String,
    syms: Vec<Text>,
    uids: Vec<UidImage>,
    uid_runs: Vec<Uid>,
    values: Vec<Value>,
    fields: Vec<Field>,
    entities: Vec<LocalEntity>,
    /// Set when values nested deeper than [`MAX_COMPARED`] were compared.
    too_deep: Cell<bool>,
}

/// How deep values in a model may nest. Deeper ones cannot come from the compiler, nor pass the
/// verifier.
pub const MAX_DEPTH: u32 = 512;

/// How deep values are compared: literals in a policy may nest around a value of the model.
const MAX_COMPARED: u32 = 2 * MAX_DEPTH;

/// An entity that only this request knows, or knows better than the store.
///
/// Its attributes are those of two runs, so that what many keys share need not be copied.
#[derive(Clone, Copy, Debug)]
pub struct LocalEntity {
    /// Which entity.
    pub uid: Uid,
    /// The runs of attributes; the first that has a name wins.
    pub attrs: [Span; 2],
    /// Its parents; their ancestors are its ancestors too.
    pub parents: Span,
}

/// How far a request's pool was filled, to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    values: usize,
    fields: usize,
}

/// Both pools together: all that is needed to read a value.
#[derive(Clone, Copy, Debug)]
pub struct Pools<'a> {
    /// The model's pool.
    pub model: &'a Model,
    /// The request's pool.
    pub request: &'a Request,
}

// === impl Request ===

impl Request {
    /// An empty request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.syms.clear();
        self.uids.clear();
        self.uid_runs.clear();
        self.values.clear();
        self.fields.clear();
        self.entities.clear();
        self.too_deep.set(false);
    }

    /// Copies text into the request.
    pub fn text(&mut self, text: &str) -> Text {
        let start = in_request(self.text.len());
        self.text.push_str(text);
        Text { start, len: u32::try_from(text.len()).unwrap_or(u32::MAX) }
    }

    /// A string value.
    pub fn string(&mut self, text: &str) -> Value {
        Value::Str(self.text(text))
    }

    /// The interned form of a name.
    pub fn sym(&mut self, model: &Model, name: &str) -> Sym {
        if let Some(sym) = model.sym(name) {
            return sym;
        }
        let known = self.syms.iter().position(|text| self.own_text(*text) == name);
        let position = known.unwrap_or_else(|| {
            let text = self.text(name);
            self.syms.push(text);
            self.syms.len().saturating_sub(1)
        });
        Sym(in_request(position))
    }

    /// The interned form of an entity uid.
    pub fn uid(&mut self, model: &Model, kind: &str, id: &str) -> Uid {
        let kind = self.sym(model, kind);
        self.uid_of(model, kind, id)
    }

    /// The same, of a type whose name is interned.
    pub(crate) fn uid_of(&mut self, model: &Model, kind: Sym, id: &str) -> Uid {
        if let Some(uid) = model.uid_of(kind, id) {
            return uid;
        }
        let known =
            self.uids.iter().position(|uid| uid.kind == kind && self.own_text(uid.id) == id);
        let position = known.unwrap_or_else(|| {
            let id = self.text(id);
            self.uids.push(UidImage { kind, id });
            self.uids.len().saturating_sub(1)
        });
        Uid(in_request(position))
    }

    /// A run of uids.
    pub fn uid_run(&mut self, uids: &[Uid]) -> Span {
        let start = in_request(self.uid_runs.len());
        self.uid_runs.extend_from_slice(uids);
        Span { start, len: u32::try_from(uids.len()).unwrap_or(u32::MAX) }
    }

    /// A record of the given fields, in any order; of two fields of one name the last wins.
    pub fn record(&mut self, fields: &[Field]) -> Span {
        let first = self.fields.len();
        for field in fields {
            // Records are small: to put each field in its place takes less code than to sort them.
            let sorted = self.fields.get_mut(first..).unwrap_or_default();
            // Most come in their order.
            if sorted.last().is_none_or(|last| last.name < field.name) {
                self.fields.push(*field);
                continue;
            }
            match sorted.binary_search_by_key(&field.name, |field| field.name) {
                Ok(at) => {
                    if let Some(known) = sorted.get_mut(at) {
                        *known = *field;
                    }
                }
                Err(at) => self.fields.insert(first.saturating_add(at), *field),
            }
        }
        let len = self.fields.len().saturating_sub(first);
        Span { start: in_request(first), len: u32::try_from(len).unwrap_or(u32::MAX) }
    }

    /// A set of the given elements, in any order, which are sorted where they stand.
    pub fn set(&mut self, model: &Model, elements: &mut [Value]) -> Span {
        let pools = Pools { model, request: self };
        elements.sort_unstable_by(|a, b| pools.compare(a, b));
        let first = self.values.len();
        for element in elements {
            let last = self.values.get(first..).and_then(<[Value]>::last).copied();
            let pools = Pools { model, request: self };
            if last.is_none_or(|last| pools.compare(&last, element).is_ne()) {
                self.values.push(*element);
            }
        }
        let len = self.values.len().saturating_sub(first);
        Span { start: in_request(first), len: u32::try_from(len).unwrap_or(u32::MAX) }
    }

    /// Adds an entity that only this request knows. It replaces one of the same uid in the store.
    pub fn add_entity(&mut self, entity: LocalEntity) {
        self.entities.push(entity);
    }

    pub(crate) fn push_fields(&mut self, fields: impl Iterator<Item = Field>) -> Span {
        let first = self.fields.len();
        self.fields.extend(fields);
        let len = self.fields.len().saturating_sub(first);
        Span { start: in_request(first), len: u32::try_from(len).unwrap_or(u32::MAX) }
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { values: self.values.len(), fields: self.fields.len() }
    }

    /// Forgets the values built since `mark`.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.values.truncate(mark.values);
        self.fields.truncate(mark.fields);
    }

    /// Whether values too deep to compare were met, since this was last asked.
    pub(crate) fn take_too_deep(&self) -> bool {
        self.too_deep.replace(false)
    }

    fn own_text(&self, text: Text) -> &str {
        self.text.get(text.span().range()).unwrap_or_default()
    }
}

// === impl Pools ===

impl<'a> Pools<'a> {
    /// The text behind a reference.
    pub fn text(self, text: Text) -> &'a str {
        match text.span().pool() {
            Pool::Model => self.model.text(text),
            Pool::Request => self.request.text.get(text.span().range()).unwrap_or_default(),
        }
    }

    /// The elements of a set.
    pub fn values(self, span: Span) -> &'a [Value] {
        let pool = match span.pool() {
            Pool::Model => self.model.values(),
            Pool::Request => &self.request.values,
        };
        pool.get(span.range()).unwrap_or_default()
    }

    /// The fields of a record.
    pub fn fields(self, span: Span) -> &'a [Field] {
        let pool = match span.pool() {
            Pool::Model => self.model.fields(),
            Pool::Request => &self.request.fields,
        };
        pool.get(span.range()).unwrap_or_default()
    }

    /// A run of uids.
    pub fn uids(self, span: Span) -> &'a [Uid] {
        match span.pool() {
            Pool::Model => self.model.uid_run(span),
            Pool::Request => self.request.uid_runs.get(span.range()).unwrap_or_default(),
        }
    }

    /// The text of a name.
    pub fn name(self, sym: Sym) -> &'a str {
        match split(sym.0) {
            (Pool::Model, _) => self.model.name(sym),
            (Pool::Request, at) => self.request.syms.get(at).map_or("", |text| self.text(*text)),
        }
    }

    /// The type of an entity.
    pub fn kind_of(self, uid: Uid) -> Option<Sym> {
        self.uid(uid).map(|uid| uid.kind)
    }

    /// The type and id of an entity.
    pub fn uid(self, uid: Uid) -> Option<&'a UidImage> {
        match split(uid.0) {
            (Pool::Model, _) => self.model.uid_image(uid),
            (Pool::Request, at) => self.request.uids.get(at),
        }
    }

    /// The attribute of a record.
    pub fn field(self, record: Span, name: Sym) -> Option<&'a Value> {
        let fields = self.fields(record);
        // Few are looked through faster than they are searched.
        if fields.len() <= 8 {
            for field in fields {
                if field.name == name {
                    return Some(&field.value);
                }
            }
            return None;
        }
        let at = fields.binary_search_by_key(&name, |field| field.name).ok()?;
        fields.get(at).map(|field| &field.value)
    }

    /// The entity of this uid that only the request knows.
    #[inline]
    pub fn local(self, uid: Uid) -> Option<&'a LocalEntity> {
        if self.request.entities.is_empty() { None } else { self.find_local(uid) }
    }

    #[inline(never)]
    fn find_local(self, uid: Uid) -> Option<&'a LocalEntity> {
        self.request.entities.iter().find(|entity| entity.uid == uid)
    }

    /// Whether `uid` is `ancestor` or one of its descendants.
    pub fn is_in(self, uid: Uid, ancestor: Uid) -> bool {
        if uid == ancestor {
            return true;
        }
        match self.local(uid) {
            Some(entity) => self
                .uids(entity.parents)
                .iter()
                .any(|parent| *parent == ancestor || self.model.has_ancestor(*parent, ancestor)),
            None => self.model.has_ancestor(uid, ancestor),
        }
    }

    /// The order of values: total, and equal only for what Cedar's `==` calls equal.
    pub fn compare(self, a: &Value, b: &Value) -> Ordering {
        self.compare_at(a, b, 0)
    }

    fn compare_at(self, a: &Value, b: &Value, depth: u32) -> Ordering {
        if depth > MAX_COMPARED {
            self.request.too_deep.set(true);
            return Ordering::Equal;
        }
        let deeper = depth.saturating_add(1);
        match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Long(a), Value::Long(b))
            | (Value::Decimal(a), Value::Decimal(b))
            | (Value::Datetime(a), Value::Datetime(b))
            | (Value::Duration(a), Value::Duration(b)) => a.cmp(b),
            (Value::Str(a), Value::Str(b)) if a == b => Ordering::Equal,
            (Value::Str(a), Value::Str(b)) => self.text(*a).cmp(self.text(*b)),
            (Value::Entity(a), Value::Entity(b)) => a.cmp(b),
            (Value::Ip(a), Value::Ip(b)) => a.cmp(b),
            (Value::Set(a), Value::Set(b)) | (Value::Record(a), Value::Record(b)) if a == b => {
                Ordering::Equal
            }
            (Value::Set(a), Value::Set(b)) => {
                lexicographic(self.values(*a), self.values(*b), |a, b| {
                    self.compare_at(a, b, deeper)
                })
            }
            (Value::Record(a), Value::Record(b)) => {
                lexicographic(self.fields(*a), self.fields(*b), |a, b| {
                    let names = a.name.cmp(&b.name);
                    names.then_with(|| self.compare_at(&a.value, &b.value, deeper))
                })
            }
            _ => a.kind().cmp(&b.kind()),
        }
    }

    /// Whether values are what Cedar's `==` calls equal.
    #[inline]
    pub(crate) fn same(self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Entity(a), Value::Entity(b)) => a == b,
            (Value::Long(a), Value::Long(b)) => a == b,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            _ => self.compare(a, b).is_eq(),
        }
    }

    /// Whether a set holds a value.
    pub fn contains(self, set: Span, value: &Value) -> bool {
        let elements = self.values(set);
        // Few are looked through faster than they are searched.
        if elements.len() <= 4 {
            return elements.iter().any(|element| self.same(element, value));
        }
        elements.binary_search_by(|element| self.compare(element, value)).is_ok()
    }
}

/// Shorter first; of equal length, by the first pair that differs.
fn lexicographic<T>(a: &[T], b: &[T], order: impl Fn(&T, &T) -> Ordering) -> Ordering {
    let pairs = || a.iter().zip(b).map(|(a, b)| order(a, b));
    a.len().cmp(&b.len()).then_with(|| pairs().find(|o| o.is_ne()).unwrap_or(Ordering::Equal))
}
