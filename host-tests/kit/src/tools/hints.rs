//! Branch hints: which way the branches of a module go for the requests that there are most of.
//!
//! V8 lays out a function as it is told to expect it to run (the WebAssembly branch hinting
//! proposal, the custom section `metadata.code.branch_hint`). Hosts that know nothing of hints pass
//! over them. They are measured on the module itself: each of its conditions is made to report how
//! it came out, requests are decided, and what came out nearly always the same is written down.

use super::{ToolError, run};
use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

/// How often each condition, by its place in the text, was false, and was true.
type Counts = BTreeMap<usize, (u64, u64)>;

/// A condition in the text of a module.
struct Condition {
    /// Where the instruction begins that branches on it.
    branch: usize,
    /// Where it stands itself.
    text: Range<usize>,
}

/// An expression whose end has not been reached.
struct Open<'a> {
    begins: usize,
    head: &'a str,
    /// The operand that is a condition, as far as it is known.
    operand: Option<Range<usize>>,
}

/// Adds hints to a module, in place. `program` gives a command that runs one of Binaryen's programs.
pub(super) fn add(program: &dyn Fn(&str) -> Command, module: &Path) -> Result<(), ToolError> {
    let [text, counting, counts] =
        ["wat", "counting", "counts"].map(|extension| module.with_extension(extension));
    run(program("wasm-dis").arg(module).arg("-o").arg(&text))?;
    let plain = fs::read_to_string(&text).map_err(ToolError::file(&text))?;
    let conditions = conditions(&plain);
    let assemble = |source: String, made: &Path| {
        fs::write(&text, source).map_err(ToolError::file(&text))?;
        run(program("wasm-as").arg(&text).arg("-o").arg(made))
    };
    assemble(counted(&plain, &conditions), &counting)?;
    let [host, requests] = files();
    run(Command::new("node").arg(&host).args([&counting, &requests, &counts]))?;
    let found = fs::read(&counts).map_err(ToolError::file(&counts))?;
    let found: Counts =
        serde_json::from_slice(&found).map_err(|error| ToolError::file(&counts)(error.into()))?;
    assemble(hinted(&plain, &conditions, &found), module)?;
    [text, counting, counts].iter().try_for_each(remove)
}

/// What hints are measured with: a host, and requests.
pub(super) fn files() -> [PathBuf; 2] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools/hints");
    ["host.mjs", "requests.json"].map(|name| folder.join(name))
}

fn remove(file: &PathBuf) -> Result<(), ToolError> {
    fs::remove_file(file).map_err(ToolError::file(file))
}

/// All conditions that something branches on, in the order in which the branches end.
fn conditions(text: &str) -> Vec<Condition> {
    let mut found = Vec::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' => {
                while let Some((_, c)) = rest.next().filter(|(_, c)| *c != '"') {
                    // What is escaped does not end the string.
                    let _ = (c == '\\').then(|| rest.next());
                }
            }
            '(' => {
                let inside = text.get(at..).and_then(|text| text.strip_prefix('('));
                let is_word = |c: char| c.is_ascii_alphanumeric() || "_.".contains(c);
                let words = inside.and_then(|inside| inside.split(|c| !is_word(c)).next());
                let head = words.unwrap_or_default();
                open.push(Open { begins: at, head, operand: None });
            }
            ')' => {
                let Some(ended) = open.pop() else { continue };
                if let Some(text) = ended.operand {
                    found.push(Condition { branch: ended.begins, text });
                }
                if let Some(parent) = open.last_mut() {
                    let takes = match parent.head {
                        // The last operand.
                        "br_if" => true,
                        // The first, behind the type.
                        "if" => {
                            parent.operand.is_none()
                                && !matches!(ended.head, "result" | "param" | "type")
                        }
                        _ => false,
                    };
                    if takes {
                        parent.operand = Some(ended.begins..at.saturating_add(1));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The text with each condition handed to the host, which gives it back.
fn counted(text: &str, conditions: &[Condition]) -> String {
    let import = "(import \"hints\" \"met\" (func $met (param i32 i32) (result i32)))";
    let mut added = Vec::new();
    // Imports come first.
    added.extend(text.find("(import").map(|at| (at, import.to_owned())));
    for (number, condition) in conditions.iter().enumerate() {
        added.push((condition.text.start, format!("(call $met (i32.const {number}) ")));
        added.push((condition.text.end, String::from(")")));
    }
    with(text, added)
}

/// The text with a hint before each branch whose condition nearly always came out the same.
fn hinted(text: &str, conditions: &[Condition], counts: &Counts) -> String {
    let hint = |number: usize| {
        let (no, yes) = *counts.get(&number)?;
        let of_ten = |count: u64| count.saturating_mul(10).checked_div(no.saturating_add(yes));
        let likely = match (of_ten(no)?, of_ten(yes)?) {
            (9.., _) => 0,
            (_, 9..) => 1,
            _ => return None,
        };
        Some(format!("(@metadata.code.branch_hint \"\\0{likely}\") "))
    };
    let hints = conditions.iter().enumerate();
    with(text, hints.filter_map(|(number, at)| Some((at.branch, hint(number)?))).collect())
}

/// The text with others put into it. What ends at a place goes before what begins there.
fn with(text: &str, mut added: Vec<(usize, String)>) -> String {
    added.sort_by_key(|(at, _)| *at);
    let mut made = String::with_capacity(text.len().saturating_mul(2));
    let mut from = 0;
    for (at, more) in added {
        made.push_str(text.get(from..at).unwrap_or_default());
        made.push_str(&more);
        from = at;
    }
    made.push_str(text.get(from..).unwrap_or_default());
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"(module (import "a\")" "b" (func $b))
 (func (param $0 i32) (block $l (br_if $l (i32.const 7) (i32.eqz (local.get $0))))
  (if (result i32) (local.get $0) (then (if (call $b) (then))) (else (i32.const 1)))))"#;

    #[test]
    fn conditions_are_found_wherever_they_stand() {
        let found = conditions(TEXT);
        let found: Vec<_> = found.iter().filter_map(|at| TEXT.get(at.text.clone())).collect();
        assert_eq!(found, ["(i32.eqz (local.get $0))", "(call $b)", "(local.get $0)"]);
    }

    #[test]
    fn each_is_counted_and_what_is_alike_is_hinted() {
        let found = conditions(TEXT);
        let counted = counted(TEXT, &found);
        assert!(counted.contains("(br_if $l (i32.const 7) (call $met (i32.const 0) (i32.eqz"));
        assert!(counted.contains("(call $met (i32.const 2) (local.get $0))"), "{counted}");
        let counts = Counts::from([(0, (0, 9)), (1, (5, 4)), (2, (90, 10))]);
        let hinted = hinted(TEXT, &found, &counts);
        assert!(hinted.contains("(@metadata.code.branch_hint \"\\01\") (br_if"), "{hinted}");
        assert!(hinted.contains("(@metadata.code.branch_hint \"\\00\") (if (result"), "{hinted}");
        assert_eq!(hinted.matches("branch_hint").count(), 2);
    }
}
