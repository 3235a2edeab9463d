//! A command that signs: it gets the bytes on standard input and writes the signature to standard
//! output, as 64 bytes or as base64 of them.

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

/// How long it may take: somebody may have to touch a token.
const LIMIT: Duration = Duration::from_secs(120);

/// A command with its arguments. It runs in the project's folder.
#[derive(Debug)]
pub struct Command {
    words: Vec<String>,
    folder: PathBuf,
}

// === impl Command ===

impl Command {
    pub fn new(words: &[String], folder: &Path) -> Self {
        Self { words: words.to_vec(), folder: folder.to_owned() }
    }

    /// Runs it.
    pub async fn sign(&self, message: &[u8]) -> Result<[u8; 64], Failure> {
        let shown = self.words.first().map_or("", String::as_str);
        let failed = format!("the signing command `{shown}` cannot be run");
        let run = tokio::time::timeout(LIMIT, self.run(message)).await;
        let late = format!("the signing command `{shown}` did not end within {LIMIT:?}");
        let run = run.map_err(|_| Failure::new(Exit::Bundle, late))?;
        let Output { status, stdout, .. } = run.context(Exit::Bundle, failed)?;
        if !status.success() {
            let message = format!("the signing command `{shown}` failed ({status})");
            return Err(Failure::new(Exit::Bundle, message));
        }
        read(&stdout).ok_or_else(|| {
            let message = format!("the signing command `{shown}` gave no signature");
            let help = "it must write the 64 bytes of an Ed25519 signature, or base64 of them";
            Failure::new(Exit::Bundle, message).help(help)
        })
    }

    async fn run(&self, message: &[u8]) -> std::io::Result<Output> {
        let (program, arguments) = self.words.split_first().ok_or(std::io::ErrorKind::NotFound)?;
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).current_dir(&self.folder).kill_on_drop(true);
        // What it has to say, it says to whoever called.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // One that does not read all of it may know what it does; its signature will tell.
            let _ = input.write_all(message).await;
        }
        child.wait_with_output().await
    }
}

fn read(output: &[u8]) -> Option<[u8; 64]> {
    if let Ok(signature) = output.try_into() {
        return Some(signature);
    }
    let text = std::str::from_utf8(output).ok()?;
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_bytes_or_base64() {
        let signature = [0x41; 64];
        assert_eq!(read(&signature), Some(signature));
        let text = STANDARD.encode(signature);
        assert_eq!(read(text.as_bytes()), Some(signature));
        assert_eq!(read(format!("{text}\n").as_bytes()), Some(signature));
        for other in [&b""[..], &[0; 63], b"signature: abc", STANDARD.encode([0; 32]).as_bytes()] {
            assert_eq!(read(other), None);
        }
    }
}
