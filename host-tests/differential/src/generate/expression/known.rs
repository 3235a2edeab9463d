//! Tests of values that lie where the answer turns: equal, or next to each other.
//!
//! What is put together at random seldom does; without these, an operator that is off by one would
//! be found late.

use super::Writer;
use crate::expression::{BinOp, Expr, UnOp};
use crate::generate::texts;
use crate::schema::{Ext, Type};
use crate::value::Value;
use cedarkey_engine::ext::ExtFn;

/// How many milliseconds the units of durations have.
const UNITS: [(ExtFn, i64); 5] = [
    (ExtFn::ToDays, 86_400_000),
    (ExtFn::ToHours, 3_600_000),
    (ExtFn::ToMinutes, 60_000),
    (ExtFn::ToSeconds, 1_000),
    (ExtFn::ToMilliseconds, 1),
];

const DAY: i64 = 86_400_000;

const COMPARISONS: [BinOp; 6] =
    [BinOp::Eq, BinOp::NotEq, BinOp::Less, BinOp::LessEq, BinOp::Greater, BinOp::GreaterEq];

const OF_DECIMALS: [ExtFn; 4] =
    [ExtFn::LessThan, ExtFn::LessThanOrEqual, ExtFn::GreaterThan, ExtFn::GreaterThanOrEqual];

const OF_IP: [ExtFn; 4] = [ExtFn::IsIpv4, ExtFn::IsIpv6, ExtFn::IsLoopback, ExtFn::IsMulticast];

impl Writer<'_, '_, '_, '_> {
    /// A test of such values.
    pub(super) fn known(&mut self) -> Expr {
        match self.dice.below(8) {
            0 => self.sum(),
            1 => self.unit(),
            2 => self.part_of_day(),
            3 => self.same(),
            4 => self.decimals(),
            5 => self.address(),
            6 if !self.manner.careful => self.text_at_run_time(),
            _ => self.instants(),
        }
    }

    fn comparison(&mut self) -> BinOp {
        self.dice.choose(&COMPARISONS).copied().unwrap_or(BinOp::Eq)
    }

    /// One less, the same, or one more.
    fn near(&mut self, value: i64) -> i64 {
        match self.dice.below(4) {
            0 => value.saturating_sub(1),
            1 => value.saturating_add(1),
            _ => value,
        }
    }

    /// An operation on integers, and about what comes of it.
    fn sum(&mut self) -> Expr {
        let (left, right) = (texts::long(self.dice), texts::long(self.dice));
        let (op, result) = match self.dice.below(4) {
            0 => (BinOp::Add, left.checked_add(right)),
            1 => (BinOp::Sub, left.checked_sub(right)),
            2 => (BinOp::Mul, left.checked_mul(right)),
            _ => {
                let result = self.near(left.checked_neg().unwrap_or(left));
                let negative = Expr::unary(UnOp::Neg, Expr::Long(left));
                return Expr::binary(self.comparison(), negative, Expr::Long(result));
            }
        };
        let sum = Expr::binary(op, Expr::Long(left), Expr::Long(right));
        let result = self.near(result.unwrap_or(left));
        Expr::binary(self.comparison(), sum, Expr::Long(result))
    }

    /// A duration, and about how many of a unit it has.
    fn unit(&mut self) -> Expr {
        let (function, unit) =
            self.dice.choose(&UNITS).copied().unwrap_or((ExtFn::ToMilliseconds, 1));
        let around = texts::long(self.dice).wrapping_rem(1000).saturating_mul(unit);
        let length = if self.dice.flip() { self.near(around) } else { texts::long(self.dice) };
        let count = self.near(length.checked_div(unit).unwrap_or_default());
        let units = Expr::Call(function, vec![duration(length)]);
        Expr::binary(self.comparison(), units, Expr::Long(count))
    }

