//! The files of a project, read once: nothing else in this crate touches a disk.

use crate::problem::{Problem, Problems, Source};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, ErrorKind};
use std::path::Path;

/// The folders of policies, of those that say which keys may be minted, and of case files.
const POLICIES: &str = "policies";
const MINT: &str = "mint";
const TESTS: &str = "tests";

/// The files of a project, by name relative to it, with `/` between folders.
#[derive(Debug, Default)]
pub struct Files {
    files: BTreeMap<String, Result<Vec<u8>, Error>>,
    /// Folders that could not be read.
    folders: Vec<(String, Error)>,
}

// === impl Files ===

impl Files {
    /// Reads all that belongs to the project in a folder. What cannot be read is told when it is
    /// asked for.
    pub fn read(root: &Path) -> Self {
        let mut files = Self::default();
        for name in [
            crate::settings::FILE,
            crate::project::SCHEMA,
            crate::routes::FILE,
            crate::entities::FILE,
            crate::project::LINKS,
        ] {
            files.add(root, name.into());
        }
        for (folder, extension) in [(POLICIES, "cedar"), (MINT, "cedar"), (TESTS, "yaml")] {
            files.walk(root, folder, extension);
        }
        files
    }

    /// Reads the settings alone.
    pub fn settings(root: &Path) -> Self {
        let mut files = Self::default();
        files.add(root, crate::settings::FILE.into());
        files
    }

    /// The names of the policy files, sorted.
    ///
    /// # Errors
    ///
    /// The folders that cannot be read.
    pub fn policies(&self) -> Result<Vec<&str>, Problems> {
        self.names(POLICIES)
    }

    /// The names of the policy files that say which keys may be minted, sorted.
    ///
    /// # Errors
    ///
    /// The folders that cannot be read.
    pub fn mint(&self) -> Result<Vec<&str>, Problems> {
        self.names(MINT)
    }

    /// The names of the case files, sorted.
    ///
    /// # Errors
    ///
    /// The folders that cannot be read.
    pub fn tests(&self) -> Result<Vec<&str>, Problems> {
        self.names(TESTS)
    }

    /// The text of a file.
    ///
    /// # Errors
    ///
    /// Where it is missing, cannot be read, or is not UTF-8.
    pub fn text(&self, name: &str) -> Result<Source, Problem> {
        let bytes = match self.files.get(name) {
            Some(Ok(bytes)) => bytes,
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
                let message = format_args!("`{name}` cannot be read: {error}");
                return Err(Problem::error("cedarkey::project::unreadable", message));
            }
            _ => {
                let message = format_args!("`{name}` is missing");
                let problem = Problem::error("cedarkey::project::missing", message);
                let help = "`cedarkey init` makes a project with every file in its place";
                return Err(problem.help(help));
            }
        };
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            let message =
                format_args!("`{name}` is not UTF-8: byte {at} is no part of a character");
            Problem::error("cedarkey::project::encoding", message).help("save it as UTF-8")
        })?;
        Ok(Source::new(name, text.into()))
    }

    /// The text of a file that need not be there.
    ///
    /// # Errors
    ///
    /// Where it is there but cannot be read, or is not UTF-8.
    pub fn optional(&self, name: &str) -> Result<Option<Source>, Problem> {
        match self.files.get(name) {
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ => self.text(name).map(Some),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<&str>, Problems> {
        let within = |name: &str| name.strip_prefix(folder).is_some_and(|n| n.starts_with('/'));
        let unreadable = self.folders.iter().filter(|(name, _)| name == folder || within(name));
        let problems: Vec<_> = unreadable
            .map(|(name, error)| {
                let message = format_args!("the folder `{name}` cannot be read: {error}");
                Problem::error("cedarkey::project::unreadable", message)
            })
            .collect();
        if !problems.is_empty() {
            return Err(problems.into());
        }
        Ok(self.files.keys().map(String::as_str).filter(|name| within(name)).collect())
    }

    fn add(&mut self, root: &Path, name: String) {
        let content = fs::read(root.join(&name));
        self.files.insert(name, content);
    }

    /// Reads the files of an extension in a folder and the folders in it. Hidden names are passed
    /// over, and so are links to folders, which might lead in circles.
    fn walk(&mut self, root: &Path, folder: &str, extension: &str) {
        let entries = match fs::read_dir(root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => return self.folders.push((folder.into(), error)),
        };
        for entry in entries {
            let (entry, kind) = match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
                Ok((kind, entry)) => (entry, kind),
                Err(error) => return self.folders.push((folder.into(), error)),
            };
            let own = entry.file_name().to_string_lossy().into_owned();
            let name = format!("{folder}/{own}");
            if own.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                self.walk(root, &name, extension);
            } else if Path::new(&own).extension().is_some_and(|found| found == extension) {
                self.add(root, name);
            }
        }
    }
}
