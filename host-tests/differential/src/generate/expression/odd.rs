//! Expressions of a type that nobody asked for.

use super::Writer;
use crate::expression::{BinOp, Expr, UnOp};
use crate::generate::schema::any_type;
use crate::generate::texts;
use cedarkey_engine::ext::ExtFn;

impl Writer<'_, '_, '_, '_> {
    /// Any expression.
    pub(super) fn odd(&mut self, depth: usize) -> Expr {
        self.left = self.left.saturating_sub(1);
        if depth == 0 || self.left == 0 {
            return self.odd_literal();
        }
        let depth = depth.saturating_sub(1);
        match self.dice.below(13) {
            0 | 1 => self.odd_literal(),
            2 | 3 => {
                let ty = any_type(self.dice, self.schema);
                self.expr(&ty, depth)
            }
            4 => {
                let holder = self.odd(depth);
                holder.attr(self.dice.pick(&texts::NAMES))
            }
            5 => {
                let op = self.dice.choose(&UnOp::ALL).copied().unwrap_or(UnOp::Not);
                Expr::unary(op, self.odd(depth))
            }
            6 | 7 => {
                let op = self.dice.choose(&BinOp::ALL).copied().unwrap_or(BinOp::Eq);
                let left = self.odd(depth);
                Expr::binary(op, left, self.odd(depth))
            }
            8 => self.odd_call(depth),
            9 => {
                let group = if self.dice.flip() { Some(Box::new(self.odd(depth))) } else { None };
                Expr::Is(Box::new(self.odd(depth)), self.kind_name(), group)
            }
            10 => {
                let count = self.dice.below(4);
                Expr::Set((0..count).map(|_| self.odd(depth)).collect())
            }
            11 => {
                // What `&&` and `||` check of their right side shows only around them.
                let (op, left) = match self.dice.flip() {
                    true => (BinOp::And, Expr::Bool(true)),
                    false => (BinOp::Or, Expr::Bool(false)),
                };
                let right = self.odd_literal();
                let whole = Expr::binary(op, left, right.clone());
                Expr::binary(BinOp::Eq, whole, right)
            }
            _ => {
                let path = ["a", "b", "x"];
                let count = self.dice.between(1, 3);
                let path = self.dice.some(&path, count).into_iter().map(String::from).collect();
                Expr::Has(Box::new(self.odd(depth)), path)
            }
        }
    }

    fn odd_literal(&mut self) -> Expr {
        if self.dice.flip()
            && let Some(path) = self.dice.choose(&self.paths)
        {
            return path.expr.clone();
        }
        match self.dice.below(4) {
            0 => Expr::Entity(self.cast.anyone(self.dice)),
            1 => Expr::Set(Vec::new()),
            2 => Expr::Record(Vec::new()),
            _ => {
                let ty = any_type(self.dice, self.schema);
                self.literal(&ty)
            }
        }
    }

    /// A call of any function, sometimes with too many or too few arguments.
    fn odd_call(&mut self, depth: usize) -> Expr {
        let function = self.dice.choose(ExtFn::ALL).copied().unwrap_or(ExtFn::Ip);
        let count = match self.dice.below(6) {
            0 => function.arity().saturating_add(1),
            // What is a method is always a method of something.
            1 => function.arity().saturating_sub(1).max(1),
            _ => function.arity(),
        };
        Expr::Call(function, (0..count).map(|_| self.odd(depth)).collect())
    }
}
