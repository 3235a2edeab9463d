//! Expressions as text.

use super::{Expr, Piece, UnOp};
use crate::uid::Quoted;
use cedarkey_engine::ext::ExtFn;
use std::fmt::{self, Write as _};

/// An operand: in brackets unless it stands for itself.
struct Operand<'a>(&'a Expr);

/// Expressions with commas between them.
struct List<'a>(&'a [Expr]);

/// Words that are no names.
const RESERVED: [&str; 9] = ["else", "false", "has", "if", "in", "is", "like", "then", "true"];

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Long(value) => write!(f, "{value}"),
            Self::Str(text) => Quoted(text).fmt(f),
            Self::Entity(uid) => uid.fmt(f),
            Self::Var(var) => f.write_str(var.name()),
            Self::Unary(UnOp::IsEmpty, e) => write!(f, "{}.isEmpty()", Operand(e)),
            Self::Unary(UnOp::Neg, e) => write!(f, "-({e})"),
            Self::Unary(UnOp::Not, e) => write!(f, "!{}", Operand(e)),
            Self::Binary(op, left, right) if op.is_method() => {
                write!(f, "{}.{}({right})", Operand(left), op.name())
            }
            Self::Binary(op, left, right) => {
                write!(f, "{} {} {}", Operand(left), op.name(), Operand(right))
            }
            Self::If(condition, then, other) => {
                write!(f, "if {condition} then {then} else {other}")
            }
            Self::Attr(e, name) if is_name(name) => write!(f, "{}.{name}", Operand(e)),
            Self::Attr(e, name) => write!(f, "{}[{}]", Operand(e), Quoted(name)),
            Self::Has(e, path) => match path.as_slice() {
                [name] if !is_name(name) => write!(f, "{} has {}", Operand(e), Quoted(name)),
                path => write!(f, "{} has {}", Operand(e), path.join(".")),
            },
            Self::Like(e, pieces) => {
                write!(f, "{} like \"", Operand(e))?;
                pieces.iter().try_for_each(|piece| piece.fmt(f))?;
                f.write_char('"')
            }
            Self::Is(e, kind, None) => write!(f, "{} is {kind}", Operand(e)),
            Self::Is(e, kind, Some(group)) => {
                write!(f, "{} is {kind} in {}", Operand(e), Operand(group))
            }
            Self::Set(elements) => write!(f, "[{}]", List(elements)),
            Self::Record(fields) => {
                f.write_char('{')?;
                for (at, (name, e)) in fields.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    write!(f, "{comma}{}: {e}", Quoted(name))?;
                }
                f.write_char('}')
            }
            Self::Call(function, arguments) => match arguments.split_first() {
                Some((first, rest)) if is_method(*function) => {
                    write!(f, "{}.{}({})", Operand(first), function.name(), List(rest))
                }
                _ => write!(f, "{}({})", function.name(), List(arguments)),
            },
        }
    }
}

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(expr) = self;
        let alone = match expr {
            Expr::Bool(_) | Expr::Str(_) | Expr::Var(_) | Expr::Set(_) | Expr::Attr(..) => true,
            Expr::Long(value) => *value >= 0,
            Expr::Unary(UnOp::IsEmpty, _) | Expr::Call(..) => true,
            Expr::Binary(op, ..) => op.is_method(),
            _ => false,
        };
        if alone { expr.fmt(f) } else { write!(f, "({expr})") }
    }
}

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, expr) in self.0.iter().enumerate() {
            write!(f, "{}{expr}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_char('*'),
            Self::Text(text) => text.chars().try_for_each(|c| match c {
                '*' => f.write_str("\\*"),
                c => write!(f, "{}", c.escape_debug()),
            }),
        }
    }
}

/// Whether a function is written as a method of its first argument.
pub fn is_method(function: ExtFn) -> bool {
    !matches!(function, ExtFn::Datetime | ExtFn::Decimal | ExtFn::Duration | ExtFn::Ip)
}

/// Whether text can stand where a name must.
pub fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let starts = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts && characters.all(|c| c.is_ascii_alphanumeric() || c == '_') && !RESERVED.contains(&text)
}
