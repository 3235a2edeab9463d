//! What a publisher knows of the use of keys.

use super::Publisher;
use crate::failure::Failure;
use crate::usage::Usage;
use serde::Deserialize;

/// The longest page, in bytes.
const MAX_PAGE: usize = 16 * 1024 * 1024;

/// A part of what is known.
#[derive(Deserialize)]
struct Page {
    #[serde(flatten)]
    usage: Usage,
    next: Option<String>,
}

// === impl Publisher ===

impl Publisher {
    /// How the keys of a bundle are used.
    ///
    /// # Errors
    ///
    /// Where the publisher cannot be reached, does not answer in time, has none, or is no publisher.
    pub async fn usage(&self, name: &str) -> Result<Usage, Failure> {
        let page = self.page(name, "").await?;
        let (mut usage, mut next) = (page.usage, page.next);
        while let Some(after) = next {
            let page = self.page(name, &after).await?;
            usage.keys.extend(page.usage.keys);
            // A page that leads nowhere is the last.
            next = page.next.filter(|next| *next > after);
        }
        Ok(usage.sorted())
    }

    async fn page(&self, name: &str, after: &str) -> Result<Page, Failure> {
        let mut url = self.url(&["bundles", name, "usage"]);
        url.query_pairs_mut().append_pair("after", after);
        self.ask_for(self.client.get(url), MAX_PAGE).await?.parse(&self.base)
    }
}
