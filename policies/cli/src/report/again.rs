//! What to type to ask for the same again, and for more.

use crate::shell::quoted;
use crate::usage::Source;
use cedarkey_compiler::Project;
use std::path::{Path, PathBuf};

/// How a report was asked for.
#[derive(Clone, Debug)]
pub struct Again {
    /// The command, with the project and where usage is known.
    command: String,
    /// The project's folder, seen from where the command is typed.
    folder: PathBuf,
}

// === impl Again ===

impl Again {
    /// For a project that was named, or found where the command was typed.
    pub fn new(given: Option<&Path>, project: &Project, source: &Source) -> Self {
        let mut command = String::from("cedarkey report");
        if let Some(given) = given {
            command = format!("{command} -C {}", quoted(&given.to_string_lossy()));
        }
        let here = std::env::current_dir().is_ok_and(|here| here == project.root);
        let folder = if here { PathBuf::new() } else { project.root.clone() };
        Self { command: format!("{command}{}", source.typed()), folder }
    }

    /// What narrows a key.
    pub fn narrow(&self, project: &Project, key: &str) -> String {
        let (file, force) = match project.narrowed(key) {
            Some(source) => (source.name().to_owned(), " --force"),
            None => (format!("policies/narrow-{key}.cedar"), ""),
        };
        let file = quoted(&self.folder.join(file).to_string_lossy());
        format!("{} --narrow {key} --to {file}{force}", self.command)
    }
}
