//! Faults in entities and constants.

use super::Named;
use cedarkey_engine::ext::ip::IpNet;
use cedarkey_engine::model::{ModelImage, Op};
use cedarkey_engine::value::{Span, Text, Uid, Value};

pub(super) const MUTATIONS: &[Named] = &[
    ("ancestors left out", |image| {
        image.entities.iter_mut().for_each(|entity| entity.ancestors = Span::EMPTY);
    }),
    ("nearest ancestors left out", |image| {
        // Of several the last: the order is that of the uids.
        for entity in image.entities.iter_mut().filter(|entity| entity.ancestors.len > 1) {
            entity.ancestors.len = entity.ancestors.len.saturating_sub(1);
        }
    }),
    ("attributes left out", |image| {
        image.entities.iter_mut().for_each(|entity| entity.attrs = Span::EMPTY);
    }),
    ("tags left out", |image| {
        image.entities.iter_mut().for_each(|entity| entity.tags = Span::EMPTY);
    }),
    ("entities left out", |image| image.entities.clear()),
    ("constant boolean turned", |image| {
        each(image, |value| match value {
            Value::Bool(value) => Some(Value::Bool(!value)),
            _ => None,
        });
    }),
    ("constant integer off by one", |image| {
        each(image, |value| match value {
            Value::Long(value) => Some(Value::Long(value.wrapping_add(1))),
            _ => None,
        });
    }),
    ("constant decimal off by one", |image| {
        each(image, |value| match value {
            Value::Decimal(value) => Some(Value::Decimal(value.wrapping_add(1))),
            _ => None,
        });
    }),
    ("constant instant off by one", |image| {
        each(image, |value| match value {
            Value::Datetime(value) => Some(Value::Datetime(value.wrapping_add(1))),
            _ => None,
        });
    }),
    ("constant duration off by one", |image| {
        each(image, |value| match value {
            Value::Duration(value) => Some(Value::Duration(value.wrapping_add(1))),
            _ => None,
        });
    }),
    ("constant string emptied", |image| {
        each(image, |value| match value {
            Value::Str(_) => Some(Value::Str(Text::EMPTY)),
            _ => None,
        });
    }),
    ("constant entity as another", |image| {
        each(image, |value| match value {
            Value::Entity(_) => Some(Value::Entity(Uid(0))),
            _ => None,
        });
    }),
    ("constant range without its length", |image| {
        each(image, |value| match value {
            Value::Ip(net) => {
                Some(Value::Ip(IpNet { prefix: if net.v6 { 128 } else { 32 }, ..net }))
            }
            _ => None,
        });
    }),
    ("constant set emptied", |image| {
        each(image, |value| match value {
            Value::Set(_) => Some(Value::Set(Span::EMPTY)),
            _ => None,
        });
    }),
    ("constant record emptied", |image| {
        each(image, |value| match value {
            Value::Record(_) => Some(Value::Record(Span::EMPTY)),
            _ => None,
        });
    }),
];

/// Replaces the constants in conditions.
fn each(image: &mut ModelImage, change: impl Fn(Value) -> Option<Value>) {
    for op in &mut image.ops {
        if let Op::Push(value) = op {
            *value = change(*value).unwrap_or(*value);
        }
    }
}
