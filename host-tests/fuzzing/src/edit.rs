//! Changes to a good model: instructions, operands and references, most of which are plausible.
//!
//! Changed bytes seldom make a program that passes the check; these often do.

use arbitrary::{Result, Unstructured};
use cedarkey_engine::ext::ExtFn;
use cedarkey_engine::model::image::{ActionImage, ScopeImage, Var};
use cedarkey_engine::model::{ModelImage, Op};
use cedarkey_engine::value::{Span, Sym, Text, Uid, Value};

/// The most changes.
const MOST: usize = 12;

/// Changes one of several models.
pub(crate) fn edited(images: &[ModelImage], bytes: &mut Unstructured<'_>) -> Option<ModelImage> {
    let mut image = bytes.choose(images).ok()?.clone();
    let count = bytes.int_in_range(1..=MOST).ok()?;
    for _ in 0..count {
        change(&mut image, bytes).ok()?;
    }
    Some(image)
}

fn change(image: &mut ModelImage, bytes: &mut Unstructured<'_>) -> Result<()> {
    let sizes = Sizes::of(image);
    match bytes.int_in_range(0..=11)? {
        0..=4 => {
            let op = op(bytes, &sizes)?;
            put(&mut image.ops, bytes, op)?;
        }
        5 => {
            let value = value(bytes, &sizes)?;
            put(&mut image.values, bytes, value)?;
        }
        6 => {
            let value = value(bytes, &sizes)?;
            if let Some(field) = pick(&mut image.fields, bytes)? {
                field.value = value;
            }
        }
        7 => {
            let condition = span(bytes, sizes.ops)?;
            if let Some(policy) = pick(&mut image.policies, bytes)? {
                policy.condition = condition;
            }
        }
        8 => {
            let scope = scope(bytes, &sizes)?;
            let action = ActionImage::In(span(bytes, sizes.uid_runs)?);
            if let Some(policy) = pick(&mut image.policies, bytes)? {
                (policy.principal, policy.action) = (scope, action);
            }
        }
        9 => {
            let [attrs, tags] = [span(bytes, sizes.fields)?, span(bytes, sizes.fields)?];
            let ancestors = span(bytes, sizes.uid_runs)?;
            if let Some(entity) = pick(&mut image.entities, bytes)? {
                (entity.attrs, entity.tags, entity.ancestors) = (attrs, tags, ancestors);
            }
        }
        10 => {
            let uid = Uid(index(bytes, sizes.uids)?);
            put(&mut image.uid_runs, bytes, uid)?;
        }
        _ => {
            let sym = Sym(index(bytes, sizes.syms)?);
            put(&mut image.sym_runs, bytes, sym)?;
        }
    }
    Ok(())
}

/// How long the tables are.
struct Sizes {
    text: usize,
    syms: usize,
    uids: usize,
    values: usize,
    fields: usize,
    uid_runs: usize,
    sym_runs: usize,
    patterns: usize,
    ops: usize,
}

impl Sizes {
    fn of(image: &ModelImage) -> Self {
        Self {
            text: image.text.len(),
            syms: image.syms.len(),
            uids: image.uids.len(),
            values: image.values.len(),
            fields: image.fields.len(),
            uid_runs: image.uid_runs.len(),
            sym_runs: image.sym_runs.len(),
            patterns: image.patterns.len(),
            ops: image.ops.len(),
        }
    }
}

fn op(bytes: &mut Unstructured<'_>, sizes: &Sizes) -> Result<Op> {
    Ok(match bytes.int_in_range(0..=29)? {
        0 => Op::Add,
        1 => Op::Attr(Sym(index(bytes, sizes.syms)?)),
        2 => Op::BranchFalse(bytes.int_in_range(0..=40)?),
        3 => Op::BranchTrue(bytes.int_in_range(0..=40)?),
        4 => Op::Call(*bytes.choose(ExtFn::ALL)?),
        5 => Op::CheckBool,
        6 => Op::Contains,
        7 => Op::ContainsAll,
        8 => Op::ContainsAny,
        9 => Op::Eq,
        10 => Op::GetTag,
        11 => Op::Has(Sym(index(bytes, sizes.syms)?)),
        12 => Op::HasTag,
        13 => Op::In,
        14 => Op::Is(Sym(index(bytes, sizes.syms)?)),
        15 => Op::IsEmpty,
        16 => Op::Jump(bytes.int_in_range(0..=40)?),
        17 => Op::JumpFalse(bytes.int_in_range(0..=40)?),
        18 => Op::Less,
        19 => Op::LessEq,
        20 => Op::Like(index(bytes, sizes.patterns)?),
        21 => Op::Mul,
        22 => Op::Neg,
        23 => Op::Not,
        24 => Op::Record(span(bytes, sizes.sym_runs)?),
        25 => Op::Set(bytes.int_in_range(0..=3)?),
        26 => Op::Sub,
        27 => {
            Op::Var(*bytes.choose(&[Var::Action, Var::Context, Var::Principal, Var::Resource])?)
        }
        _ => Op::Push(value(bytes, sizes)?),
    })
}

fn value(bytes: &mut Unstructured<'_>, sizes: &Sizes) -> Result<Value> {
    Ok(match bytes.int_in_range(0..=8)? {
        0 => Value::Bool(bytes.arbitrary()?),
        1 => Value::Datetime(bytes.arbitrary()?),
        2 => Value::Decimal(bytes.arbitrary()?),
        3 => Value::Duration(bytes.arbitrary()?),
        4 => Value::Entity(Uid(index(bytes, sizes.uids)?)),
        5 => Value::Long(bytes.arbitrary()?),
        6 => Value::Record(span(bytes, sizes.fields)?),
        7 => Value::Set(span(bytes, sizes.values)?),
        _ => {
            let Span { start, len } = span(bytes, sizes.text)?;
            Value::Str(Text { start, len })
        }
    })
}

fn scope(bytes: &mut Unstructured<'_>, sizes: &Sizes) -> Result<ScopeImage> {
    let (kind, uid) = (Sym(index(bytes, sizes.syms)?), Uid(index(bytes, sizes.uids)?));
    let all = [
        ScopeImage::Any,
        ScopeImage::Eq(uid),
        ScopeImage::In(uid),
        ScopeImage::Is(kind),
        ScopeImage::IsIn(kind, uid),
    ];
    bytes.choose(&all).copied()
}

/// An index into a table of that length; now and then one that leads past its end.
fn index(bytes: &mut Unstructured<'_>, length: usize) -> Result<u32> {
    if bytes.ratio(1, 40)? {
        return bytes.arbitrary();
    }
    bytes.int_in_range(0..=u32::try_from(length.saturating_sub(1)).unwrap_or_default())
}

/// A short run of a table of that length.
fn span(bytes: &mut Unstructured<'_>, length: usize) -> Result<Span> {
    Ok(Span { start: index(bytes, length)?, len: bytes.int_in_range(0..=4)? })
}

fn pick<'a, T>(table: &'a mut [T], bytes: &mut Unstructured<'_>) -> Result<Option<&'a mut T>> {
    let at = bytes.int_in_range(0..=table.len().saturating_sub(1))?;
    Ok(table.get_mut(at))
}

fn put<T>(table: &mut [T], bytes: &mut Unstructured<'_>, new: T) -> Result<()> {
    if let Some(place) = pick(table, bytes)? {
        *place = new;
    }
    Ok(())
}
