//! Bytes to begin with, made when they are needed: so they always have the newest form.

use cedarkey_bundle::{Archive, SegmentKind};
use cedarkey_compiler::facts::Plan;
use cedarkey_compiler::model::{Input, build};
use cedarkey_compiler::{Project, cases};
use cedarkey_differential::run::Run;
use cedarkey_differential::world::World;
use cedarkey_engine::model::ModelImage;
use std::path::Path;
use std::sync::LazyLock;

/// A good bundle, and what is asked of it.
#[derive(Debug)]
pub struct Golden {
    /// The bundle.
    pub archive: Archive,
    /// The questions.
    pub prepared: cases::Prepared,
}

/// How many cases there are to begin with, and how many models.
const CASES: u64 = 24;

static IMAGES: LazyLock<Vec<ModelImage>> = LazyLock::new(|| (0..CASES).filter_map(image).collect());

static GOLDEN: LazyLock<Golden> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/compiler/tests/golden");
    let read = || -> anyhow::Result<Golden> {
        let problems = |problems| anyhow::anyhow!("{problems:?}");
        let project = Project::load(&folder.join("project")).map_err(problems)?;
        let prepared = cases::prepare(&project, "tests/all.yaml").map_err(problems)?;
        let archive = Archive::decode(&std::fs::read(folder.join("1.ckb"))?)?;
        Ok(Golden { archive, prepared })
    };
    #[expect(clippy::panic, reason = "without a good bundle there is nothing to begin with")]
    read().unwrap_or_else(|error| panic!("the golden bundle: {error:#}"))
});

/// The bundle of the compiler's golden test, with its questions.
pub fn golden() -> &'static Golden {
    &GOLDEN
}

/// Models of generated cases.
pub fn images() -> &'static [ModelImage] {
    &IMAGES
}

/// For [`crate::decision`].
pub fn cases() -> Vec<Vec<u8>> {
    (0..CASES).map(|number| Run::new(number, 0).bytes(number, 2048)).collect()
}

/// For [`crate::model`].
pub fn models() -> Vec<Vec<u8>> {
    let whole = images()
        .iter()
        .filter_map(|image| Some([&[0], &*postcard::to_allocvec(image).ok()?].concat()));
    let changes = (0..CASES).map(|number| {
        let bytes = Run::new(number, 0).bytes(number, 64);
        [&[1], &*bytes].concat()
    });
    whole.chain(changes).collect()
}

/// For [`crate::bundle`].
pub fn bundles() -> Vec<Vec<u8>> {
    let Archive { envelope, segments } = &golden().archive;
    let archive = [&[0], &*golden().archive.encode()].concat();
    // What follows the label, the format and the length.
    let behind = envelope.encode().into_iter().skip(14).collect::<Vec<_>>();
    let kinds = envelope.manifest().segments.iter().map(|segment| segment.kind);
    let all: Vec<_> = kinds.zip(segments).collect();
    let of = |wanted: SegmentKind| {
        let found = all.iter().find(|(kind, _)| *kind == wanted);
        found.map_or(&[][..], |(_, bytes)| bytes.as_slice())
    };
    let mut sealed = vec![2];
    for kind in [SegmentKind::Routes, SegmentKind::Keys, SegmentKind::Revocations] {
        let length = u16::try_from(of(kind).len()).unwrap_or_default();
        sealed.extend_from_slice(&length.to_le_bytes());
        sealed.extend_from_slice(of(kind));
    }
    sealed.extend_from_slice(of(SegmentKind::Model));
    vec![archive, [&[1], &*behind].concat(), sealed]
}

/// The model of a generated case.
fn image(number: u64) -> Option<ModelImage> {
    let world = World::of(&Run::new(1, 0).case(number)).ok()?;
    let input = Input {
        policies: &world.sources,
        entities: &world.store,
        plan: &Plan::none(),
        profiles: &[],
        uids: &[],
        token: Default::default(),
    };
    Some(build(&input).ok()?.image)
}
