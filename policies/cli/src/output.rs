//! Writing results to standard output and diagnostics to standard error.

mod visible;

use crate::args::{ErrorFormat, Format, Global};
use crate::failure::{Failure, Plain};
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;
use comfy_table::{ContentArrangement, Table, presets};
use miette::{GraphicalReportHandler, GraphicalTheme, JSONReportHandler, NarratableReportHandler};
use serde::Serialize;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use visible::Visible;

/// How this run speaks.
#[derive(Debug)]
pub struct Output {
    format: Format,
    error_format: ErrorFormat,
}

/// What is good.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is bad.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What is to be noticed.
pub const NOTICE: Style = AnsiColor::Yellow.on_default().bold();
/// What is secondary.
pub const DIM: Style = Style::new().dimmed();
/// What stands out.
pub const STRONG: Style = Style::new().bold();

/// Whether standard error takes colour, by what was asked for and where it goes.
pub fn is_coloured() -> bool {
    let choice = anstream::AutoStream::choice(&std::io::stderr());
    choice != anstream::ColorChoice::Never
}

// === impl Output ===

impl Output {
    /// Follows the options; sets whether this process uses colour.
    pub fn new(global: &Global) -> Self {
        match global.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        Self { format: global.format, error_format: global.error_format }
    }

    /// Writes a result: `value` for programs, what `human` writes for people.
    pub fn result<T: Serialize>(&self, value: &T, human: impl FnOnce(&mut dyn Write)) {
        let mut stdout = anstream::stdout().lock();
        match self.format {
            Format::Human => human(&mut Visible(stdout)),
            Format::Json => {
                // A closed pipe leaves nobody to tell.
                let text = serde_json::to_string_pretty(value).unwrap_or_default();
                let _ = writeln!(stdout, "{text}");
            }
        }
    }

    /// Writes a line for people to standard error, about what goes on.
    pub fn note(&self, line: impl Display) {
        let _ = writeln!(Visible(anstream::stderr().lock()), "{line}");
    }

    /// Writes a diagnostic in the form that was asked for.
    pub fn diagnostic(&self, diagnostic: &dyn miette::Diagnostic) {
        let text = self.rendered(diagnostic);
        match self.error_format {
            _ if text.is_empty() => {}
            ErrorFormat::Json => self.note(text),
            // Apart from what follows.
            ErrorFormat::Human | ErrorFormat::Plain => self.note(format_args!("{text}\n")),
        }
    }

    /// A diagnostic in the form that was asked for.
    pub fn rendered(&self, diagnostic: &dyn miette::Diagnostic) -> String {
        let mut text = String::new();
        let written = match self.error_format {
            ErrorFormat::Human => {
                // `anstream` removes the colour where it is not wanted.
                GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
                    .with_width(100)
                    .render_report(&mut text, diagnostic)
            }
            ErrorFormat::Plain => {
                NarratableReportHandler::new().render_report(&mut text, diagnostic)
            }
            ErrorFormat::Json => JSONReportHandler::new().render_report(&mut text, diagnostic),
        };
        text.truncate(if written.is_ok() { text.trim_end_matches('\n').len() } else { 0 });
        text
    }

    /// Writes what is suspicious, but no error.
    pub fn warning(&self, message: &str, help: Option<String>) {
        if self.error_format == ErrorFormat::Json {
            let value = serde_json::json!({
                "message": message, "severity": "warning", "help": help,
            });
            return self.note(value);
        }
        self.note(format_args!("{NOTICE}warning:{NOTICE:#} {message}"));
        if let Some(help) = help {
            self.note(format_args!("   {NOTICE}help:{NOTICE:#} {help}"));
        }
    }

    /// Writes one of several things that are wrong; why the command did not work follows.
    pub fn wrong(&self, message: &str) {
        if self.error_format == ErrorFormat::Json {
            return self.note(serde_json::json!({ "message": message, "severity": "error" }));
        }
        self.note(format_args!("{BAD}error:{BAD:#} {message}"));
    }

    /// Writes why a command did not work.
    pub fn failure(&self, failure: &Failure) {
        match failure {
            Failure::Plain(plain) => self.plain(plain),
            Failure::Problems(problems) => {
                for problem in problems.iter() {
                    self.diagnostic(problem);
                }
                if self.error_format != ErrorFormat::Json {
                    let errors = counted(problems.errors(), "error");
                    self.note(format_args!("{BAD}{errors}{BAD:#}"));
                }
            }
        }
    }

    fn plain(&self, plain: &Plain) {
        if self.error_format == ErrorFormat::Json {
            let value = serde_json::json!({
                "message": plain.message(), "severity": "error",
                "causes": plain.causes(), "help": plain.help(),
            });
            return self.note(value);
        }
        self.note(format_args!("{BAD}error:{BAD:#} {}", plain.message()));
        for cause in plain.causes() {
            self.note(format_args!("  {DIM}because:{DIM:#} {cause}"));
        }
        if let Some(help) = plain.help() {
            self.note(format_args!("   {NOTICE}help:{NOTICE:#} {help}"));
        }
    }
}

/// So many of a thing: `1 key`, `2 keys`, `2 policies`.
pub fn counted(count: usize, thing: &str) -> String {
    match (count, thing.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e']))) {
        (1, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {thing}s"),
    }
}

/// Whether a person watches standard error.
pub fn watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A table with the given headings.
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    table
}
