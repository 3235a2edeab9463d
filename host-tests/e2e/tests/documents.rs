//! What documents say of tests is so.

#![cfg(test)]

use cedarkey_host_kit::tools;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What stands between backquotes in the rows of a document's tables whose last column names tests.
fn named(document: &str) -> BTreeSet<&str> {
    let mut named = BTreeSet::new();
    let mut holds = false;
    for line in document.lines() {
        if !line.starts_with('|') {
            holds = false;
            continue;
        }
        let last = line.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or_default();
        if last.trim() == "held by" {
            holds = true;
            continue;
        }
        if holds && !line.starts_with("|---") {
            let before = named.len();
            named.extend(last.split('`').skip(1).step_by(2));
            let known = last.contains('`') || named.len() > before;
            assert!(known, "a row of SECURITY.md names no test: {line}");
        }
    }
    named
}

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, all);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// A test is named by its function, or by the file that holds several.
#[test]
fn every_claim_of_the_threat_model_names_a_test_that_exists() {
    let root = tools::workspace();
    let document = fs::read_to_string(root.join("SECURITY.md")).unwrap();
    let named = named(&document);
    assert!(named.len() > 20, "{named:?}");
    let mut all = String::new();
    for folder in ["plugin", "policies", "host-tests"] {
        sources(&root.join(folder), &mut all);
    }
    for test in named {
        let exists = if test.contains('/') {
            fs::read_to_string(root.join(test)).is_ok_and(|text| text.contains("#[test]"))
        } else {
            // The attribute, and then the function, with nothing but attributes between.
            all.split(&format!("fn {test}(")).next().is_some_and(|before| {
                before.len() < all.len()
                    && before.trim_end_matches("async ").trim_end().ends_with(']')
            })
        };
        assert!(exists, "SECURITY.md names `{test}`, which is no test");
    }
}
