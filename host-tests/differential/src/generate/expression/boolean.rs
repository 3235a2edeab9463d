//! Expressions that hold or not.

use super::Writer;
use crate::expression::{BinOp, Expr, Piece, UnOp};
use crate::generate::paths::Path;
use crate::generate::schema::any_type;
use crate::generate::texts;
use crate::schema::{Ext, Type};
use cedarkey_engine::ext::ExtFn;

/// The longest chain of `&&` or `||`.
const CHAIN: usize = 12;

/// The highest tower of expressions around each other.
const TOWER: usize = 60;

/// What may stand between two expressions of one type and tells which is more.
const ORDERS: [BinOp; 4] = [BinOp::Less, BinOp::LessEq, BinOp::Greater, BinOp::GreaterEq];

impl Writer<'_, '_, '_, '_> {
    pub(super) fn boolean(&mut self, depth: usize) -> Expr {
        match self.dice.below(34) {
            0 | 1 => self.simple(&Type::Bool),
            2..=4 => self.equality(depth),
            5 | 6 => self.order(depth),
            7..=9 => self.pair(BinOp::And, &Type::Bool, depth),
            10..=12 => self.pair(BinOp::Or, &Type::Bool, depth),
            13 => Expr::unary(UnOp::Not, self.expr(&Type::Bool, depth)),
            14 if self.dice.chance(1, 4) => self.tower(),
            14 => self.chain(),
            15..=17 => self.membership(depth),
            18 | 19 => self.contents(depth),
            20 | 21 => self.kind_test(depth),
            22..=24 => self.presence(depth),
            25 => self.like(depth),
            26 => self.tag(depth),
            27..=29 => self.extension_test(depth),
            _ => self.known(),
        }
    }

    fn equality(&mut self, depth: usize) -> Expr {
        let op = if self.dice.chance(2, 3) { BinOp::Eq } else { BinOp::NotEq };
        let ty = match self.dice.below(3) {
            0 => self.entity_type(),
            1 => any_type(self.dice, self.schema),
            _ => self.path_type(),
        };
        self.pair(op, &ty, depth)
    }

    /// The type of something that there is a way to.
    pub(super) fn path_type(&mut self) -> Type {
        let path = self.dice.choose(&self.paths);
        path.map_or(Type::Long, |path| path.ty.clone())
    }

    fn order(&mut self, depth: usize) -> Expr {
        let ty = match self.dice.below(4) {
            0 | 1 => Type::Long,
            2 => Type::Ext(Ext::Datetime),
            _ => Type::Ext(Ext::Duration),
        };
        let op = self.dice.choose(&ORDERS).copied().unwrap_or(BinOp::Less);
        self.pair(op, &ty, depth)
    }

    /// `a && b && ..` or `a || b || ..`
    fn chain(&mut self) -> Expr {
        let op = if self.dice.flip() { BinOp::And } else { BinOp::Or };
        let count = self.dice.between(2, CHAIN);
        let mut operands: Vec<_> = (0..count).map(|_| self.expr(&Type::Bool, 1)).collect();
        if self.dice.flip() {
            // The brackets on the other side.
            operands.reverse();
            let nested = operands.into_iter().reduce(|right, left| Expr::binary(op, left, right));
            return nested.unwrap_or(Expr::Bool(true));
        }
        let chain = operands.into_iter().reduce(|left, right| Expr::binary(op, left, right));
        chain.unwrap_or(Expr::Bool(true))
    }

    /// Expressions around each other, many more than otherwise.
    fn tower(&mut self) -> Expr {
        let height = self.dice.between(10, TOWER);
        let innermost = self.simple(&Type::Bool);
        (0..height).fold(innermost, |inner, _| match self.dice.below(5) {
            0 => Expr::unary(UnOp::Not, inner),
            1 => Expr::choice(self.simple(&Type::Bool), inner, Expr::Bool(false)),
            2 => Expr::Record(vec![("a".into(), inner)]).attr("a"),
            3 => Expr::binary(BinOp::Eq, inner, Expr::Bool(true)),
            _ => Expr::binary(BinOp::And, Expr::Bool(true), inner),
        })
    }

    fn membership(&mut self, depth: usize) -> Expr {
        let (member, group) = (self.entity_type(), self.entity_type());
        let group = if self.dice.flip() { group } else { Type::Set(Box::new(group)) };
        let member = self.expr(&member, depth);
        Expr::binary(BinOp::In, member, self.expr(&group, depth))
    }

    fn contents(&mut self, depth: usize) -> Expr {
        let ty = if self.dice.flip() { self.path_type() } else { any_type(self.dice, self.schema) };
        let element = match ty {
            Type::Set(element) => *element,
            other => other,
        };
        let set = Type::Set(Box::new(element.clone()));
        match self.dice.below(5) {
            0 | 1 => {
                let set = self.expr(&set, depth);
                Expr::binary(BinOp::Contains, set, self.expr(&element, depth))
            }
            2 => self.pair(BinOp::ContainsAll, &set, depth),
            3 => self.pair(BinOp::ContainsAny, &set, depth),
            _ => Expr::unary(UnOp::IsEmpty, self.expr(&set, depth)),
        }
    }

