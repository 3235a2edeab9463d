//! `cedarkey keys rotate`

use super::new::tell_token;
use super::push::Push;
use super::{change, refused};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{DIM, Output};
use crate::project;
use crate::time::{Instant, instant};
use cedarkey_registry::{Key, Rotation, Selector};
use clap::Args;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use std::path::Path;

/// Replace a key by a new one, and let both be valid for a while.
///
/// The old key ends by itself when the overlap is over. The new one has the same owner, scopes and
/// bounds, and lives for as long as the old one was to. Where the project has a second person
/// approve keys, the overlap begins when that is done.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys rotate nightly-export --overlap 7d
  cedarkey keys rotate 01KA3V8J --overlap 0s --reason 'seen in a log' --push http://127.0.0.1:9180")]
pub struct Rotate {
    /// The key: its name, its id or as much of its beginning as no other has, or the SHA-256 of its
    /// token
    key: String,
    /// How long the old key stays valid
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = overlap)]
    overlap: SignedDuration,
    /// When the new key ends [default: after the time that the old one was to live]
    #[arg(long, value_name = "WHEN", value_parser = Instant::parse_some)]
    expires: Option<Instant>,
    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    push: Push,
}

impl Rotate {
    /// Replaces it.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let change = change(self.reason.as_deref()).with_approval(settings.approval);
        let expires = instant(self.expires, change.now)?;
        let registry = project::registry(&settings.registry).await?;
        let rotation = Rotation { overlap: self.overlap, expires };
        let selector = Selector::from(self.key.as_str());
        let rotated = registry.rotate(&selector, rotation, &change).await;
        registry.close().await;
        let rotated = rotated.map_err(refused("the key is not rotated"))?;
        tell_token(&rotated.new, output);
        let (old, new) = (&rotated.old, &rotated.new.key);
        if new.is_waiting() {
            let (new, old) = (&new.id, &old.id);
            output.note(format_args!(
                "{DIM}key {new} is to replace {old}; `cedarkey keys approve {new}` by somebody else makes it so{DIM:#}"
            ));
            return Ok(Exit::Ok);
        }
        output.note(format_args!("{DIM}key {} {}{DIM:#}", new.id, replaces(old)));
        let pushed = self.push.run(given, output).await?;
        Push::tell(pushed, "proxies do not know the new key yet", output);
        Ok(Exit::Ok)
    }
}

/// What a key does with the one that ends because of it.
pub fn replaces(old: &Key) -> String {
    let ends = old.expires.map_or_else(String::new, |at| format!(", which ends {at}"));
    format!("replaces {}{ends}", old.id)
}

fn overlap(text: &str) -> Result<SignedDuration, String> {
    let span = text.parse::<Span>().ok();
    let length = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    length
        .filter(|length| !length.is_negative())
        .ok_or_else(|| "write a length of time: `7d`, `12h` or `0s`".into())
}
