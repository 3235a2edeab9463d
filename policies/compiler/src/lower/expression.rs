//! Expressions: each becomes a constant, or instructions that leave its value on the stack.

use super::{LowerError, Lowering, MAX_LITERAL_NESTING, MAX_NESTING, unsupported};
use crate::constant::{Constant, ConstantError};
use cedarkey_engine::ext::ExtFn;
use cedarkey_engine::model::Op;
use cedarkey_engine::model::image::Var;
use cedarkey_engine::value::Value;
use serde_json::{Map, Value as Json};

/// A lowered expression.
pub(super) enum Node {
    /// A value, and how deep its literals nest.
    Constant(Constant, usize),
    /// Instructions.
    Code(Code),
}

/// Instructions, with distances for jump targets so that they can be put anywhere.
pub(super) struct Code {
    ops: Vec<Op>,
    /// Whether the value is a boolean, if there is one.
    is_bool: bool,
    /// How deep the literals in the value nest.
    literal: usize,
}

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
        stacker::maybe_grow(RED_ZONE, STACK_STEP, || {
            self.dispatch(json, facts, depth.saturating_add(1))
        })
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

    fn operand(
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

    fn literal(&mut self, json: &Json) -> Result<Node, LowerError> {
        match Constant::from_json(json, self.names) {
            Ok(constant) => Ok(Node::Constant(constant, 0)),
            Err(ConstantError::Unknown(form)) => Err(unsupported("the value", form)),
            Err(ConstantError::Fails(_)) => {
                let call = json.get("__extn").ok_or_else(|| unsupported("the value", json))?;
                let name = call.get("fn").and_then(Json::as_str);
                let function = name.and_then(ExtFn::from_name);
                match (function, call.get("arg")) {
                    (Some(function), Some(argument)) => {
                        let argument = self.literal(argument)?;
                        Ok(Node::Code(self.code(argument).then(Op::Call(function))))
                    }
                    _ => Err(unsupported("the value", json)),
                }
            }
        }
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

    fn set(&mut self, body: &Json, facts: &mut u128, depth: usize) -> Result<Node, LowerError> {
        let elements = body.as_array().ok_or_else(|| unsupported("the set", body))?;
        let nodes = elements.iter().map(|element| self.expression(element, facts, depth));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        let nesting = nesting(&nodes)?;
        match constants(nodes) {
            Ok(constants) => Ok(Node::Constant(Constant::set(constants), nesting)),
            Err(nodes) => {
                let count = u32::try_from(nodes.len()).map_err(|_| LowerError::TooLarge)?;
                Ok(Node::Code(self.sequence(nodes).then(Op::Set(count)).nested(nesting)))
            }
        }
    }

    fn record(&mut self, body: &Json, facts: &mut u128, depth: usize) -> Result<Node, LowerError> {
        let fields = body.as_object().ok_or_else(|| unsupported("the record", body))?;
        // Values are evaluated in the order of the names, which is Cedar's; the engine wants the
        // names ascending by number, which is the same.
        let mut sorted: Vec<_> = fields.iter().collect();
        sorted.sort_unstable_by_key(|(name, _)| name.as_str());
        let names: Vec<_> = sorted.iter().map(|(name, _)| self.names.sym(name)).collect();
        let nodes = sorted.iter().map(|(_, value)| self.expression(value, facts, depth));
        let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
        let nesting = nesting(&nodes)?;
        match constants(nodes) {
            Ok(constants) => {
                let fields = names.into_iter().zip(constants).collect();
                Ok(Node::Constant(Constant::record(fields), nesting))
            }
            Err(nodes) => {
                let names = self.pools.syms(names);
                Ok(Node::Code(self.sequence(nodes).then(Op::Record(names)).nested(nesting)))
            }
        }
    }

    fn sequence(&mut self, nodes: Vec<Node>) -> Code {
        let mut code = Code::empty();
        for node in nodes {
            code.append(self.code(node));
        }
        code
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

    fn attribute(
        &mut self,
        body: &Json,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
        let name = attribute_name(body.get("attr"))?;
        let left = body.get("left").ok_or_else(|| unsupported("the attribute", body))?;
        let code = self.access(left, &[name], facts, depth)?;
        Ok(Node::Code(code.then(Op::Attr(self.names.sym(name)))))
    }

    /// The expression whose attributes `path` are about to be read.
    fn access(
        &mut self,
        left: &Json,
        path: &[&str],
        facts: &mut u128,
        depth: usize,
    ) -> Result<Code, LowerError> {
        match context_path(left) {
            Some(mut base) => {
                let mut code = Code::op(Op::Var(Var::Context));
                for name in &base {
                    code = code.then(Op::Attr(self.names.sym(name)));
                }
                base.extend(path);
                *facts |= self.plan.under(&base);
                Ok(code)
            }
            None => {
                let node = self.expression(left, facts, depth)?;
                Ok(self.code(node))
            }
        }
    }

    /// `e has a`, or `e has a.b.c`, which is `e has a && e.a has b && e.a.b has c`.
    fn has(&mut self, body: &Json, facts: &mut u128, depth: usize) -> Result<Node, LowerError> {
        let left = body.get("left").ok_or_else(|| unsupported("the test", body))?;
        let path = match body.get("attr") {
            Some(Json::Array(names)) => {
                names.iter().map(|name| attribute_name(Some(name))).collect::<Result<_, _>>()?
            }
            name => vec![attribute_name(name)?],
        };
        let mut all: Option<Code> = None;
        for (end, name) in path.iter().enumerate() {
            let before = path.get(..end).unwrap_or_default();
            let mut code = self.access(left, path.get(..=end).unwrap_or_default(), facts, depth)?;
            for step in before {
                code = code.then(Op::Attr(self.names.sym(step)));
            }
            code = code.then(Op::Has(self.names.sym(name)));
            all = Some(match all {
                Some(tests) => Code::both(tests, code)?,
                None => code,
            });
        }
        all.map(Node::Code).ok_or_else(|| unsupported("the test", body))
    }

    /// `e is T`, or `e is T in g`, which is `e is T && e in g`.
    fn is(&mut self, body: &Json, facts: &mut u128, depth: usize) -> Result<Node, LowerError> {
        let kind = attribute_name(body.get("entity_type"))?;
        let kind = self.names.sym(kind);
        let test = self.operand(body, "left", facts, depth)?.then(Op::Is(kind));
        if body.get("in").is_none() {
            return Ok(Node::Code(test));
        }
        let mut within = self.operand(body, "left", facts, depth)?;
        within.append(self.operand(body, "in", facts, depth)?);
        Code::both(test, within.then(Op::In)).map(Node::Code)
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

/// The attributes that lead from `context` to an expression, if that is all it is.
fn context_path(json: &Json) -> Option<Vec<&str>> {
    let mut path = Vec::new();
    let mut at = json;
    loop {
        if at.get("Var").and_then(Json::as_str) == Some("context") {
            path.reverse();
            return Some(path);
        }
        let access: &Map<String, Json> = at.get(".")?.as_object()?;
        path.push(access.get("attr")?.as_str()?);
        at = access.get("left")?;
    }
}

fn attribute_name(json: Option<&Json>) -> Result<&str, LowerError> {
    json.and_then(Json::as_str).ok_or_else(|| unsupported("an expression without", "name"))
}

/// How deep a literal of these elements nests.
fn nesting(nodes: &[Node]) -> Result<usize, LowerError> {
    let depths = nodes.iter().map(|node| match node {
        Node::Constant(_, depth) => *depth,
        Node::Code(code) => code.literal,
    });
    let deepest = depths.max().unwrap_or_default();
    if deepest >= MAX_LITERAL_NESTING {
        Err(LowerError::Nesting)
    } else {
        Ok(deepest.saturating_add(1))
    }
}

/// The constants, if all are; else the nodes again.
fn constants(nodes: Vec<Node>) -> Result<Vec<Constant>, Vec<Node>> {
    if nodes.iter().any(|node| matches!(node, Node::Code(_))) {
        return Err(nodes);
    }
    let constant = |node| match node {
        Node::Constant(constant, _) => Some(constant),
        Node::Code(_) => None,
    };
    Ok(nodes.into_iter().filter_map(constant).collect())
}

// === impl Code ===

impl Code {
    fn empty() -> Self {
        Self { ops: Vec::new(), is_bool: false, literal: 0 }
    }

    fn op(op: Op) -> Self {
        Self { ops: vec![op], ..Self::empty() }
    }

    /// Pushes a value.
    pub fn push(value: Value) -> Self {
        Self { is_bool: matches!(value, Value::Bool(_)), ..Self::op(Op::Push(value)) }
    }

    /// Adds an instruction.
    pub fn then(mut self, op: Op) -> Self {
        self.is_bool = !matches!(
            op,
            Op::Add
                | Op::Sub
                | Op::Mul
                | Op::Neg
                | Op::Attr(_)
                | Op::GetTag
                | Op::Set(_)
                | Op::Record(_)
                | Op::Call(_)
        );
        self.ops.push(op);
        self
    }

    fn nested(self, literal: usize) -> Self {
        Self { literal, ..self }
    }

    fn append(&mut self, other: Self) {
        self.ops.extend(other.ops);
        self.is_bool = other.is_bool;
        self.literal = self.literal.max(other.literal);
    }

    /// `l && r`
    pub fn both(left: Self, right: Self) -> Result<Self, LowerError> {
        Self::join(left, Op::BranchFalse, right)
    }

    /// `l || r`
    fn either(left: Self, right: Self) -> Result<Self, LowerError> {
        Self::join(left, Op::BranchTrue, right)
    }

    fn join(mut left: Self, branch: fn(u32) -> Op, right: Self) -> Result<Self, LowerError> {
        let right = if right.is_bool { right } else { right.then(Op::CheckBool) };
        left.ops.push(branch(distance(right.ops.len())?));
        left.append(right);
        Ok(Self { literal: 0, ..left })
    }

    /// `if c then a else b`
    fn conditional(condition: Self, then: Self, other: Self) -> Result<Self, LowerError> {
        let mut code = condition;
        // The jump over the alternative belongs to the consequent.
        code.ops.push(Op::JumpFalse(distance(then.ops.len().saturating_add(1))?));
        code.ops.extend(then.ops);
        code.ops.push(Op::Jump(distance(other.ops.len())?));
        code.ops.extend(other.ops);
        code.is_bool = then.is_bool && other.is_bool;
        code.literal = then.literal.max(other.literal);
        Ok(code)
    }

    /// The instructions, with distances for targets.
    pub fn into_ops(self) -> Vec<Op> {
        self.ops
    }
}

/// From a jump over `skipped` instructions to what follows them.
fn distance(skipped: usize) -> Result<u32, LowerError> {
    u32::try_from(skipped)
        .ok()
        .and_then(|skipped| skipped.checked_add(1))
        .ok_or(LowerError::TooLarge)
}
