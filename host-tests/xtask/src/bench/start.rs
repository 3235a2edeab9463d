//! `cargo xtask bench start`

use crate::steps::heading;
use anyhow::{Context, anyhow};
use cedarkey_host_kit::deployment::{self, Deployment};
use cedarkey_host_kit::{ports, tools};
use clap::Args;
use serde_json::Value;
use std::time::Duration;

/// How long Envoy takes until it is ready, with the filter and without.
#[derive(Args, Debug)]
pub struct Start {
    /// How often each is started
    #[arg(long, default_value_t = 11)]
    runs: usize,
}

impl Start {
    /// Runs it.
    pub fn run(self) -> anyhow::Result<bool> {
        heading("get ready");
        let module = tools::filter()?;
        let boxed = |error: Box<dyn std::error::Error + Send + Sync>| anyhow!(error);
        let deployment = Deployment::new().map_err(boxed)?;
        let publisher = format!("127.0.0.1:{}", ports::free()?);
        let filtered = deployment.render(&["--publisher", &publisher]).map_err(boxed)?;
        let bare = without_filter(&filtered)?;

        heading("Envoy with two workers, with and without the filter in turns");
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..self.runs {
            for (config, times) in [(&bare, &mut without), (&filtered, &mut with)] {
                let envoy = deployment::start(config).map_err(boxed)?;
                times.push(envoy.ready_in());
                envoy.stop()?;
            }
        }
        let (with, without) = (median(with)?, median(without)?);
        let size = std::fs::metadata(&module)?.len();
        anstream::println!("module                {size:>7} bytes");
        anstream::println!("ready without filter  {:>7} ms", without.as_millis());
        anstream::println!("ready with filter     {:>7} ms", with.as_millis());
        anstream::println!(
            "added                 {:>7} ms",
            with.saturating_sub(without).as_millis()
        );
        anstream::println!("medians of {} starts each", self.runs);
        Ok(true)
    }
}

/// The same configuration, without the filter.
fn without_filter(config: &str) -> anyhow::Result<String> {
    let mut config: Value = serde_saphyr::from_str(config)?;
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = config.pointer_mut(filters).and_then(Value::as_array_mut);
    let filters = filters.context("the configuration has no HTTP filters")?;
    let before = filters.len();
    filters.retain(|filter| filter.get("name") != Some(&"envoy.filters.http.wasm".into()));
    anyhow::ensure!(filters.len() < before, "the configuration has no wasm filter");
    Ok(config.to_string())
}

fn median(mut times: Vec<Duration>) -> anyhow::Result<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied().context("nothing was measured")
}
