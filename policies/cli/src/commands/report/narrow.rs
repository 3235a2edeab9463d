//! The policy that keeps a key to what it was used for, where it is wanted.

use crate::commands::keys::day;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{GOOD, Output};
use crate::report::Granted;
use cedarkey_compiler::Project;
use jiff::Timestamp;
use serde_json::json;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// Where the policy goes.
#[derive(Debug)]
pub enum To<'a> {
    /// To standard output.
    Output,
    /// Into a file, whole or not at all.
    File {
        /// Which.
        file: &'a Path,
        /// Whether it may be there already.
        force: bool,
    },
}

/// Writes the policy.
pub fn write(
    project: &Project,
    granted: &Granted,
    since: Option<Timestamp>,
    to: &To<'_>,
    output: &Output,
) -> Result<(), Failure> {
    let Granted { key, unused_scopes, policy, .. } = granted;
    let policy = policy.as_deref().ok_or_else(|| {
        Failure::new(Exit::Failure, format!("key `{key}` {}", why_not(project, granted)))
    })?;
    let since = day(since);
    let text = format!("// What the key was used for, as proxies say since {since}.\n{policy}");
    match *to {
        To::Output => output.result(granted, |out| {
            let _ = write!(out, "{text}");
        }),
        To::File { file, force } => {
            check(project, key, file)?;
            store(file, &text, force)?;
            let shown = file.display().to_string();
            output.result(&json!({ "file": shown, "granted": granted }), |out| {
                let _ = writeln!(out, "{GOOD}wrote{GOOD:#} {shown}");
            });
            if !is_read(project, file) {
                let message =
                    format!("`{shown}` is no part of the project, so it keeps no key to anything");
                let help = "policies are the `.cedar` files in the folder `policies`";
                output.warning(&message, Some(help.into()));
            }
        }
    }
    if !unused_scopes.is_empty() {
        let scopes = unused_scopes.join("`, `");
        output.note(format_args!("it could do without the scopes `{scopes}` too"));
    }
    Ok(())
}

/// Why there is no policy.
fn why_not(project: &Project, granted: &Granted) -> String {
    let used = granted.used_actions.as_deref().unwrap_or_default();
    match (used, granted.unused_actions.as_slice()) {
        ([], _) => "was not used, as far as is known: suspend it rather".into(),
        (_, []) => match project.narrowed(&granted.key) {
            Some(source) => format!("is kept to what it was used for by `{}`", source.name()),
            None => "has used all that its scopes let it do, or more than was told apart".into(),
        },
        _ => "has used an action that the schema does not know any more".into(),
    }
}

/// Whether the project can have the policy there: its id is used once.
fn check(project: &Project, key: &str, file: &Path) -> Result<(), Failure> {
    let Some(source) = project.narrowed(key) else { return Ok(()) };
    let name = source.name();
    let place = |file: &Path| fs::canonicalize(file).ok();
    if place(file) != place(&project.root.join(name)) {
        let message = format!("`{name}` has a policy `narrow.{key}` already");
        let help = "write to that file with `--force`, or take it out of there first";
        return Err(Failure::new(Exit::Failure, message).help(help));
    }
    if project.has_others(source, key) {
        let message = format!("`{name}` has other policies besides `narrow.{key}`");
        let help = "take it out of there, and write to a file of its own";
        return Err(Failure::new(Exit::Failure, message).help(help));
    }
    Ok(())
}

/// Whether a file is one of the project's policies.
fn is_read(project: &Project, file: &Path) -> bool {
    let folder = fs::canonicalize(project.root.join("policies"));
    let is_within = |file: PathBuf| folder.is_ok_and(|folder| file.starts_with(folder));
    file.extension().is_some_and(|it| it == "cedar") && fs::canonicalize(file).is_ok_and(is_within)
}

/// Writes a file beside it first, so that a policy is there whole or not at all.
fn store(file: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let shown = file.display();
    let failed = format!("cannot write `{shown}`");
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    // As other files are: what the user's mask takes away is away.
    let mut written = Builder::new()
        .suffix(".tmp")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .context(Exit::Failure, &failed)?;
    written.write_all(text.as_bytes()).context(Exit::Failure, &failed)?;
    written.as_file().sync_all().context(Exit::Failure, &failed)?;
    let stored = if force { written.persist(file) } else { written.persist_noclobber(file) };
    match stored {
        Ok(_) => Ok(()),
        Err(error) if !force && error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            let failure = Failure::new(Exit::Failure, format!("`{shown}` is there already"));
            Err(failure.help("name another file, or overwrite it with `--force`"))
        }
        Err(error) => Err(Failure::because(Exit::Failure, failed, error.error)),
    }
}
