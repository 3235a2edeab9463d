//! Whose usage is kept, so that there is always a place for a key that is used.

use std::{sync::Arc, time::Duration};

use cedarkey_engine::key::KeyId;

use super::held::Held;
use crate::{
    Shared,
    problem::Problem,
    store::{Latest, MAX_KEYS},
};

/// How often to look which keys are gone.
pub(crate) const LOOK: Duration = Duration::from_secs(6 * 3600);

/// When to look first.
pub(crate) const FIRST_LOOK: Duration = Duration::from_secs(60);

/// For how long it is known how a key was used that the bundle in force no longer holds, in seconds.
const KEPT: i64 = 90 * 86_400;

/// How many places there are before those give way that have been gone for less.
const CROWDED: usize = MAX_KEYS / 5 * 4;

/// What is to be done about keys, by the text of their ids.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    /// The bundle no longer holds them.
    gone: Vec<String>,
    /// It holds them again.
    back: Vec<String>,
    /// They are forgotten.
    forgotten: Vec<String>,
}

// === impl Plan ===

impl Plan {
    /// For keys, each with since when it is gone, or 0.
    fn new(places: Vec<(String, i64)>, held: &Held, now: i64) -> Self {
        let excess = places.len().saturating_sub(CROWDED);
        let mut plan = Self::default();
        let mut were_gone = Vec::new();
        for (key, gone) in places {
            match (KeyId::parse(&key).is_some_and(|id| held.has(id)), gone) {
                (true, 0) => {}
                (true, _) => plan.back.push(key),
                (false, 0) => plan.gone.push(key),
                (false, _) => were_gone.push((gone, key)),
            }
        }
        // The longest gone come first.
        were_gone.sort_unstable();
        let old = now.saturating_sub(KEPT);
        let forgotten = were_gone.into_iter().enumerate();
        let forgotten = forgotten.take_while(|(at, (gone, _))| *gone <= old || *at < excess);
        plan.forgotten = forgotten.map(|(_, (_, key))| key).collect();
        plan
    }
}

// === impl Shared ===

impl Shared {
    /// Finds which keys are gone from every bundle, and makes room. What fails is tried again the next
    /// time.
    pub(crate) async fn clear_places(&self, now: i64) {
        for (name, latest) in self.arrivals.by_name() {
            if let Err(problem) = self.clear_places_of(&name, &latest, now).await {
                tracing::warn!(bundle = name, %problem, "cannot look through its usage");
            }
        }
    }

    async fn clear_places_of(
        &self,
        name: &str,
        latest: &Arc<Latest>,
        now: i64,
    ) -> Result<(), Problem> {
        let usage = self.keeps_usage()?;
        let places = self.store.usage_places(name).await?;
        if places.is_empty() {
            return Ok(());
        }
        let held = usage.holdings.of(name, latest, &self.store).await?;
        let Plan { gone, back, forgotten } = Plan::new(places, &held, now);
        self.store.mark_usage(name, &gone, now).await?;
        self.store.mark_usage(name, &back, 0).await?;
        self.store.forget_usage(name, &forgotten).await?;
        usage.forgotten.inc_by(u64::try_from(forgotten.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
