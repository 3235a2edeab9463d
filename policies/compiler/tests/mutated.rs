//! Programs in a bundle are data from outside: with bytes changed past a good signature, a bundle
//! is refused or can be used, and neither panics nor runs without end.
//!
//! `PROPTEST_CASES=1000000 cargo test --workspace --test mutated` for longer.

#![expect(clippy::unwrap_used, reason = "without the golden bundle there is nothing to change")]

use cedarkey_bundle::{Archive, Bundle, SegmentKind, SigningKey};
use cedarkey_compiler::{Project, cases};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::path::Path;
use std::sync::LazyLock;

struct Golden {
    archive: Archive,
    prepared: cases::Prepared,
}

static GOLDEN: LazyLock<Golden> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let project = Project::load(&folder.join("project")).unwrap();
    let archive = std::fs::read(folder.join("1.ckb")).unwrap();
    Golden {
        prepared: cases::prepare(&project, "tests/all.yaml").unwrap(),
        archive: Archive::decode(&archive).unwrap(),
    }
});

fn segments() -> Vec<(SegmentKind, Vec<u8>)> {
    let Archive { envelope, segments } = &GOLDEN.archive;
    let kinds = envelope.manifest().segments.iter().map(|segment| segment.kind);
    kinds.zip(segments.iter().cloned()).collect()
}

/// A bundle of these segments, signed as if they were good.
fn signed(segments: Vec<(SegmentKind, Vec<u8>)>) -> Option<Bundle> {
    let manifest = GOLDEN.archive.envelope.manifest();
    let draft = cedarkey_bundle::Draft {
        name: manifest.name.clone(),
        version: manifest.version,
        created: manifest.created,
        expires: manifest.expires,
        segments,
    };
    let archive = draft.sign(&[&SigningKey::from_seed([7; 32])]).ok()?;
    let archive = Archive::decode(&archive.encode()).ok()?;
    let manifest = archive.envelope.manifest().clone();
    Bundle::open(manifest, archive.segments).ok()
}

#[test]
fn what_opens_decides_and_never_panics() {
    let golden = &*GOLDEN;
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let config =
        Config { cases: cases.unwrap_or(20_000), failure_persistence: None, ..Config::default() };
    let changes = prop::collection::vec((any::<Index>(), any::<u8>()), 1..4);
    let cut = prop::option::weighted(0.1, any::<Index>());
    let opened = Cell::new(0_u32);
    let ran = TestRunner::new(config).run(&(changes, cut), |(changes, cut)| {
        let mut segments = segments();
        // The model is the one that has programs; it is the first.
        let model = &mut segments[0].1;
        for (position, byte) in changes {
            let position = position.index(model.len());
            model[position] = byte;
        }
        if let Some(cut) = cut {
            model.truncate(cut.index(model.len()));
        }
        if let Some(bundle) = signed(segments) {
            opened.set(opened.get() + 1);
            let answers = cases::answer(&bundle, &golden.prepared);
            prop_assert_eq!(answers.len(), golden.prepared.cases.len());
        }
        Ok(())
    });
    ran.unwrap();
    assert!(opened.get() > 100, "only {} could be used at all", opened.get());
}

#[test]
fn what_is_not_changed_opens() {
    assert!(signed(segments()).is_some());
}
