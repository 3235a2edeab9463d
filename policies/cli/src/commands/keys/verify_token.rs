//! `cedarkey keys verify-token`

use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{BAD, GOOD, NOTICE, Output};
use crate::project;
use cedarkey_engine::token::{Token, TokenError};
use clap::Args;
use serde_json::json;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// Tell whether a text is a token, without asking anybody: form, checksum, prefix, environment.
///
/// The text is read from standard input, so that it stands in no history and no list of processes.
/// It is not looked up: whether such a key was issued, `cedarkey keys show` tells by the SHA-256
/// that is written here.
///
/// The exit status is 0 for a token of this project, 12 for what is no token, and 13 for a token of
/// another prefix or environment.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys verify-token < found.txt
  cedarkey keys verify-token --prefix ck --environment production --format json < found.txt")]
pub struct VerifyToken {
    /// The prefix that it must have [default: the project's]
    #[arg(long, requires = "environment")]
    prefix: Option<String>,
    /// The environment that it must be for [default: the project's]
    #[arg(long, requires = "prefix")]
    environment: Option<String>,
}

/// The longest text that is read: more is no token.
const LIMIT: u64 = 64 * 1024;

impl VerifyToken {
    /// Tells it.
    pub fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let (prefix, environment) = match (self.prefix, self.environment) {
            (Some(prefix), Some(environment)) => (prefix, environment),
            _ => {
                let settings = project::settings(given)?;
                (settings.prefix, settings.environment)
            }
        };
        let mut text = Zeroizing::new(String::new());
        let read = std::io::stdin().lock().take(LIMIT).read_to_string(&mut text);
        let exit = match read {
            Ok(_) => verify(text.trim(), &prefix, &environment, output),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                no_token(TokenError::Character, output)
            }
            Err(error) => {
                return Err(error).context(Exit::Failure, "standard input cannot be read");
            }
        };
        Ok(exit)
    }
}

fn verify(text: &str, prefix: &str, environment: &str, output: &Output) -> Exit {
    let token = match Token::parse(text) {
        Ok(token) => token,
        Err(error) => return no_token(error, output),
    };
    let is_own = token.prefix == prefix && token.environment == environment;
    let value = json!({
        "token": true, "own": is_own, "prefix": token.prefix,
        "environment": token.environment, "sha256": token.hash().to_string(),
    });
    output.result(&value, |out| {
        let form = format!("{}_{}", token.prefix, token.environment);
        if is_own {
            let _ = writeln!(out, "{GOOD}a token{GOOD:#} of {form}, sha256 {}", token.hash());
        } else {
            let own = format!("{prefix}_{environment}");
            let _ = writeln!(
                out,
                "{NOTICE}a token of another project{NOTICE:#}: {form}, not {own}, sha256 {}",
                token.hash()
            );
        }
    });
    if is_own { Exit::Ok } else { Exit::OtherToken }
}

fn no_token(error: TokenError, output: &Output) -> Exit {
    let value = json!({ "token": false, "because": error.to_string() });
    output.result(&value, |out| {
        let _ = writeln!(out, "{BAD}no token{BAD:#}: {error}");
    });
    Exit::NoToken
}
