//! What is wrong with a project is told in so many words: each folder of `problems` is a change to
//! the project in `base`, with the report that it gets in `report.txt`. Files listed in `removed`
//! are taken away, and `keys.json` is the inventory. `BLESS=1` writes the reports anew.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its files fails, and that is all that is asked of it"
)]

use cedarkey_compiler::{KeySpec, Problems, Project, cases, compile};
use miette::{GraphicalReportHandler, GraphicalTheme};
use std::fs;
use std::path::Path;

const REPORT: &str = "report.txt";

#[test]
fn every_problem_is_reported_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let base = folder.join("base");
    assert_eq!(report(&base, None), "", "the base is sound");
    let mut cases: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    cases.sort();
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| **case != base) {
        let actual = report(&base, Some(case));
        assert!(!actual.is_empty(), "{} is a problem", case.display());
        if std::env::var_os("BLESS").is_some() {
            fs::write(case.join(REPORT), &actual).unwrap();
        }
        let expected = fs::read_to_string(case.join(REPORT)).unwrap_or_default();
        if actual != expected {
            let name = case.file_name().unwrap().display();
            wrong.push(format!("{name} was reported as\n{expected}\nand is now\n{actual}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// All that is said of the base with the files of a case.
fn report(base: &Path, case: Option<&Path>) -> String {
    let folder = tempfile::tempdir().unwrap();
    copy(base, folder.path());
    let mut keys: Vec<KeySpec> = Vec::new();
    if let Some(case) = case {
        copy(case, folder.path());
        let removed = fs::read_to_string(case.join("removed")).unwrap_or_default();
        removed.lines().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
        if let Ok(text) = fs::read_to_string(case.join("keys.json")) {
            keys = serde_json::from_str(&text).unwrap();
        }
    }
    let project = match Project::load(folder.path()) {
        Ok(project) => project,
        Err(problems) => return render(&problems),
    };
    let mut problems = project.check(&keys);
    // What cannot be built must have been complained of, and what can, not.
    let built = compile(&project, &keys);
    assert_eq!(built.is_err(), problems.errors() > 0, "{case:?} {}", render(&problems));
    for name in &project.tests {
        problems.take(cases::run(&project, name));
    }
    render(&problems)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn render(problems: &Problems) -> String {
    let theme = GraphicalTheme::unicode_nocolor();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100);
    let mut text = String::new();
    for problem in problems.iter() {
        handler.render_report(&mut text, problem).unwrap();
        text.push('\n');
    }
    // Reports are padded.
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}
