//! The runner on small folders of its own: what holds, what does not, and what cannot be run.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that unwraps nothing fails, and that is all that is asked of it"
)]

use serde_json::Value as Json;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name)
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cedarkey-conformance"));
    command.arg(dir).args(arguments).output().unwrap()
}

/// Its standard output.
fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Each mismatch of a run: file, request and message.
fn mismatches(dir: &str) -> (Json, Vec<(String, Json, Json)>) {
    let output = run(&sample(dir), &["--format", "json"]);
    assert!(!output.status.success());
    let report: Json = serde_json::from_slice(&output.stdout).unwrap();
    let of = |mismatch: &Json| {
        let file = mismatch["file"].as_str().unwrap().into();
        (file, mismatch["request"]["description"].clone(), mismatch["problem"].clone())
    };
    let list = report["mismatches"].as_array().unwrap().iter().map(of).collect();
    (report, list)
}

#[test]
fn what_holds_is_counted() {
    let output = run(&sample("good"), &[]);
    assert_eq!(said(&output), "2 tests, 5 requests, 0 mismatches\n");
    assert!(output.status.success());
}

#[test]
fn wasm_answers_the_same() {
    let output = run(&sample("good"), &["--wasm"]);
    assert_eq!(said(&output), "2 tests, 5 requests, 0 mismatches\n");
    assert!(output.status.success());
    let (native, wasm) = (run(&sample("wrong"), &[]), run(&sample("wrong"), &["--wasm"]));
    assert_eq!(said(&native), said(&wasm));
    assert!(!wasm.status.success());
}

#[test]
fn a_folder_within_the_root_finds_its_files() {
    let output = run(&sample("good/cases"), &[]);
    assert_eq!(said(&output), "2 tests, 5 requests, 0 mismatches\n");
}

#[test]
fn policy_sets_of_many_forms_are_run() {
    let sets = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sets");
    for arguments in [&[][..], &["--wasm"]] {
        let output = run(&sets, arguments);
        assert_eq!(said(&output), "6 tests, 33 requests, 0 mismatches\n");
        assert!(output.status.success());
    }
}

/// Cases that the differential test once found, and those in which it finds faults.
#[test]
fn what_once_differed_does_so_no_more() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../differential/regressions");
    for arguments in [&[][..], &["--wasm"]] {
        let output = run(&folder, arguments);
        assert!(said(&output).ends_with(", 0 mismatches\n"), "{}", said(&output));
        assert!(output.status.success());
    }
}

#[test]
fn wrong_answers_are_listed() {
    let output = run(&sample("wrong"), &[]);
    assert!(!output.status.success());
    let expected = "\
test.json, request 1 (`another decision`)
  expected: deny, reason [policy0], errors []
  found:    allow, reason [policy0], errors []
test.json, request 2 (`another reason`)
  expected: deny, reason [policy0, policy1], errors []
  found:    deny, reason [policy1], errors []
test.json, request 3 (`other errors`)
  expected: allow, reason [policy0], errors []
  found:    allow, reason [policy0], errors [policy1]
1 test, 4 requests, 3 mismatches
";
    assert_eq!(said(&output), expected);
}

#[test]
fn what_cannot_be_run_is_a_mismatch() {
    let (report, list) = mismatches("broken");
    assert_eq!((&report["tests"], &report["requests"]), (&5.into(), &1.into()));
    let failures: Vec<_> = list
        .iter()
        .map(|(file, request, problem)| {
            let message = problem["failure"].as_str().unwrap();
            (file.as_str(), request.as_str(), message.split(':').next().unwrap())
        })
        .collect();
    let expected = [
        ("field.json", None, "it is no test"),
        ("file.json", None, "there is no `nowhere.json`"),
        ("json.json", None, "it is no JSON"),
        ("requests.json", Some("a context that does not fit"), "the context"),
        ("requests.json", Some("an entity without an id"), "the principal"),
        ("syntax.json", None, "`syntax.cedar`"),
    ];
    assert_eq!(failures, expected);
}

#[test]
fn nothing_run_is_a_failure() {
    let output = run(&sample("none"), &[]);
    assert_eq!(said(&output), "0 tests, 0 requests, 0 mismatches\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no request was run"));
    assert!(!output.status.success());
    assert!(!run(&sample("nowhere"), &[]).status.success());
}

#[test]
fn archives_are_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("cases.tar.xz");
    let options = lzma_rust2::XzOptions::with_preset(0);
    let writer = lzma_rust2::XzWriter::new(File::create(&archive).unwrap(), options).unwrap();
    let mut tar = tar::Builder::new(writer);
    tar.append_dir_all(".", sample("good")).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    for dir in [folder.path(), &archive] {
        let output = run(dir, &[]);
        assert_eq!(said(&output), "2 tests, 5 requests, 0 mismatches\n");
    }
    std::fs::write(&archive, "no archive").unwrap();
    let output = run(folder.path(), &[]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("cases.tar.xz"));
    assert!(!output.status.success());
}
