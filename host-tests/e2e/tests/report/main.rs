//! The report as a page, looked at in a real browser.
//!
//! Its pictures are left in `target/report`, for whoever wants to see them.

use cedarkey_host_kit::deployment::{Deployment, Result};
use cedarkey_host_kit::tools::{self, Browser};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// An owner who would rather be a script.
const HOSTILE: &str =
    "\"><img src=x onerror=window.owned=1><script>window.owned=1;alert(1)</script>";

/// A page with findings of each level, four charts, and the hostile owner.
fn page(deployment: &Deployment) -> Result<std::path::PathBuf> {
    let settings = deployment.project().join("cedarkey.toml");
    let text = fs::read_to_string(&settings)?;
    fs::write(&settings, text + "\n[lints.keys]\nowner-unknown = \"allow\"\n")?;
    let issue = |name: &str, owner: &str, options: &[&str]| {
        deployment.issue(&[&["--name", name, "--owner", owner][..], options].concat())
    };
    let scopes = ["--scope", "orders:read", "--scope", "orders:write"];
    let team = "team:payments";
    let export = issue("nightly-export", team, &[&scopes[..], &["--expires", "20d"]].concat())?;
    issue("soon", team, &["--expires", "3d"])?;
    issue("wild", "alice@example.com", &["--scope", "orders:*", "--expires", "90d"])?;
    issue("report", "team:operations", &["--expires", "200d"])?;
    issue("hostile", HOSTILE, &["--expires", "40d"])?;
    let count = json!({ "count": 7, "last": "2099-01-01T00:00:00Z" });
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().saturating_add(1);
    let usage = json!({
        "name": "quickstart", "now": now, "since": "2026-01-01T00:00:00Z",
        "keys": [{ "key": export.id, "allowed": count, "actions": { "orders.read": count } }],
    });
    let (known, html) = (deployment.file("usage.json"), deployment.file("report.html"));
    fs::write(&known, usage.to_string())?;
    let (known, written) = (known.to_string_lossy(), html.to_string_lossy());
    let tight = ["--unused", "1ms", "--watched", "1ms", "--usage", &known, "--html", &written];
    deployment.cedarkey(&[&["report"][..], &tight].concat())?;
    Ok(html)
}

/// What a browser sees; nothing, where there is none to be had, and that is no fault.
fn look(page: &Path) -> Result<Option<Value>> {
    let Browser { chromium, playwright } = match tools::browser() {
        Ok(browser) => browser,
        // Continuous integration has one.
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("skipped: the page was not looked at, for there is no browser: {error}");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let pictures = tools::workspace().join("target/report");
    fs::create_dir_all(&pictures)?;
    let script = tools::workspace().join("host-tests/e2e/tests/report/page.mjs");
    let mut node = Command::new("node");
    node.args([&script, &playwright, &chromium, page, &pictures]);
    let output = node.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Ok(Some(serde_json::from_slice(&output.stdout)?))
}

#[test]
fn the_page_is_whole_quiet_and_deaf_to_what_it_shows() -> Result<()> {
    let deployment = Deployment::new()?;
    let page = page(&deployment)?;
    let Some(seen) = look(&page)? else { return Ok(()) };
    assert_eq!(seen["complaints"], json!([]), "the browser complains");
    assert_eq!(seen["requests"], json!([]), "it asks for something");
    assert_eq!(seen["dialogs"], 0);
    assert!(seen["pages"].as_u64() > Some(10_000), "it prints nothing");
    for look in ["light", "dark", "narrow"] {
        let look = &seen["looks"][look];
        assert_eq!((&look["scripts"], &look["images"]), (&json!(0), &json!(0)));
        assert_eq!(look["owned"], false);
        assert_eq!(look["overflow"], 0, "it is wider than the window");
        assert_eq!(look["lang"], "en");
        let text = look["text"].as_str().unwrap_or_default();
        assert!(text.contains(HOSTILE), "the owner is shown as the text that it is");
        let headings: Vec<_> = look["headings"].as_array().into_iter().flatten().collect();
        assert_eq!(headings.first(), Some(&&json!(1)));
        let figures = look["figures"].as_array().ok_or("there are no figures")?;
        assert_eq!(figures.len(), 4);
        for figure in figures {
            assert!(figure["marks"].as_u64() > Some(0), "nothing is drawn: {figure}");
            assert_eq!(figure["empty"], 0, "a mark cannot be seen: {figure}");
            assert_eq!(figure["cut"], json!([]), "a text is cut off: {figure}");
            assert_eq!(figure["named"], true, "{figure}");
            assert!(figure["rows"].as_u64() > Some(0), "there is no table: {figure}");
        }
    }
    let (light, dark) = (&seen["looks"]["light"], &seen["looks"]["dark"]);
    assert_ne!(light["background"], dark["background"]);
    assert_ne!(light["color"], dark["color"]);
    Ok(())
}
