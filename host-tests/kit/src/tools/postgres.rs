//! PostgreSQL.

use super::{ToolError, debian};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Where Debian puts the programs of each version.
const FOLDERS: &str = "/usr/lib/postgresql";

/// The folder with PostgreSQL's programs, the newest version that is installed. Where there is none,
/// Debian's package is installed.
///
/// # Errors
///
/// It cannot be installed.
pub fn postgres() -> Result<PathBuf, ToolError> {
    // Tests of one process run at the same time; one of them installs it, and the others find it.
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = newest(Path::new(FOLDERS)) {
        return Ok(found);
    }
    debian::install("postgresql")?;
    newest(Path::new(FOLDERS)).ok_or_else(|| ToolError::Missing {
        command: "apt-get install postgresql".into(),
        product: "postgres",
    })
}

fn newest(folders: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(folders).ok()?.filter_map(Result::ok);
    let complete = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let programs = entry.path().join("bin");
        ["createdb", "initdb", "pg_isready", "postgres"]
            .iter()
            .all(|program| programs.join(program).is_file())
            .then_some((version, programs))
    });
    complete.max().map(|(_, programs)| programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_version_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let make = |version: &str, programs: &[&str]| {
            let bin = folder.path().join(version).join("bin");
            fs::create_dir_all(&bin).unwrap();
            for program in programs {
                fs::write(bin.join(program), "").unwrap();
            }
            bin
        };
        assert_eq!(newest(folder.path()), None);
        let whole = ["createdb", "initdb", "pg_isready", "postgres"];
        make("9", &whole);
        let expected = make("15", &whole);
        make("17", &whole[..2]);
        make("common", &whole);
        assert_eq!(newest(folder.path()), Some(expected));
        assert_eq!(newest(&folder.path().join("nowhere")), None);
    }
}
