//! Literals: constants where all their elements are, instructions that build them otherwise.

use super::code::Code;
use super::expression::Node;
use super::{LowerError, Lowering, MAX_LITERAL_NESTING, unsupported};
use crate::constant::{Constant, ConstantError};
use cedarkey_engine::ext::ExtFn;
use cedarkey_engine::model::Op;
use serde_json::Value as Json;

impl Lowering<'_> {
    pub(super) fn literal(&mut self, json: &Json) -> Result<Node, LowerError> {
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

    pub(super) fn set(
        &mut self,
        body: &Json,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
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

    pub(super) fn record(
        &mut self,
        body: &Json,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
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

    pub(super) fn sequence(&mut self, nodes: Vec<Node>) -> Code {
        let mut code = Code::empty();
        for node in nodes {
            code.append(self.code(node));
        }
        code
    }
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
pub(super) fn constants(nodes: Vec<Node>) -> Result<Vec<Constant>, Vec<Node>> {
    if nodes.iter().any(|node| matches!(node, Node::Code(_))) {
        return Err(nodes);
    }
    let constant = |node| match node {
        Node::Constant(constant, _) => Some(constant),
        Node::Code(_) => None,
    };
    Ok(nodes.into_iter().filter_map(constant).collect())
}
