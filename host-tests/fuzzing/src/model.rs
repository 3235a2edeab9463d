//! Models past a good header and signature.

use crate::{bounded, edit, seeds};
use arbitrary::Unstructured;
use cedarkey_engine::decide::{EvalError, Evaluation, Query};
use cedarkey_engine::ext::ip;
use cedarkey_engine::model::{Model, ModelImage};
use cedarkey_engine::request::{LocalEntity, Request};
use cedarkey_engine::value::{Field, Span, Uid, Value};

/// How many entities of a model are asked about in each place.
const ASKED: usize = 4;

/// How many names of a model the context has.
const NAMES: usize = 16;

/// With 0 in front the bytes are a model; else they are changes to a good one. Tells whether the
/// model was taken.
pub fn run(bytes: &[u8]) -> bool {
    let Some((kind, bytes)) = bytes.split_first() else { return false };
    // A good model is part of what is read, too.
    let base = seeds::images();
    let room = if *kind == 0 { 0 } else { 64 * 1024 };
    bounded(bytes.len().saturating_add(room), || {
        let image = match kind {
            0 => postcard::from_bytes(bytes).ok(),
            _ => edit::edited(base, &mut Unstructured::new(bytes)),
        };
        image.and_then(|image: ModelImage| Model::load(image).ok()).is_some_and(|model| {
            decide(&model);
            true
        })
    })
}

/// Asks about some of the entities that the model knows, and about one that it does not.
fn decide(model: &Model) {
    let mut request = Request::new();
    let mut evaluation = Evaluation::new();
    let known = model.uid_count();
    let step = (known as usize / ASKED).max(1);
    let uids: Vec<_> = (0..known).step_by(step).take(ASKED).map(Uid).collect();
    for (at, principal) in uids.iter().enumerate() {
        for action in &uids {
            request.clear();
            let stranger = request.uid(model, "Stranger", "nobody");
            let resource = uids.get(at.saturating_add(1)).copied().unwrap_or(stranger);
            let context = context(model, &mut request);
            if at % 2 == 0 {
                let parents = request.uid_run(&uids);
                let attrs = [context, Span::EMPTY];
                request.add_entity(LocalEntity { uid: *principal, attrs, parents });
            }
            let query = Query { principal: *principal, action: *action, resource, context };
            evaluation.find(model, &request, &query);
            evaluation.decide(model, &mut request, &query);
            let malformed = evaluation.errors().iter().find(|(_, e)| *e == EvalError::Malformed);
            assert!(malformed.is_none(), "the check of the model let {malformed:?} pass");
        }
    }
}

/// A context of all kinds of values, by names of the model.
fn context(model: &Model, request: &mut Request) -> Span {
    let names: Vec<String> =
        model.image().syms.iter().map(|text| model.text(*text).into()).collect();
    let mut fields = Vec::new();
    for (at, name) in names.iter().take(NAMES).enumerate() {
        let value = match at % 6 {
            0 => Value::Long(i64::MAX),
            1 => request.string("10.0.0.1"),
            2 => Value::Bool(true),
            3 => ip::parse("10.0.0.0/8").map_or(Value::Bool(false), Value::Ip),
            4 => Value::Datetime(i64::MIN),
            _ => {
                let mut elements = [Value::Long(2), Value::Long(1), Value::Long(2)];
                Value::Set(request.set(model, &mut elements))
            }
        };
        fields.push(Field { name: request.sym(model, name), value });
    }
    request.record(&fields)
}
