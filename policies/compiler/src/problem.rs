//! What is wrong with a project, with its place and what would help.

use crate::place::line_number;
use cedarkey_bundle::PRIVATE_PREFIX;
use miette::{Diagnostic, LabeledSpan, NamedSource, Severity, SourceCode, SourceSpan};
use std::fmt;
use std::sync::Arc;

/// A source file of a project.
#[derive(Clone, Debug)]
pub struct Source(Arc<NamedSource<String>>);

/// One thing that is wrong, or suspicious.
#[derive(Clone, Debug)]
pub struct Problem {
    code: &'static str,
    message: String,
    severity: Severity,
    help: Option<String>,
    source: Option<Source>,
    labels: Vec<LabeledSpan>,
}

/// Everything that is wrong with a project.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

/// How many lines of a file a report shows at most for one place.
const MAX_LINES: usize = 12;

// === impl Source ===

impl Source {
    /// A file of this name, relative to the project, and content. A private key that somebody put
    /// there by mistake is blotted out, for reports show what they are about.
    pub fn new(name: &str, text: String) -> Self {
        Self(Arc::new(NamedSource::new(name, without_secrets(text))))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Its content.
    pub fn text(&self) -> &str {
        self.0.inner()
    }
}

/// Text of the same length, without private keys.
fn without_secrets(text: String) -> String {
    let mut parts = text.split(PRIVATE_PREFIX);
    let mut masked = String::from(parts.next().unwrap_or_default());
    for part in parts {
        let rest =
            part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "+/=".contains(c));
        let secret = part.len().saturating_sub(rest.len());
        masked.extend([PRIVATE_PREFIX, &"*".repeat(secret), rest]);
    }
    masked
}

// === impl Problem ===

impl Problem {
    /// An error. `code` is stable; `message` is lower-case, without a full stop.
    pub fn error(code: &'static str, message: impl fmt::Display) -> Self {
        let (message, severity) = (message.to_string(), Severity::Error);
        Self { code, message, severity, help: None, source: None, labels: Vec::new() }
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl fmt::Display) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// What is no fault.
    pub fn advice(code: &'static str, message: impl fmt::Display) -> Self {
        Self { severity: Severity::Advice, ..Self::error(code, message) }
    }

    /// Adds what would help.
    #[must_use]
    pub fn help(self, help: impl fmt::Display) -> Self {
        Self { help: Some(help.to_string()), ..self }
    }

    /// Adds the file it is in.
    #[must_use]
    pub fn file(self, source: &Source) -> Self {
        Self { source: Some(source.clone()), ..self }
    }

    /// Adds a place in its file.
    #[must_use]
    pub fn at(mut self, span: impl Into<SourceSpan>, label: impl fmt::Display) -> Self {
        let span = self.clipped(span.into());
        // A place outside the text would hide the whole report.
        let end = span.offset().saturating_add(span.len());
        let len = self.source.as_ref().map_or(0, |source| source.text().len());
        if end <= len {
            let label = Some(label.to_string()).filter(|label| !label.is_empty());
            self.labels.push(LabeledSpan::new_with_span(label, span));
        }
        self
    }

    /// The same at one place, and no other.
    #[must_use]
    pub(crate) fn only_at(mut self, span: impl Into<SourceSpan>, label: impl fmt::Display) -> Self {
        self.labels.clear();
        self.at(span, label)
    }

    /// A place of many lines as its first: nobody wants to read a thousand lines of report.
    fn clipped(&self, span: SourceSpan) -> SourceSpan {
        let text = self.source.as_ref().map_or("", Source::text);
        let end = span.offset().saturating_add(span.len());
        let lines = text.get(span.offset()..end).unwrap_or_default().split_inclusive('\n');
        if lines.clone().nth(MAX_LINES).is_none() {
            return span;
        }
        let first = lines.take(1).map(|line| line.trim_end().len()).sum::<usize>();
        (span.offset(), first).into()
    }

    /// The same as a warning.
    #[must_use]
    pub fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// Whether it is an error, rather than a warning.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// What is wrong.
    /// It with its place, in one line: `mint/export.cedar:3: ...`.
    #[must_use]
    pub fn line(&self) -> String {
        let Some(source) = &self.source else { return self.to_string() };
        let name = source.name();
        let at = self.labels.first().map(|label| line_number(source.text(), label.offset()));
        let said = &self.message;
        at.map_or_else(|| format!("{name}: {said}"), |line| format!("{name}:{line}: {said}"))
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Where in its file it begins.
    pub(crate) fn start(&self) -> usize {
        self.labels.first().map_or(0, LabeledSpan::offset)
    }

    /// Whether it is about the same place as another.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let places = |it: &Self| it.labels.iter().map(|l| *l.inner()).collect::<Vec<_>>();
        let name = |it: &Self| it.source.as_ref().map(|source| source.name().to_owned());
        !self.labels.is_empty() && name(self) == name(other) && places(self) == places(other)
    }

    /// The stable code.
    pub fn id(&self) -> &'static str {
        self.code
    }

    /// Takes over what another library says of a file, with its places.
    pub fn foreign(code: &'static str, source: &Source, diagnostic: &dyn Diagnostic) -> Self {
        let mut problem = Self::error(code, chain(diagnostic)).file(source);
        problem.help = diagnostic.help().map(|help| help.to_string());
        for label in diagnostic.labels().into_iter().flatten() {
            problem = problem.at(*label.inner(), label.label().unwrap_or_default());
        }
        problem
    }
}

/// A message and its causes, each but once.
fn chain(diagnostic: &dyn Diagnostic) -> String {
    let mut message = lowercase(&diagnostic.to_string());
    let mut cause = diagnostic.source();
    // That something went wrong while it was read is no news where a cause follows.
    if let Some(error) = cause.filter(|_| message == "error during entity deserialization") {
        message = lowercase(&error.to_string());
        cause = error.source();
    }
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&lowercase(&text)) {
            message = format!("{message}: {}", lowercase(&text));
        }
        cause = error.source();
    }
    message
}

/// A message in this project's style, whatever its source's.
fn lowercase(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut chars = message.chars();
    match (chars.next(), chars.clone().next()) {
        // Not a name in capitals.
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => message.into(),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) if self.labels.is_empty() => {
                write!(f, "{}: {}", source.name(), self.message)
            }
            _ => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        // Advice is looked for by nobody.
        (self.severity != Severity::Advice).then(|| Box::new(self.code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| &*source.0 as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() {
            return None;
        }
        Some(Box::new(self.labels.iter().cloned()))
    }
}

// === impl Problems ===

impl Problems {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Takes a result's value, or adds its problems.
    pub fn take<T>(&mut self, result: Result<T, impl Into<Self>>) -> Option<T> {
        result.map_err(|problems| self.0.extend(problems.into().0)).ok()
    }

    /// All of them, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// How many are errors.
    pub fn errors(&self) -> usize {
        self.0.iter().filter(|problem| problem.is_error()).count()
    }

    /// Whether there are none, not even warnings.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems as a failure, if one of them is an error; else the warnings.
    ///
    /// # Errors
    ///
    /// Where one of them is an error.
    pub fn into_result(self) -> Result<Self, Self> {
        if self.errors() == 0 { Ok(self) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl From<Vec<Problem>> for Problems {
    fn from(problems: Vec<Problem>) -> Self {
        Self(problems)
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Extend<Problem> for Problems {
    fn extend<T: IntoIterator<Item = Problem>>(&mut self, problems: T) {
        self.0.extend(problems);
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
