//! The tests of a folder, and of the archives in it.

use crate::test::Test;
use anyhow::{Context, ensure};
use lzma_rust2::XzReader;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use walkdir::WalkDir;

/// A folder of tests.
#[derive(Debug)]
pub struct Folder {
    /// Where the files of a test are looked for.
    roots: Vec<PathBuf>,
    /// Each file that is or should be a test, by its path within its root.
    tests: BTreeMap<String, Result<Test, String>>,
    /// What archives were unpacked into; removed at the end.
    _unpacked: Vec<TempDir>,
}

/// The ending of an archive's name.
const ARCHIVE: &str = ".tar.xz";

// === impl Folder ===

impl Folder {
    /// Finds all tests. Archives are unpacked to where temporary files go.
    ///
    /// # Errors
    ///
    /// There is no such folder, or an archive cannot be unpacked. A test that cannot be read is not
    /// an error here but a result.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        ensure!(dir.exists(), "there is no `{}`", dir.display());
        let dir = dir.canonicalize().with_context(|| format!("`{}`", dir.display()))?;
        let mut roots = Vec::new();
        let mut unpacked = Vec::new();
        let archives = if dir.is_file() { vec![dir.clone()] } else { archives(&dir)? };
        if dir.is_dir() {
            roots.push(dir.clone());
        }
        for archive in archives {
            let folder = unpack(&archive).with_context(|| format!("`{}`", archive.display()))?;
            roots.push(folder.path().into());
            unpacked.push(folder);
        }
        let mut tests = BTreeMap::new();
        for root in &roots {
            for (name, test) in read(root)? {
                // What lies in the folder itself goes before the same file of an archive.
                tests.entry(name).or_insert(test);
            }
        }
        forget_data(&mut tests);
        // Last of all, for whoever names the folder within the root.
        roots.extend(dir.ancestors().skip(1).map(Path::to_path_buf));
        Ok(Self { roots, tests, _unpacked: unpacked })
    }

    /// The tests, by the path of their file.
    pub fn tests(&self) -> impl ExactSizeIterator<Item = (&str, &Result<Test, String>)> {
        self.tests.iter().map(|(name, test)| (name.as_str(), test))
    }

    /// The content of a file that a test names: relative to the root, or else to the test itself.
    ///
    /// # Errors
    ///
    /// There is no such file, or it is no text.
    pub fn text(&self, test: &str, name: &str) -> anyhow::Result<String> {
        let from_root = self.roots.iter().map(|root| root.join(name));
        let beside = self.roots.iter().map(|root| root.join(test).with_file_name("").join(name));
        let mut places = from_root.chain(beside);
        let path =
            places.find(|path| path.is_file()).with_context(|| format!("there is no `{name}`"))?;
        fs::read_to_string(path).with_context(|| format!("`{name}`"))
    }
}

/// The archives of a folder, not of those within.
fn archives(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let is_archive = |name: &Path| name.to_string_lossy().ends_with(ARCHIVE);
    let entries = fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path()));
    let mut archives = entries.collect::<Result<Vec<_>, _>>()?;
    archives.retain(|path| is_archive(path) && path.is_file());
    archives.sort();
    Ok(archives)
}

fn unpack(archive: &Path) -> anyhow::Result<TempDir> {
    let folder = TempDir::with_prefix("cedarkey-conformance-")?;
    let reader = BufReader::new(File::open(archive)?);
    let mut tar = tar::Archive::new(BufReader::new(XzReader::new(reader, true)));
    // Some archives hold folders that nobody may write to.
    tar.set_preserve_permissions(false);
    tar.unpack(folder.path())?;
    Ok(folder)
}

/// The tests below a folder.
fn read(root: &Path) -> anyhow::Result<Vec<(String, Result<Test, String>)>> {
    let mut tests = Vec::new();
    for entry in WalkDir::new(root).follow_links(true) {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_none_or(|ending| ending != "json") || !path.is_file() {
            continue;
        }
        let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
        let test = match fs::read_to_string(path) {
            Ok(text) => Test::read(&text),
            Err(error) => Some(Err(format!("it cannot be read: {error}"))),
        };
        tests.extend(test.map(|test| (name, test)));
    }
    Ok(tests)
}

/// Forgets files that cannot be read but belong to a test, which fails for that.
fn forget_data(tests: &mut BTreeMap<String, Result<Test, String>>) {
    let mut named = BTreeSet::new();
    for (name, test) in tests.iter() {
        let Ok(test) = test else { continue };
        let data =
            [Some(&test.policies), Some(&test.entities), test.schema.as_ref(), test.links.as_ref()];
        for file in data.into_iter().flatten() {
            named.insert(file.clone());
            named.insert(Path::new(name).with_file_name(file).to_string_lossy().into_owned());
        }
    }
    tests.retain(|name, test| test.is_ok() || !named.contains(name));
}
