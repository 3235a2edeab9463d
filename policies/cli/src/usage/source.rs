//! Where it is known how keys are used.

use super::Usage;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::publisher::{Publisher, TIMEOUT};
use crate::shell::quoted;
use clap::Args;
use std::path::PathBuf;

/// Where usage comes from. Nothing is asked unless one of these is given.
#[derive(Args, Clone, Debug, Default)]
pub struct Source {
    /// The publisher that proxies report usage to, or its `--admin-listen`
    #[arg(long, value_name = "URL", env = "CEDARKEY_PUBLISHER")]
    publisher: Option<reqwest::Url>,
    /// What `cedarkey usage --format json` has written, instead of a publisher
    #[arg(long, value_name = "FILE", conflicts_with = "publisher")]
    usage: Option<PathBuf>,
}

// === impl Source ===

impl Source {
    /// Whether any is given.
    pub fn is_given(&self) -> bool {
        self.usage.is_some() || self.publisher.is_some()
    }

    /// The options that were given, as they are typed; a password is left out.
    pub fn typed(&self) -> String {
        match (&self.usage, &self.publisher) {
            (Some(file), _) => format!(" --usage {}", quoted(&file.to_string_lossy())),
            (None, Some(publisher)) => {
                let mut shown = publisher.clone();
                // It fails for URLs that cannot have one.
                let _ = shown.set_password(None);
                format!(" --publisher {}", quoted(shown.as_str()))
            }
            (None, None) => String::new(),
        }
    }

    /// What is known of a bundle's keys; nothing where nobody is to be asked.
    pub async fn read(&self, bundle: &str) -> Result<Option<Usage>, Failure> {
        match (&self.usage, &self.publisher) {
            (Some(file), _) => {
                let shown = file.display();
                let text = std::fs::read(file)
                    .context(Exit::Usage, format_args!("cannot read the usage `{shown}`"))?;
                let usage: Usage = serde_json::from_slice(&text).context(
                    Exit::Usage,
                    format_args!("`{shown}` is not what `cedarkey usage --format json` writes"),
                )?;
                Ok(Some(usage.sorted()))
            }
            (None, Some(publisher)) => {
                Publisher::new(publisher, TIMEOUT)?.usage(bundle).await.map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    /// As [`read`](Self::read), where there is nothing to do without.
    pub async fn require(&self, bundle: &str) -> Result<Usage, Failure> {
        let usage = self.read(bundle).await?;
        usage.ok_or_else(|| {
            Failure::new(Exit::Usage, "it is not said where usage is known").help(
                "name the publisher with `--publisher`, or what `cedarkey usage` has written with `--usage`",
            )
        })
    }
}
