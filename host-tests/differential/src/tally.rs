//! What was generated, and what came of it.

pub mod constructs;

use crate::case::Case;
use crate::compare::Agreed;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What was counted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Cases.
    pub cases: u64,
    /// Policies, links included.
    pub policies: u64,
    /// Requests that both answered alike.
    pub requests: u64,
    /// Requests that were allowed.
    pub allowed: u64,
    /// Requests that a forbid denied.
    pub forbidden: u64,
    /// Requests that were forbidden while some permit applied.
    pub overruled: u64,
    /// Requests that several policies determined.
    pub by_several: u64,
    /// Requests in which the evaluation of some policy failed.
    pub failing: u64,
    /// Cases whose policies were given to Cedar's validator.
    pub validated: u64,
    /// Those that passed it.
    pub valid: u64,
    /// Each construct, and how often it was generated.
    pub constructs: BTreeMap<&'static str, u64>,
    /// Each construct of policies, and how often it was generated in a policy that determined an
    /// answer.
    pub determining: BTreeMap<&'static str, u64>,
    /// Each construct of policies, and how often it was generated in a policy that failed.
    pub failed: BTreeMap<&'static str, u64>,
}

// === impl Tally ===

impl Tally {
    /// Counts a case and its answers.
    pub fn count(&mut self, case: &Case, answers: &[Agreed]) {
        add(&mut self.cases, true);
        let static_ones = case.policies.iter().filter(|policy| !policy.is_template()).count();
        more(&mut self.policies, static_ones.saturating_add(case.links.len()));
        for Agreed { answer, overruled } in answers {
            add(&mut self.requests, true);
            add(&mut self.allowed, answer.allow);
            add(&mut self.forbidden, !answer.allow && !answer.reasons.is_empty());
            add(&mut self.overruled, *overruled);
            add(&mut self.by_several, answer.reasons.len() > 1);
            add(&mut self.failing, !answer.errors.is_empty());
        }
        let positions = |of: fn(&Agreed) -> &BTreeSet<String>| -> BTreeSet<usize> {
            let ids = answers.iter().flat_map(of);
            ids.filter_map(|id| case.position(id)).collect()
        };
        let determining = positions(|agreed| &agreed.answer.reasons);
        let failed = positions(|agreed| &agreed.answer.errors);
        for (at, policy) in case.policies.iter().enumerate() {
            constructs::of_policy(policy, &mut |name| {
                more(self.constructs.entry(name).or_default(), 1);
                if determining.contains(&at) {
                    more(self.determining.entry(name).or_default(), 1);
                }
                if failed.contains(&at) {
                    more(self.failed.entry(name).or_default(), 1);
                }
            });
        }
        constructs::of_case(case, &mut |name, times| {
            more(self.constructs.entry(name).or_default(), times);
        });
    }

    /// Counts what Cedar's validator said.
    pub fn validate(&mut self, valid: bool) {
        add(&mut self.validated, true);
        add(&mut self.valid, valid);
    }

    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.cases, other.cases),
            (&mut self.policies, other.policies),
            (&mut self.requests, other.requests),
            (&mut self.allowed, other.allowed),
            (&mut self.forbidden, other.forbidden),
            (&mut self.overruled, other.overruled),
            (&mut self.by_several, other.by_several),
            (&mut self.failing, other.failing),
            (&mut self.validated, other.validated),
            (&mut self.valid, other.valid),
        ];
        for (sum, more) in pairs {
            *sum = sum.saturating_add(more);
        }
        let maps = [
            (&mut self.constructs, &other.constructs),
            (&mut self.determining, &other.determining),
            (&mut self.failed, &other.failed),
        ];
        for (sums, counts) in maps {
            for (name, count) in counts {
                let sum = sums.entry(name).or_default();
                *sum = sum.saturating_add(*count);
            }
        }
    }
}

fn add(count: &mut u64, counts: bool) {
    *count = count.saturating_add(u64::from(counts));
}

fn more(count: &mut u64, times: usize) {
    *count = count.saturating_add(u64::try_from(times).unwrap_or(u64::MAX));
}
