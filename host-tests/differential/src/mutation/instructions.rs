//! Faults in the instructions of conditions.

use super::{Mutation, Named};
use cedarkey_engine::ext::ExtFn;
use cedarkey_engine::model::image::Var;
use cedarkey_engine::model::{ModelImage, Op};
use cedarkey_engine::pattern::Pattern;
use cedarkey_engine::value::Sym;

pub(super) const MUTATIONS: &[Named] = &[
    ("add as subtract", |image| each(image, |_, op| matches!(op, Op::Add).then_some(Op::Sub))),
    ("subtract as add", |image| each(image, |_, op| matches!(op, Op::Sub).then_some(Op::Add))),
    ("multiply as add", |image| each(image, |_, op| matches!(op, Op::Mul).then_some(Op::Add))),
    ("negation left out", |image| skip(image, |op| matches!(op, Op::Neg))),
    ("less as less or equal", |image| {
        each(image, |_, op| matches!(op, Op::Less).then_some(Op::LessEq));
    }),
    ("less or equal as less", |image| {
        each(image, |_, op| matches!(op, Op::LessEq).then_some(Op::Less));
    }),
    ("equal as less or equal", |image| {
        each(image, |_, op| matches!(op, Op::Eq).then_some(Op::LessEq));
    }),
    ("in as equal", |image| each(image, |_, op| matches!(op, Op::In).then_some(Op::Eq))),
    ("contains as equal", |image| {
        each(image, |_, op| matches!(op, Op::Contains).then_some(Op::Eq));
    }),
    ("all as any", |image| {
        each(image, |_, op| matches!(op, Op::ContainsAll).then_some(Op::ContainsAny));
    }),
    ("any as all", |image| {
        each(image, |_, op| matches!(op, Op::ContainsAny).then_some(Op::ContainsAll));
    }),
    ("empty as boolean", |image| {
        each(image, |_, op| matches!(op, Op::IsEmpty).then_some(Op::CheckBool));
    }),
    ("tag test as equal", |image| {
        each(image, |_, op| matches!(op, Op::HasTag).then_some(Op::Eq));
    }),
    ("tag as tag test", |image| {
        each(image, |_, op| matches!(op, Op::GetTag).then_some(Op::HasTag));
    }),
    ("type test of another type", |image| {
        each(image, |_, op| matches!(op, Op::Is(_)).then_some(Op::Is(Sym(0))));
    }),
    ("attribute test of another name", |image| {
        each(image, |_, op| matches!(op, Op::Has(_)).then_some(Op::Has(Sym(0))));
    }),
    ("attribute of another name", |image| {
        each(image, |_, op| matches!(op, Op::Attr(_)).then_some(Op::Attr(Sym(0))));
    }),
    ("not left out", |image| skip(image, |op| matches!(op, Op::Not))),
    ("check for a boolean left out", |image| skip(image, |op| matches!(op, Op::CheckBool))),
    ("and as or", |image| {
        each(image, |_, op| match op {
            Op::BranchFalse(to) => Some(Op::BranchTrue(to)),
            _ => None,
        });
    }),
    ("or as and", |image| {
        each(image, |_, op| match op {
            Op::BranchTrue(to) => Some(Op::BranchFalse(to)),
            _ => None,
        });
    }),
    ("principal as resource", |image| swap(image, Var::Principal, Var::Resource)),
    ("resource as principal", |image| swap(image, Var::Resource, Var::Principal)),
    ("action as principal", |image| swap(image, Var::Action, Var::Principal)),
    ("context as resource", |image| swap(image, Var::Context, Var::Resource)),
    ("pattern that matches all", |image| {
        image.patterns.fill(Pattern::new(vec![String::new(), String::new()]));
    }),
    ("pattern that matches nothing", |image| {
        image.patterns.fill(Pattern::new(vec!["\u{fffd}".into()]));
    }),
];

/// For each function that there is another of with as many arguments: that in its stead.
pub(super) fn calls() -> impl Iterator<Item = Mutation> {
    macro_rules! call {
        ($($from:ident $to:ident,)*) => {
            [$(Mutation {
                name: concat!("function ", stringify!($from), " as ", stringify!($to)),
                apply: |image| each(image, |_, op| match op {
                    Op::Call(ExtFn::$from) => Some(Op::Call(ExtFn::$to)),
                    _ => None,
                }),
            },)*]
        };
    }
    let calls = call! {
        Datetime Duration,
        Decimal Ip,
        Duration Datetime,
        DurationSince Offset,
        GreaterThan GreaterThanOrEqual,
        GreaterThanOrEqual GreaterThan,
        Ip Decimal,
        IsInRange LessThan,
        IsIpv4 IsIpv6,
        IsIpv6 IsIpv4,
        IsLoopback IsMulticast,
        IsMulticast IsLoopback,
        LessThan LessThanOrEqual,
        LessThanOrEqual LessThan,
        Offset DurationSince,
        ToDate ToTime,
        ToDays ToHours,
        ToHours ToMinutes,
        ToMilliseconds ToSeconds,
        ToMinutes ToSeconds,
        ToSeconds ToMilliseconds,
        ToTime ToDate,
    };
    calls.into_iter()
}

/// Replaces instructions; the change is told where in its condition each stands.
fn each(image: &mut ModelImage, change: impl Fn(u32, Op) -> Option<Op>) {
    for policy in &image.policies {
        let from = policy.condition.start as usize;
        let ops = image.ops.iter_mut().skip(from).take(policy.condition.len as usize);
        for (at, op) in (0..).zip(ops) {
            *op = change(at, *op).unwrap_or(*op);
        }
    }
}

/// Puts a jump to the next instruction where one was.
fn skip(image: &mut ModelImage, which: impl Fn(Op) -> bool) {
    each(image, |at, op| which(op).then_some(Op::Jump(at.saturating_add(1))));
}

fn swap(image: &mut ModelImage, from: Var, to: Var) {
    each(image, |_, op| match op {
        Op::Var(var) if var == from => Some(Op::Var(to)),
        _ => None,
    });
}
