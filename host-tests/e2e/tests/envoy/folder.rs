//! Bundles in a folder: one beside Envoy, which Envoy itself gives to the filter, and one behind a
//! static server that does not hold requests.

use crate::issue;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cedarkey_host_kit::deployment::{
    Deployment, Issued, LIMIT, Result, in_force, request, request_until, start,
};
use cedarkey_host_kit::envoy::Envoy;
use cedarkey_host_kit::upstream::Upstream;
use cedarkey_host_kit::{ports, wait};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Writes the project's bundle to a folder beside it.
fn export(deployment: &Deployment) -> Result<PathBuf> {
    let folder = deployment.file("bundles");
    deployment.cedarkey(&["export", "--to", &folder.to_string_lossy()])?;
    Ok(folder)
}

fn revoke(deployment: &Deployment, key: &Issued) -> Result<()> {
    deployment.cedarkey(&["keys", "revoke", &key.id, "--reason", "tests"])?;
    Ok(())
}

fn all_answer(envoy: &Envoy, key: &Issued, status: u16) -> bool {
    let key = [("x-api-key", key.token.as_str())];
    (0..20).all(|_| request(envoy, "GET", "/v1/orders", &key).is_ok_and(|it| it.status == status))
}

#[test]
fn envoy_starts_from_its_own_folder_while_the_publisher_is_away() -> Result<()> {
    let mut deployment = Deployment::new()?;
    let (stays, goes) = (issue(&deployment, "90d")?, issue(&deployment, "90d")?);
    let folder = export(&deployment)?;
    let publisher = format!("127.0.0.1:{}", ports::free()?);
    let at = format!("127.0.0.1:{}", ports::free()?);
    let folder = folder.to_string_lossy();
    let config = deployment.render(&[
        "--publisher",
        &publisher,
        "--seed-dir",
        &folder,
        "--seed-listen",
        &at,
    ])?;
    // Again, as a restart has no memory.
    for _ in 0..2 {
        let began = Instant::now();
        let envoy = start(&config)?;
        let key = [("x-api-key", stays.token.as_str())];
        request_until(&envoy, 200, "GET", "/v1/orders", &key)?;
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(request(&envoy, "POST", "/v1/orders", &key)?.status, 403);
    }

    // The publisher comes back with something newer, and it counts.
    let envoy = start(&config)?;
    in_force(&envoy)?;
    assert!(all_answer(&envoy, &goes, 200));
    deployment.publish(Some(publisher.parse()?))?;
    revoke(&deployment, &goes)?;
    deployment.push()?;
    wait::until("the publisher's version is in force", LIMIT, || {
        all_answer(&envoy, &goes, 401).then_some(())
    })?;
    // It goes again, and what the folder has is older and changes nothing.
    deployment.unpublish();
    wait::until("the folder is asked", LIMIT, || {
        let name = "wasmcustom.cedarkey_load_old_version";
        envoy.stats(name).ok()?.get(name).filter(|count| **count > 0).copied()
    })?;
    assert!(all_answer(&envoy, &goes, 401) && all_answer(&envoy, &stays, 200));
    Ok(())
}

#[test]
fn a_folder_does_without_any_publisher() -> Result<()> {
    let deployment = Deployment::new()?;
    let key = issue(&deployment, "90d")?;
    let folder = export(&deployment)?;
    let at = format!("127.0.0.1:{}", ports::free()?);
    let folder = folder.to_string_lossy();
    let envoy = start(&deployment.render(&["--seed-dir", &folder, "--seed-listen", &at])?)?;
    in_force(&envoy)?;
    assert!(all_answer(&envoy, &key, 200));
    revoke(&deployment, &key)?;
    export(&deployment)?;
    wait::until("what is exported is in force", LIMIT, || {
        all_answer(&envoy, &key, 401).then_some(())
    })?;
    Ok(())
}

/// A static server, as it knows the folder and counts who asks for the manifest.
struct Static {
    folder: PathBuf,
    asked: Mutex<Asked>,
}

/// How often the manifest was asked for. Both are counted at once, so that whoever looks finds what
/// belongs together.
#[derive(Clone, Copy, Default)]
struct Asked {
    polls: u64,
    /// Of these, those that were answered 304.
    unchanged: u64,
}

async fn give(State(server): State<Arc<Static>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let is_manifest = path.ends_with("/manifest");
    let Ok(content) = fs::read(server.folder.join(&path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"{}\"", cedarkey_bundle::Digest::of(&content));
    let known = request.headers().get("if-none-match").is_some_and(|known| *known == etag);
    if is_manifest && let Ok(mut asked) = server.asked.lock() {
        asked.polls = asked.polls.saturating_add(1);
        asked.unchanged = asked.unchanged.saturating_add(u64::from(known));
    }
    if known {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([("etag", etag)], content).into_response()
}

#[test]
fn a_static_server_is_asked_once_a_second() -> Result<()> {
    let deployment = Deployment::new()?;
    let key = issue(&deployment, "90d")?;
    let folder = export(&deployment)?;
    let state = Arc::new(Static { folder, asked: Mutex::default() });
    let server = Upstream::serve(Router::new().fallback(give).with_state(Arc::clone(&state)))?;
    let envoy = start(&deployment.render(&["--publisher", &server.address().to_string()])?)?;
    in_force(&envoy)?;
    assert!(all_answer(&envoy, &key, 200));
    let count = || state.asked.lock().map(|asked| *asked).unwrap_or_default();
    let (before, began) = (count(), Instant::now());
    wait::until("it is asked", LIMIT, || (count().polls >= before.polls + 4).then_some(()))?;
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(2900), "four polls in {took:?}");
    let after = count();
    // On a busy machine another VM may take over, which has no ETag yet and asks once without.
    let whole = (after.polls - before.polls) - (after.unchanged - before.unchanged);
    assert!(whole <= 1, "{whole} of the polls were answered with all of it");

    revoke(&deployment, &key)?;
    export(&deployment)?;
    let began = Instant::now();
    wait::until("what is exported is in force", LIMIT, || {
        all_answer(&envoy, &key, 401).then_some(())
    })?;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    Ok(())
}
