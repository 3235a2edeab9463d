//! Test cases of a project: requests, and what is to be decided.
//!
//! A case knows nothing of what runs it. The same files are run on the native engine, on the
//! filter's real module, and through a real proxy.

mod file;
mod identity;
mod mint;
mod native;

pub use file::{Case, CaseFile, Decision, Expectation, KeyFixture, MintCase, RequestCase};
pub use identity::{ClaimCase, TlsCase};
pub use native::{Actual, Outcome, answer, explain, run};

use crate::compile::{Compiled, compile_with};
use crate::keys::{self, Fault, KeySpec};
use crate::lint::KeyLints;
use crate::mint::SpiffeId;
use crate::place;
use crate::problem::{Problem, Problems, Source};
use crate::project::Project;
use crate::yaml;
use cedarkey_bundle::Digest;
use cedarkey_engine::gate::Cause;
use cedarkey_engine::key::KeyId;
use cedarkey_engine::token;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A case file, with the keys that it speaks of.
#[derive(Debug)]
pub struct Prepared {
    /// The file's name relative to the project.
    pub name: String,
    /// The cases.
    pub cases: Vec<Case>,
    /// Those in which workloads ask for keys, with what they have proved to be.
    pub mint: Vec<(SpiffeId, MintCase)>,
    /// The tokens of the keys, by the names that the file gives them; `unknown` is one that is in
    /// no inventory, and `malformed` is none.
    pub tokens: BTreeMap<String, String>,
    /// The keys.
    pub keys: Vec<KeySpec>,
}

/// Words that cases use for keys that are not in the file.
const RESERVED: [&str; 3] = ["malformed", "none", "unknown"];

/// Reads a case file and makes its keys.
///
/// # Errors
///
/// Where the file is malformed, or a case names a key that it does not have.
pub fn prepare(project: &Project, name: &str) -> Result<Prepared, Problems> {
    let source = project.read(name)?;
    let file: CaseFile = serde_saphyr::from_str(source.text())
        .map_err(|error| yaml::problem("cedarkey::cases::form", &source, &error))?;
    let mut problems = Problems::new();
    let mut prepared = Prepared {
        name: name.into(),
        cases: file.cases,
        mint: Vec::new(),
        tokens: BTreeMap::from([("malformed".into(), "not-a-key".into())]),
        keys: Vec::new(),
    };
    let mut faults: BTreeMap<Fault, Vec<(&str, usize)>> = BTreeMap::new();
    for (key, fixture) in &file.keys {
        let at = fixture.referenced;
        let at = place::offset(source.text(), at.line(), at.column());
        let seed = format!("{name}/{key}");
        if RESERVED.contains(&key.as_str()) {
            let message = format!("a key cannot be called `{key}`");
            let problem = Problem::error("cedarkey::cases::key", message).file(&source);
            let place = place::declaration(source.text(), key);
            let problem = place.into_iter().fold(problem, |it, place| it.at(place, "this key"));
            problems.push(problem.help("the word stands for a key that the runner makes"));
        }
        let token = mint(project, &seed)?;
        let spec = fixture.value.spec(key_id(&seed), &token, project);
        for fault in keys::faults(&spec, &project.settings, &project.entities) {
            faults.entry(fault).or_default().push((key, at));
        }
        prepared.keys.push(spec);
        prepared.tokens.insert(key.clone(), token);
    }
    problems.extend(faults.into_iter().map(|(fault, keys)| of_keys(fault, &keys, &source)));
    prepared.tokens.insert("unknown".into(), mint(project, "unknown")?);
    let wrong = |name: &str, (message, help): (String, &'static str)| {
        let message = format!("the case `{name}` {message}");
        let problem = Problem::error("cedarkey::cases::case", message).file(&source);
        let place = source.text().find(name).map(|at| (at, name.len()));
        place.into_iter().fold(problem, |it, place| it.at(place, "this case")).help(help)
    };
    for case in &prepared.cases {
        problems.extend(problem_of(case, project, &prepared).map(|it| wrong(&case.name, it)));
    }
    for case in file.mint {
        problems.extend(mint::problem_of(project, &case.expect).map(|it| wrong(&case.name, it)));
        match case.spiffe_id.parse() {
            Ok(spiffe_id) => prepared.mint.push((spiffe_id, case)),
            Err(error) => {
                let said = (format!("is of nobody: {error}"), "as in `spiffe://example.com/a`");
                problems.push(wrong(&case.name, said));
            }
        }
    }
    if problems.is_empty() { Ok(prepared) } else { Err(problems) }
}

/// What several keys of a file say that is not so, told once.
fn of_keys(
    Fault { code, message, help }: Fault,
    keys: &[(&str, usize)],
    source: &Source,
) -> Problem {
    let names: Vec<_> = keys.iter().map(|(name, _)| format!("`{name}`")).collect();
    let key = if keys.len() == 1 { "the key" } else { "the keys" };
    let problem = Problem::error(code, format!("{key} {}: {message}", names.join(", ")));
    let places = keys.iter().map(|(_, at)| place::line(source.text(), *at));
    let problem = problem.file(source).help(help);
    places.fold(problem, |problem, place| problem.at(place, ""))
}

/// What a case speaks of that is not there.
fn problem_of(
    case: &Case,
    project: &Project,
    prepared: &Prepared,
) -> Option<(String, &'static str)> {
    if case.key != "none" && !prepared.tokens.contains_key(&case.key) {
        let help = "list it under `keys`, or use `none`, `unknown` or `malformed`";
        return Some((format!("uses the key `{}`, which is not there", case.key), help));
    }
    let cause = case.expect.cause.as_ref();
    if let Some(cause) = cause.filter(|cause| Cause::ALL.iter().all(|it| it.label() != **cause)) {
        let help = "causes are listed in the documentation; `policy` and `no_permit` are the usual";
        return Some((format!("expects the cause `{cause}`, which there is not"), help));
    }
    let mut policies = case.expect.policies.iter().flatten();
    let policy = policies.find(|id| project.policies.source(id).is_none())?;
    let help = "name policies by their `@id`";
    Some((format!("expects the policy `{policy}`, which is not there"), help))
}

/// The id of a key for tests: the same whenever it is made for the same name.
fn key_id(name: &str) -> KeyId {
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = Digest::of(name.as_bytes()).0;
    KeyId(id)
}

/// Compiles a project for the keys of a case file.
///
/// # Errors
///
/// Everything that is wrong with the project and the keys.
pub fn compile(project: &Project, prepared: &Prepared) -> Result<Compiled, Problems> {
    // What is tested is the policies: how long a test's key lives is nobody's concern.
    let mut settings = project.settings.clone();
    settings.lints.keys = KeyLints::NONE;
    compile_with(project, &settings, &prepared.keys)
}

/// A token that is the same whenever it is made for the same name, and good for tests only.
fn mint(project: &Project, name: &str) -> Result<String, Problem> {
    let settings = &project.settings;
    let mut seed = Digest::of(name.as_bytes());
    let mut bytes: Vec<u8> = seed.0.into();
    let random = || loop {
        if let Some(byte) = bytes.pop() {
            return byte;
        }
        seed = Digest::of(&seed.0);
        bytes = seed.0.into();
    };
    token::mint(&settings.keys.prefix, &settings.bundle.environment, random)
        .map_err(|error| Problem::error("cedarkey::settings::value", error))
}

/// Long ago, for keys that do not say when they were issued.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;
