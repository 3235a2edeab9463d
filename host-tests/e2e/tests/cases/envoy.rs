//! In a real Envoy, whose clock and peers are what they are.

use crate::{mismatch, ready};
use cedarkey_host_kit::deployment::{Deployment, Result, request, start};
use std::net::{IpAddr, Ipv4Addr};

#[test]
fn every_case_that_needs_no_other_time_or_place_comes_out_in_envoy() -> Result<()> {
    let deployment = Deployment::new()?;
    let seed = deployment.file("seed.ckb");
    let seed = seed.to_string_lossy();
    deployment.cedarkey(&["build", "-o", &seed])?;
    let rendered = deployment.render(&["--seed", &seed])?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for ready in ready()? {
        let envoy = start(&with_config(&rendered, &ready.config.to_string())?)?;
        for case in &ready.prepared.cases {
            let (name, asked) = (&case.name, &case.request);
            if asked.now.is_some() {
                println!("skipped: `{name}`, because Envoy's clock cannot be set");
                continue;
            }
            if asked.source_ip != IpAddr::V4(Ipv4Addr::LOCALHOST) {
                println!("skipped: `{name}`, because the test's requests come from loopback");
                continue;
            }
            if asked.tls.peer.is_some() || asked.tls.subject.is_some() || !asked.claims.is_empty() {
                println!("skipped: `{name}`, because this Envoy verifies no certificates or JWTs");
                continue;
            }
            let mut headers: Vec<_> =
                asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            headers.extend(
                ready.prepared.tokens.get(&case.key).map(|token| ("x-api-key", token.as_str())),
            );
            // Envoy itself answers paths that it can tell are not plain.
            if asked.path.contains("%2f") {
                println!("skipped: `{name}`, because Envoy refuses the path before the filter");
                continue;
            }
            let answer = request(&envoy, &asked.method, &asked.path, &headers)?;
            wrong.extend(mismatch(case, answer.status, &answer.json()));
            count += 1;
        }
    }
    assert!(count > 5 && wrong.is_empty(), "{count} cases, wrong: {wrong:#?}");
    Ok(())
}

/// The same Envoy with another configuration of the filter.
fn with_config(rendered: &str, config: &str) -> Result<String> {
    let line = rendered.lines().find(|line| line.contains("trusted_keys"));
    let line = line.ok_or("the filter's configuration is not on a line of its own")?;
    let (name, _) = line.split_once("value:").ok_or("the line does not begin with `value:`")?;
    let quoted = config.replace('\'', "''");
    Ok(rendered.replace(line, &format!("{name}value: '{quoted}'")))
}
