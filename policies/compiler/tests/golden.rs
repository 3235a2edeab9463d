//! Whole bundles, beside the project that they were compiled from.
//!
//! Each `golden/N.ckb` is what some compiler made of `golden/project`. A proxy reads bundles that
//! were made before it was built, so all of them must answer the project's cases for ever. What is
//! made today must be the last of them, byte for byte: a change of the compiler that changes its
//! output is seen here. `BLESS=1 cargo test --workspace --test golden` adds the new one, and never
//! touches an older one.

use cedarkey_bundle::{Archive, Bundle, SigningKey};
use cedarkey_compiler::{Project, cases};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

const CASES: &str = "tests/all.yaml";

/// 2026-01-01T00:00:00Z, in seconds.
const CREATED: i64 = 1_767_225_600;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file(number: usize) -> PathBuf {
    folder().join(format!("{number}.ckb"))
}

/// What is made today.
fn compiled(project: &Project, prepared: &cases::Prepared) -> Result<Vec<u8>, Box<dyn Error>> {
    let draft = cases::compile(project, prepared)?.draft(1, CREATED);
    Ok(draft.sign(&[&SigningKey::from_seed([7; 32])])?.encode())
}

#[test]
fn bundles_are_read_for_ever_and_made_as_before() {
    let project = Project::load(&folder().join("project")).unwrap();
    let prepared = cases::prepare(&project, CASES).unwrap();
    let made = compiled(&project, &prepared).unwrap();
    let mut count = (1..).take_while(|number| file(*number).exists()).count();
    let last = fs::read(file(count)).unwrap_or_default();
    if std::env::var_os("BLESS").is_some() && last != made {
        count += 1;
        fs::write(file(count), &made).unwrap();
    }

    assert!(count > 0, "there are no golden bundles");
    for number in 1..=count {
        let archive = Archive::decode(&fs::read(file(number)).unwrap()).unwrap();
        let signer = SigningKey::from_seed([7; 32]).public();
        let manifest = archive.envelope.verify(&[signer]).unwrap().clone();
        let bundle = Bundle::open(manifest, archive.segments).unwrap();
        let outcomes = cases::answer(&bundle, &prepared);
        assert_eq!(outcomes.len(), prepared.cases.len());
        for outcome in outcomes {
            assert!(outcome.passed, "{number}.ckb: {outcome:#?}");
        }
    }
    assert!(fs::read(file(count)).unwrap() == made, "what is made today is not {count}.ckb");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    // Loaded anew: hash maps have another order in each.
    let make = |reversed: bool| {
        let project = Project::load(&folder().join("project")).unwrap();
        let mut prepared = cases::prepare(&project, CASES).unwrap();
        if reversed {
            prepared.keys.reverse();
        }
        compiled(&project, &prepared).unwrap()
    };
    let once = make(false);
    assert!(once == make(false), "one time is not like the other");
    assert!(once == make(true), "the order of the keys makes a difference");
}