    fn kind_test(&mut self, depth: usize) -> Expr {
        let ty = self.entity_type();
        let entity = Box::new(self.expr(&ty, depth));
        let group = self.dice.flip().then(|| {
            let ty = self.entity_type();
            Box::new(self.expr(&ty, depth))
        });
        Expr::Is(entity, self.kind_name(), group)
    }

    /// `has`, in one step or several.
    fn presence(&mut self, depth: usize) -> Expr {
        if self.dice.flip()
            && let Some(path) = self.path_to_a_field()
        {
            return path;
        }
        let ty = match self.dice.below(3) {
            0 => self.path_type(),
            _ => self.entity_type(),
        };
        let ty = match ty {
            Type::Record(_) | Type::Entity(_) => ty,
            _ => Type::Entity(self.dice.below(self.schema.kinds.len())),
        };
        let holder = self.expr(&ty, depth);
        let name = self.dice.pick(&texts::NAMES);
        Expr::Has(Box::new(holder), vec![name.into()])
    }

    /// A test for all of a way at once, or for its last step.
    fn path_to_a_field(&mut self) -> Option<Expr> {
        let is_field = |path: &&Path| matches!(path.expr, Expr::Attr(..));
        let fields: Vec<_> = self.paths.iter().filter(is_field).collect();
        let path = (*self.dice.choose(&fields)?).clone();
        let mut names = Vec::new();
        let mut holder = path.expr;
        let most = self.dice.between(1, 3);
        while names.len() < most {
            match holder {
                Expr::Attr(inner, name)
                    if names.is_empty() || crate::expression::is_name(&name) =>
                {
                    names.push(name);
                    holder = *inner;
                }
                other => {
                    holder = other;
                    break;
                }
            }
            // Only names can be parts of a longer way.
            if names.last().is_none_or(|name| !crate::expression::is_name(name)) {
                break;
            }
        }
        names.reverse();
        Some(Expr::Has(Box::new(holder), names))
    }

    fn like(&mut self, depth: usize) -> Expr {
        let text = self.expr(&Type::Str, depth);
        let count = self.dice.below(5);
        let pieces = (0..count).map(|_| match self.dice.below(2) {
            0 => Piece::Any,
            _ => Piece::Text(match self.dice.below(2) {
                0 => texts::scribble(self.dice, "ab*né", 2),
                _ => texts::string(self.dice),
            }),
        });
        let pieces = pieces.collect();
        Expr::Like(Box::new(text), pieces)
    }

    fn tag(&mut self, depth: usize) -> Expr {
        let tagged: Vec<_> = self.schema.kinds.iter().enumerate().collect();
        let tagged: Vec<_> =
            tagged.into_iter().filter(|(_, kind)| kind.tags.is_some()).map(|(at, _)| at).collect();
        let at = self.dice.choose(&tagged).copied();
        let at = at.unwrap_or_else(|| self.dice.below(self.schema.kinds.len()));
        let entity = self.expr(&Type::Entity(at), depth);
        let name = if self.dice.chance(3, 4) {
            Expr::Str(self.dice.pick(&texts::NAMES).into())
        } else {
            self.expr(&Type::Str, depth)
        };
        let test = Expr::binary(BinOp::HasTag, entity.clone(), name.clone());
        let tags = self.schema.kinds.get(at).and_then(|kind| kind.tags.clone());
        let Some(tags) = tags.filter(|_| self.dice.flip()) else { return test };
        let tag = Expr::binary(BinOp::GetTag, entity, name);
        let wanted = Expr::binary(BinOp::Eq, tag, self.expr(&tags, 0));
        if !self.manner.careful && self.dice.flip() {
            return wanted;
        }
        Expr::binary(BinOp::And, test, wanted)
    }

    fn extension_test(&mut self, depth: usize) -> Expr {
        let of_ip = [ExtFn::IsIpv4, ExtFn::IsIpv6, ExtFn::IsLoopback, ExtFn::IsMulticast];
        let of_decimals = [
            ExtFn::LessThan,
            ExtFn::LessThanOrEqual,
            ExtFn::GreaterThan,
            ExtFn::GreaterThanOrEqual,
        ];
        let [ip, decimal] = [Ext::Ip, Ext::Decimal].map(Type::Ext);
        match self.dice.below(3) {
            0 => {
                let function = self.dice.choose(&of_ip).copied().unwrap_or(ExtFn::IsIpv4);
                Expr::Call(function, vec![self.expr(&ip, depth)])
            }
            1 => {
                let net = self.expr(&ip, depth);
                Expr::Call(ExtFn::IsInRange, vec![net, self.expr(&ip, depth)])
            }
            _ => {
                let function = self.dice.choose(&of_decimals).copied().unwrap_or(ExtFn::LessThan);
                let left = self.expr(&decimal, depth);
                Expr::Call(function, vec![left, self.expr(&decimal, depth)])
            }
        }
    }
}
