//! Calls of extension functions: from values to the functions of [`crate::ext`].

use super::EvalError;
use crate::ext::{ExtFn, datetime, decimal, duration, ip};
use crate::request::Pools;
use crate::value::Value;

/// Applies a function to its arguments, of which there are as many as it takes.
pub(super) fn call(
    pools: Pools<'_>,
    function: ExtFn,
    arguments: &[Value],
) -> Result<Value, EvalError> {
    match arguments {
        [Value::Str(text)] => construct(function, pools.text(*text)),
        [argument] => unary(function, *argument),
        [left, right] => binary(function, *left, *right),
        _ => Err(EvalError::Malformed),
    }
}

fn construct(function: ExtFn, text: &str) -> Result<Value, EvalError> {
    let made = match function {
        ExtFn::Datetime => datetime::parse(text).map(Value::Datetime),
        ExtFn::Decimal => decimal::parse(text).map(Value::Decimal),
        ExtFn::Duration => duration::parse(text).map(Value::Duration),
        ExtFn::Ip => ip::parse(text).map(Value::Ip),
        _ => return Err(EvalError::Type),
    };
    made.map_err(|_| EvalError::Extension)
}

fn unary(function: ExtFn, argument: Value) -> Result<Value, EvalError> {
    Ok(match (function, argument) {
        (ExtFn::IsIpv4, Value::Ip(net)) => Value::Bool(net.is_ipv4()),
        (ExtFn::IsIpv6, Value::Ip(net)) => Value::Bool(net.is_ipv6()),
        (ExtFn::IsLoopback, Value::Ip(net)) => Value::Bool(net.is_loopback()),
        (ExtFn::IsMulticast, Value::Ip(net)) => Value::Bool(net.is_multicast()),
        (ExtFn::ToDate, Value::Datetime(at)) => {
            Value::Datetime(datetime::to_date(at).map_err(|_| EvalError::Extension)?)
        }
        (ExtFn::ToTime, Value::Datetime(at)) => Value::Duration(datetime::to_time(at)),
        (ExtFn::ToMilliseconds, Value::Duration(length)) => {
            Value::Long(duration::to_milliseconds(length))
        }
        (ExtFn::ToSeconds, Value::Duration(length)) => Value::Long(duration::to_seconds(length)),
        (ExtFn::ToMinutes, Value::Duration(length)) => Value::Long(duration::to_minutes(length)),
        (ExtFn::ToHours, Value::Duration(length)) => Value::Long(duration::to_hours(length)),
        (ExtFn::ToDays, Value::Duration(length)) => Value::Long(duration::to_days(length)),
        _ => return Err(EvalError::Type),
    })
}

fn binary(function: ExtFn, left: Value, right: Value) -> Result<Value, EvalError> {
    Ok(match (function, left, right) {
        (ExtFn::LessThan, Value::Decimal(a), Value::Decimal(b)) => Value::Bool(a < b),
        (ExtFn::LessThanOrEqual, Value::Decimal(a), Value::Decimal(b)) => Value::Bool(a <= b),
        (ExtFn::GreaterThan, Value::Decimal(a), Value::Decimal(b)) => Value::Bool(a > b),
        (ExtFn::GreaterThanOrEqual, Value::Decimal(a), Value::Decimal(b)) => Value::Bool(a >= b),
        (ExtFn::IsInRange, Value::Ip(net), Value::Ip(range)) => {
            Value::Bool(net.is_in_range(&range))
        }
        (ExtFn::Offset, Value::Datetime(at), Value::Duration(length)) => {
            Value::Datetime(datetime::offset(at, length).map_err(|_| EvalError::Extension)?)
        }
        (ExtFn::DurationSince, Value::Datetime(at), Value::Datetime(since)) => {
            Value::Duration(datetime::duration_since(at, since).map_err(|_| EvalError::Extension)?)
        }
        _ => return Err(EvalError::Type),
    })
}
