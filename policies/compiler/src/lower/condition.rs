//! The conditions of a policy, one after the other.

use super::code::{Code, finish};
use super::expression::Node;
use super::{LowerError, Lowering, member, unsupported};
use cedarkey_engine::model::Op;
use cedarkey_engine::value::Value;
use serde_json::Value as Json;

impl Lowering<'_> {
    /// The instructions of all `when` and `unless` clauses, and the facts that they read.
    pub(super) fn condition(&mut self, json: &Json) -> Result<(Vec<Op>, u128), LowerError> {
        let clauses = json.as_array().ok_or_else(|| unsupported("the conditions", json))?;
        let mut all: Option<Code> = None;
        let mut facts = 0;
        for clause in clauses {
            let body = self.expression(member(clause, "body")?, &mut facts, 0)?;
            let body = self.code(body);
            let clause = match member(clause, "kind")?.as_str() {
                Some("when") => body,
                Some("unless") => body.then(Op::Not),
                other => return Err(unsupported("the clause", other.unwrap_or_default())),
            };
            all = Some(match all {
                Some(before) => Code::both(before, clause)?,
                None => clause,
            });
        }
        let Some(code) = all else { return Ok((Vec::new(), facts)) };
        let ops = finish(code)?;
        // What always holds needs no instructions, and most policies that check nothing say so.
        if matches!(ops.as_slice(), [Op::Push(Value::Bool(true))]) {
            return Ok((Vec::new(), facts));
        }
        Ok((ops, facts))
    }

    /// The instructions that leave a node's value on the stack.
    pub(super) fn code(&mut self, node: Node) -> Code {
        match node {
            Node::Code(code) => code,
            Node::Constant(constant, _) => Code::push(self.pools.value(&constant)),
        }
    }
}
