//! Attributes: reading them, and testing whether they are there.

use super::code::Code;
use super::expression::Node;
use super::{LowerError, Lowering, unsupported};
use cedarkey_engine::model::Op;
use cedarkey_engine::model::image::Var;
use serde_json::{Map, Value as Json};

impl Lowering<'_> {
    pub(super) fn attribute(
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
    pub(super) fn has(
        &mut self,
        body: &Json,
        facts: &mut u128,
        depth: usize,
    ) -> Result<Node, LowerError> {
        let left = body.get("left").ok_or_else(|| unsupported("the test", body))?;
        let path = match body.get("attr") {
            Some(Json::Array(names)) => {
                names.iter().map(|name| attribute_name(Some(name))).collect::<Result<_, _>>()?
            }
            name => vec![attribute_name(name)?],
        };
        // What is read under the first name is all that the others may read.
        let base = self.access(left, path.get(..1).unwrap_or_default(), facts, depth)?;
        let mut all: Option<Code> = None;
        for (end, name) in path.iter().enumerate() {
            let mut code = base.clone();
            for step in path.get(..end).unwrap_or_default() {
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

pub(super) fn attribute_name(json: Option<&Json>) -> Result<&str, LowerError> {
    json.and_then(Json::as_str).ok_or_else(|| unsupported("an expression without", "name"))
}
