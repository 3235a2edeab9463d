//! The command line's tests are files: each holds what is typed, what is said and how it ends.
//!
//! `tests/cmd/FOLDER/NAME.trycmd` runs in a copy of `NAME.in`, if there is one, and, if there is a
//! folder `NAME.out`, one after the other in the same place. To accept what is said now:
//! `TRYCMD=overwrite cargo test -p cedarkey --test commands`.

use trycmd::TestCases;

/// Programs besides `cedarkey` that a file may use, to set the stage.
const TOOLS: [&str; 6] = ["/bin/chmod", "/bin/cp", "/bin/mkdir", "/bin/mv", "/bin/rm", "/bin/sh"];

fn cases(folder: &str) {
    let cases = TestCases::new();
    // As wide everywhere, without colour, and without what the caller's shell may say.
    for (name, value) in [("COLUMNS", "100"), ("NO_COLOR", "1"), ("USER", "tester")] {
        cases.env(name, value);
    }
    for path in TOOLS {
        let path = std::path::Path::new(path);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        cases.register_bin(name.unwrap_or_default(), path);
    }
    cases.env("CEDARKEY", env!("CARGO_BIN_EXE_cedarkey"));
    cases.case(format!("tests/cmd/{folder}/*.trycmd"));
    cases.case(format!("tests/cmd/{folder}/*.toml"));
}

#[test]
fn help() {
    cases("help");
}

#[test]
fn projects() {
    cases("project");
}

#[test]
fn keys() {
    cases("keys");
}

#[test]
fn bundles() {
    cases("bundle");
}