    /// An instant, and about its day or its time of day.
    fn part_of_day(&mut self) -> Expr {
        let midnight = texts::long(self.dice).wrapping_rem(20_000).saturating_mul(DAY);
        let at = if self.dice.flip() { self.near(midnight) } else { texts::long(self.dice) };
        let time = at.rem_euclid(DAY);
        let (part, about) = if self.dice.flip() {
            let day = self.near(at.saturating_sub(time));
            (Expr::Call(ExtFn::ToDate, vec![instant(at)]), instant(day))
        } else {
            let time = self.near(time);
            (Expr::Call(ExtFn::ToTime, vec![instant(at)]), duration(time))
        };
        Expr::binary(self.comparison(), part, about)
    }

    /// Two instants, and about how long they are apart.
    fn instants(&mut self) -> Expr {
        let (at, since) = (texts::long(self.dice), texts::long(self.dice));
        let length = self.near(at.saturating_sub(since));
        if self.dice.flip() {
            let apart = Expr::Call(ExtFn::DurationSince, vec![instant(at), instant(since)]);
            return Expr::binary(self.comparison(), apart, duration(length));
        }
        let later = Expr::Call(ExtFn::Offset, vec![instant(since), duration(length)]);
        Expr::binary(self.comparison(), later, instant(at))
    }

    /// The same twice.
    fn same(&mut self) -> Expr {
        let ty = match self.dice.below(4) {
            0 => Type::Long,
            1 => Type::Ext(Ext::Datetime),
            2 => Type::Ext(Ext::Duration),
            _ => self.path_type(),
        };
        let op = match ty {
            Type::Long | Type::Ext(Ext::Datetime | Ext::Duration) => self.comparison(),
            _ => BinOp::Eq,
        };
        let value = self.simple(&ty);
        Expr::binary(op, value.clone(), value)
    }

    fn decimals(&mut self) -> Expr {
        let function = self.dice.choose(&OF_DECIMALS).copied().unwrap_or(ExtFn::LessThan);
        let texts = ["0.0", "0.0001", "-0.0001", "1.5", "1.5000", "-0.0"];
        let mut decimal = || Value::Ext(ExtFn::Decimal, self.dice.pick(&texts).into());
        let (left, right) = (decimal(), decimal());
        Expr::Call(function, vec![(&left).into(), (&right).into()])
    }

    fn address(&mut self) -> Expr {
        let mut ip = || {
            let text = texts::argument(self.dice, ExtFn::Ip);
            Expr::from(&Value::Ext(ExtFn::Ip, text))
        };
        let (one, other) = (ip(), ip());
        match self.dice.below(6) {
            0 => Expr::Call(ExtFn::IsInRange, vec![one, other]),
            1 => Expr::binary(BinOp::Eq, one, other),
            _ => {
                let function = self.dice.choose(&OF_IP).copied().unwrap_or(ExtFn::IsIpv4);
                Expr::Call(function, vec![one])
            }
        }
    }

    /// A constructor of a text that is known only when it is evaluated, and about what it makes.
    fn text_at_run_time(&mut self) -> Expr {
        let function = texts::constructor(self.dice);
        let text = texts::argument(self.dice, function);
        let other = match self.dice.below(4) {
            0 => texts::any_argument(self.dice, function),
            1 => texts::argument(self.dice, function),
            _ => text.clone(),
        };
        let literal = Expr::from(&Value::Ext(function, text));
        let late = Expr::Record(vec![("a".into(), Expr::Str(other))]).attr("a");
        Expr::binary(BinOp::Eq, literal, Expr::Call(function, vec![late]))
    }
}

fn duration(length: i64) -> Expr {
    (&Value::Ext(ExtFn::Duration, format!("{length}ms"))).into()
}

fn instant(at: i64) -> Expr {
    let epoch = Value::Ext(ExtFn::Datetime, "1970-01-01".into());
    Expr::Call(ExtFn::Offset, vec![(&epoch).into(), duration(at)])
}
