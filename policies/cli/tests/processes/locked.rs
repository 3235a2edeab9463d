//! A registry that another process has locked: this one.

use crate::project::{Project, Result};
use rustix::fs::{FlockOperation, fcntl_lock};
use std::fs::OpenOptions;

#[test]
fn a_registry_that_is_locked() -> Result {
    let project = Project::new()?;
    project.run(&["keys", "list"])?.success()?;
    let file = OpenOptions::new().read(true).write(true).open(project.path("shop/keys.db"))?;
    fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive)?;
    for command in [["keys", "list"].as_slice(), &["build"], &["check"]] {
        let said = project.run(command)?;
        assert_eq!(said.status, Some(5), "{command:?}: {}", said.stderr);
        assert!(said.stderr.contains("keys.db` is locked by another process"), "{}", said.stderr);
    }
    drop(file);
    project.run(&["keys", "list"])?.success()?;
    Ok(())
}
