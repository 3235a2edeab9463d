//! What is the same for all contenders of a run.

use clap::{Args, ValueEnum};
use serde::Serialize;

/// What is the same for all contenders of a run.
#[derive(Args, Clone, Debug, Serialize)]
pub struct Setting {
    /// How many policies there are
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    pub policies: u32,
    /// How many keys there are
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(8..=1_000_000))]
    pub keys: u64,
    /// How many workers Envoy has
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub workers: u32,
    /// Over HTTP/2 instead of HTTP/1.1
    #[arg(long)]
    pub http2: bool,
    /// What is asked
    #[arg(long, value_enum, default_value_t = Requests::Mixed)]
    pub requests: Requests,
    /// How many headers a request has, its key among them
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(3..=100))]
    pub headers: u32,
    /// Without counting which keys are used for what
    #[arg(long)]
    pub no_usage: bool,
    /// Without cedarkey's metrics: Envoy is told to keep none of them
    ///
    /// cedarkey counts all the same, and tells Envoy so on its tick.
    #[arg(long)]
    pub no_metrics: bool,
    /// With a record of every decision, which each listener's access log writes to nowhere
    ///
    /// What cedarkey then adds is the record, its place in the filter state, and its text in the
    /// line of the log; the rest of the line, and writing it, is paid for by the bare listener too.
    #[arg(long)]
    pub record: bool,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Requests {
    /// What is allowed
    Allow,
    /// What a policy denies
    DenyPolicy,
    /// What has a key that nobody has issued
    DenyUnknownKey,
    /// Of ten, eight that are allowed and one of each denial
    Mixed,
}

/// What a sweep changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Sweep {
    /// The number of headers: 5, 10, 20, 40
    Headers,
    /// The number of keys: 1,000 to 1,000,000
    Keys,
    /// The number of policies: 10 to 10,000
    Policies,
    /// HTTP/1.1 and HTTP/2
    Protocol,
    /// Allowed and denied, and why
    Requests,
    /// What is told of requests: none of it, each of metrics, usage and records alone, and all of it
    Telemetry,
    /// One worker and two
    Workers,
}

// === impl Sweep ===

impl Sweep {
    /// The settings of the sweep, each with what it is called on a plot.
    pub fn settings(self, base: &Setting) -> Vec<(String, Setting)> {
        let base = || base.clone();
        match self {
            Self::Headers => [5, 10, 20, 40]
                .map(|headers| (headers.to_string(), Setting { headers, ..base() }))
                .into(),
            Self::Keys => [1_000, 10_000, 100_000, 1_000_000]
                .map(|keys| (keys.to_string(), Setting { keys, ..base() }))
                .into(),
            Self::Policies => [10, 100, 1_000, 10_000]
                .map(|policies| (policies.to_string(), Setting { policies, ..base() }))
                .into(),
            Self::Protocol => [("HTTP/1.1", false), ("HTTP/2", true)]
                .map(|(name, http2)| (name.into(), Setting { http2, ..base() }))
                .into(),
            Self::Requests => [
                ("allow", Requests::Allow),
                ("deny, policy", Requests::DenyPolicy),
                ("deny, unknown key", Requests::DenyUnknownKey),
            ]
            .map(|(name, requests)| (name.into(), Setting { requests, ..base() }))
            .into(),
            Self::Telemetry => [
                ("none", [false, false, false]),
                ("metrics", [true, false, false]),
                ("usage", [false, true, false]),
                ("record", [false, false, true]),
                ("all", [true, true, true]),
            ]
            .map(|(name, [metrics, usage, record])| {
                let (no_metrics, no_usage) = (!metrics, !usage);
                (name.into(), Setting { no_metrics, no_usage, record, ..base() })
            })
            .into(),
            Self::Workers => {
                [1, 2].map(|workers| (workers.to_string(), Setting { workers, ..base() })).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches};

    impl Setting {
        /// What is measured if nothing is said.
        pub fn usual() -> Self {
            let command = Self::augment_args(Command::new("bench"));
            Self::from_arg_matches(&command.get_matches_from(["bench"])).unwrap()
        }
    }

    #[test]
    fn telemetry_is_measured_alone_and_together() {
        let told = |(_, it): (String, Setting)| [!it.no_metrics, !it.no_usage, it.record];
        let mut points: Vec<_> =
            Sweep::Telemetry.settings(&Setting::usual()).into_iter().map(told).collect();
        let [first, .., last] = points[..] else { panic!("{points:?}") };
        assert_eq!([first, last], [[false; 3], [true; 3]]);
        points.retain(|told| told.iter().filter(|is| **is).count() == 1);
        points.dedup();
        assert_eq!(points.len(), 3);
    }
}
