//! Expressions: each becomes a constant, or instructions that leave its value on the stack.

use super::attribute::attribute_name;
use super::code::Code;
use super::literal::constants;
use super::{LowerError, Lowering, MAX_NESTING, unsupported};
use crate::constant::Constant;
use cedarkey_engine::ext::ExtFn;
use cedarkey_engine::model::Op;
use cedarkey_engine::model::image::Var;
use serde_json::Value as Json;

/// A lowered expression.
pub(super) enum Node {
    /// A value, and how deep its literals nest.
    Constant(Constant, usize),
    /// Instructions.
    Code(Code),
}

/// How many instructions an expression may come to. `is T in g` and `has a.b` evaluate an operand
/// more than once, and so multiply what they nest.
const MAX_OPS: usize = 1 << 16;

/// Room for one level of lowering, with much to spare.
const RED_ZONE: usize = 128 * 1024;

const STACK_STEP: usize = 4 * 1024 * 1024;

impl Lowering<'_> {
    /// Lowers an expression, and adds the facts that it reads.
    pub(super) fn expression(
        &mut self,
        json: &Json,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
        if depth > MAX_NESTING {
            return Err(LowerError::Nesting);
        }
        let node = stacker::maybe_grow(RED_ZONE, STACK_STEP, || {
            self.dispatch(json, facts, depth.saturating_add(1))
        })?;
        match &node {
            Node::Code(code) if code.len() > MAX_OPS => Err(LowerError::TooLarge),
            _ => Ok(node),
        }
    }

    fn dispatch(
        &mut self,
        json: &Json,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
        let mut members = json.as_object().into_iter().flatten();
        let (Some((form, body)), None) = (members.next(), members.next()) else {
            return Err(unsupported("the expression", json));
        };
        let ops: &[Op] = match form.as_str() {
            "Value" => return self.literal(body),
            "Var" => return self.variable(body, facts),
            "Set" => return self.set(body, facts, depth),
            "Record" => return self.record(body, facts, depth),
            "." => return self.attribute(body, facts, depth),
            "has" => return self.has(body, facts, depth),
            "is" => return self.is(body, facts, depth),
            "like" => return self.like(body, facts, depth),
            "if-then-else" => return self.conditional(body, facts, depth),
            "&&" => return self.short_circuit(body, facts, depth, Code::both),
            "||" => return self.short_circuit(body, facts, depth, Code::either),
            "!" => return self.unary(body, Op::Not, facts, depth),
            "neg" => return self.unary(body, Op::Neg, facts, depth),
            "isEmpty" => return self.unary(body, Op::IsEmpty, facts, depth),
            "==" => &[Op::Eq],
            "!=" => &[Op::Eq, Op::Not],
            "<" => &[Op::Less],
            "<=" => &[Op::LessEq],
            // With the operands in their order, an error on the left is met first, as in Cedar.
            ">" => &[Op::LessEq, Op::Not],
            ">=" => &[Op::Less, Op::Not],
            "+" => &[Op::Add],
            "-" => &[Op::Sub],
            "*" => &[Op::Mul],
            "in" => &[Op::In],
            "contains" => &[Op::Contains],
            "containsAll" => &[Op::ContainsAll],
            "containsAny" => &[Op::ContainsAny],
            "getTag" => &[Op::GetTag],
            "hasTag" => &[Op::HasTag],
            name => match ExtFn::from_name(name) {
                Some(function) => return self.call(function, body, facts, depth),
                None => return Err(unsupported("the expression", name)),
            },
        };
        let mut code = self.operand(body, "left", facts, depth)?;
        code.append(self.operand(body, "right", facts, depth)?);
        for op in ops {
            code = code.then(*op);
        }
        Ok(Node::Code(code))
    }

    pub(super) fn operand(
        &mut self,
        body: &Json,
        name: &str,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Code, LowerError> {
        let operand = body.get(name).ok_or_else(|| unsupported("an operation without", name))?;
        let node = self.expression(operand, facts, depth)?;
        Ok(self.code(node))
    }

    fn variable(&mut self, json: &Json, facts: &mut u128) -> Result<Node, LowerError> {
        let var = match json.as_str() {
            Some("principal") => Var::Principal,
            Some("action") => Var::Action,
            Some("resource") => Var::Resource,
            Some("context") => {
                *facts |= self.plan.under(&[]);
                Var::Context
            }
            _ => return Err(unsupported("the variable", json)),
        };
        Ok(Node::Code(Code::op(Op::Var(var))))
    }

    fn unary(
        &mut self,
        body: &Json,
        op: Op,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
        Ok(Node::Code(self.operand(body, "arg", facts, depth)?.then(op)))
    }

    fn call(
        &mut self,
        function: ExtFn,
        body: &Json,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
        let arguments = body.as_array().ok_or_else(|| unsupported("the call", body))?;
        if arguments.len() != function.arity() {
            return Ok(self.failing_call(function));
        }
        let nodes = arguments.iter().map(|argument| self.expression(argument, facts, depth));
        match constants(nodes.collect::<Result<Vec<_>, _>>()?) {
            Ok(constants) => match Constant::call(function, &constants) {
                Some(constant) => Ok(Node::Constant(constant, 0)),
                // What fails must fail when it is evaluated, and only then.
                None => {
                    let nodes = constants.into_iter().map(|c| Node::Constant(c, 0)).collect();
                    Ok(Node::Code(self.sequence(nodes).then(Op::Call(function))))
                }
            },
            Err(nodes) => Ok(Node::Code(self.sequence(nodes).then(Op::Call(function)))),
        }
    }

    /// A call with too many or too few arguments, which Cedar takes and which fails whenever it is
    /// evaluated: so does one with booleans, for no function takes them.
    fn failing_call(&mut self, function: ExtFn) -> Node {
        let boolean = || Node::Constant(Constant::Bool(false), 0);
        let nodes = std::iter::repeat_with(boolean).take(function.arity()).collect();
        Node::Code(self.sequence(nodes).then(Op::Call(function)))
    }

    fn short_circuit(
        &mut self,
        body: &Json,
        facts: &mut u128,
        depth: usize,
        join: fn(Code, Code) -> Result<Code, LowerError>,
    ) -> Result<Node, LowerError> {
        let left = self.operand(body, "left", facts, depth)?;
        let right = self.operand(body, "right", facts, depth)?;
        join(left, right).map(Node::Code)
    }

    fn conditional(
        &mut self,
        body: &Json,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
        let condition = self.operand(body, "if", facts, depth)?;
        let consequent = self.operand(body, "then", facts, depth)?;
        let alternative = self.operand(body, "else", facts, depth)?;
        Code::conditional(condition, consequent, alternative).map(Node::Code)
    }

    /// `e is T`, or `e is T in g`, which is `e is T && e in g`.
    fn is(&mut self, body: &Json, facts: &mut u128, depth: usize) -> Result<Node, LowerError> {
        let kind = attribute_name(body.get("entity_type"))?;
        let kind = self.names.sym(kind);
        let entity = self.operand(body, "left", facts, depth)?;
        if body.get("in").is_none() {
            return Ok(Node::Code(entity.then(Op::Is(kind))));
        }
        let mut within = entity.clone();
        within.append(self.operand(body, "in", facts, depth)?);
        Code::both(entity.then(Op::Is(kind)), within.then(Op::In)).map(Node::Code)
    }

    fn like(&mut self, body: &Json, facts: &mut u128, depth: usize) -> Result<Node, LowerError> {
        let elements = body.get("pattern").and_then(Json::as_array);
        let elements = elements.ok_or_else(|| unsupported("the pattern", body))?;
        let mut pieces = vec![String::new()];
        for element in elements {
            let literal = element.get("Literal").and_then(Json::as_str);
            match (element.as_str(), literal, pieces.last_mut()) {
                (Some("Wildcard"), ..) => pieces.push(String::new()),
                (_, Some(text), Some(piece)) => piece.push_str(text),
                _ => return Err(unsupported("the pattern", element)),
            }
        }
        let pattern = self.pools.pattern(pieces);
        Ok(Node::Code(self.operand(body, "left", facts, depth)?.then(Op::Like(pattern))))
    }
}
