//! The text of a module, as far as tuning must understand it.

use std::{collections::BTreeMap, ops::Range};

/// The text of a module, and what was found in it.
#[derive(Debug, Default)]
pub(super) struct Text<'a> {
    pub text: &'a str,
    /// In the order in which they end, so that inner ones come before those that they are in.
    pub places: Vec<Place<'a>>,
    /// The module's own functions.
    pub functions: BTreeMap<&'a str, Function>,
    /// Where the table of functions is declared.
    pub table: Option<Range<usize>>,
    /// Where the first import begins.
    pub imports: usize,
    /// Where the module ends.
    pub end: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Function {
    /// Its parameters and results, as text without names.
    pub params: String,
    pub results: String,
    /// How many expressions there are in it.
    pub expressions: usize,
}

/// An instruction that is looked at.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub text: Range<usize>,
    pub what: What<'a>,
}

#[derive(Debug)]
pub(super) enum What<'a> {
    /// It branches on the condition that stands there.
    Branch(Range<usize>),
    /// It calls this function.
    Call(&'a str),
}

/// An expression whose end has not been reached.
struct Open<'a> {
    begins: usize,
    head: &'a str,
    /// The operand that is a condition, as far as it is known.
    condition: Option<Range<usize>>,
}

// === impl Text ===

impl<'a> Text<'a> {
    /// Reads the text of a module, in which all expressions are folded.
    pub fn read(text: &'a str) -> Self {
        let mut read = Self { text, ..Self::default() };
        let mut open: Vec<Open<'a>> = Vec::new();
        let mut rest = text.char_indices();
        while let Some((at, c)) = rest.next() {
            match c {
                '"' => {
                    while let Some((_, c)) = rest.next().filter(|(_, c)| *c != '"') {
                        // What is escaped does not end the string.
                        let _ = (c == '\\').then(|| rest.next());
                    }
                }
                '(' => {
                    let head = read.words(at).next().unwrap_or_default();
                    open.push(Open { begins: at, head, condition: None });
                }
                ')' => {
                    let Some(ended) = open.pop() else { continue };
                    let text = ended.begins..at.saturating_add(1);
                    read.note(&ended, &text, &open);
                    if let Some(parent) = open.last_mut() {
                        parent.has(ended.head, text);
                    }
                }
                _ => {}
            }
        }
        read
    }

    /// Notes an expression that has ended, in those that are open.
    fn note(&mut self, ended: &Open<'a>, text: &Range<usize>, open: &[Open<'a>]) {
        let parent = open.last().map_or("", |parent| parent.head);
        let mut words = self.words(ended.begins).skip(1);
        match (ended.head, parent) {
            ("call", _) => {
                let what = What::Call(words.next().unwrap_or_default());
                self.places.push(Place { text: text.clone(), what });
            }
            ("br_if" | "if", _) => {
                let condition = ended.condition.clone();
                let what = condition.map(What::Branch);
                self.places.extend(what.map(|what| Place { text: text.clone(), what }));
            }
            ("param" | "result", "func") => {
                // Of the imported ones nothing need be known.
                let [.., module, func] = open else { return };
                let Some(name) = self.words(func.begins).nth(1) else { return };
                if module.head != "module" {
                    return;
                }
                let types = words.filter(|word| !word.starts_with('$'));
                let types = types.map(|kind| format!(" {kind}")).collect::<String>();
                let all = self.functions.entry(name).or_default();
                let side = if ended.head == "param" { &mut all.params } else { &mut all.results };
                side.push_str(&format!(" ({}{types})", ended.head));
            }
            ("func", "module") => {
                let name = words.next().unwrap_or_default();
                let inside = self.text.get(text.clone()).unwrap_or_default();
                self.functions.entry(name).or_default().expressions = inside.matches('(').count();
            }
            ("table", "module") => self.table = Some(text.clone()),
            ("import", "module") if self.imports == 0 => self.imports = text.start,
            ("module", _) => self.end = text.end.saturating_sub(1),
            _ => {}
        }
    }

    /// The words that an expression begins with.
    fn words(&self, begins: usize) -> impl Iterator<Item = &'a str> + use<'a> {
        let inside = self.text.get(begins..).and_then(|text| text.strip_prefix('('));
        let head = inside.and_then(|inside| inside.split(['(', ')', '\n']).next());
        head.unwrap_or_default().split_whitespace()
    }
}

// === impl Open ===

impl Open<'_> {
    /// Takes notice of an expression in this one.
    fn has(&mut self, head: &str, text: Range<usize>) {
        let is_type = matches!(head, "result" | "param" | "type");
        match self.head {
            // The last operand is the condition.
            "br_if" => self.condition = Some(text),
            // The first is.
            "if" if self.condition.is_none() && !is_type => self.condition = Some(text),
            _ => {}
        }
    }
}
