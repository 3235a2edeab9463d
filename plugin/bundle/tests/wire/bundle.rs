//! Opening a bundle.

use cedarkey_bundle::{
    Archive, Bundle, DecodeError, Draft, OpenError, SegmentKind, keys::KeyShards,
};
use cedarkey_engine::{
    key::{KeyId, KeyRecord, Keys as _},
    model::{
        ModelImage,
        image::{ProfileImage, UidImage},
    },
    route::{HostPattern, RouteImage, RoutesImage, SegmentImage},
    value::{Span, Sym, Text},
};
use proptest::prelude::*;

use crate::common::{draft, hash, inventory, record, signer};

/// The segments of a bundle; tests replace one of them.
type Segments = Vec<(SegmentKind, Vec<u8>)>;

const PROFILES: u32 = 5;

fn model() -> ModelImage {
    let text = |start, len| Text { start, len };
    let nothing = Span { start: 0, len: 0 };
    let owner = text(14, 4);
    let profile = ProfileImage { attrs: nothing, parents: nothing, owner, bound_to: nothing };
    ModelImage {
        text: "ActionEndpointread".into(),
        syms: vec![text(0, 6), text(6, 8)],
        uids: vec![
            UidImage { kind: Sym(0), id: text(14, 4) },
            UidImage { kind: Sym(1), id: text(14, 4) },
        ],
        profiles: vec![profile; PROFILES as usize],
        ..ModelImage::default()
    }
}

fn routes(resource: u32) -> RoutesImage {
    let route = RouteImage {
        methods: vec!["GET".into()],
        host: HostPattern::Exact("localhost".into()),
        segments: vec![SegmentImage::Literal("v1".into()), SegmentImage::Param("id".into())],
        action: 0,
        resource,
    };
    RoutesImage { routes: vec![route] }
}

/// The segments of a bundle that opens: what [`draft`] has, with a real model and routes.
fn segments() -> Segments {
    let mut segments = draft().segments;
    segments[0].1 = postcard::to_allocvec(&model()).unwrap();
    segments[1].1 = postcard::to_allocvec(&routes(1)).unwrap();
    segments
}

fn archive(segments: Segments) -> Archive {
    Draft { segments, ..draft() }.sign(&[&signer(1)]).unwrap()
}

fn open(segments: Segments) -> Result<Bundle, OpenError> {
    let archive = archive(segments);
    Bundle::open(archive.envelope.manifest().clone(), archive.segments)
}

fn refusal(segments: Segments) -> String {
    open(segments).unwrap_err().to_string()
}

#[test]
fn a_bundle_answers_what_was_put_into_it() {
    let bundle = open(segments()).unwrap();
    assert_eq!((bundle.manifest.name.as_str(), bundle.manifest.version), ("quickstart", 7));
    assert_eq!((bundle.model.profile_count(), bundle.routes.len()), (PROFILES, 1));
    assert_eq!(bundle.find("", &hash(2)), Ok(Some(record(2))));
    assert_eq!(bundle.find("", &hash(3)), Ok(None));
    assert!(bundle.is_revoked(&KeyId([3; 16])));
    assert!(!bundle.is_revoked(&record(2).id));
}

#[test]
fn the_order_of_kinds_is_free() {
    let mut segments = segments();
    segments.reverse();
    open(segments).unwrap();
}

#[test]
fn each_kind_is_there_as_often_as_it_must_be() {
    for at in [0, 1, 3] {
        let kind = segments()[at].0;
        let mut missing = segments();
        missing.remove(at);
        let message = format!("there are 0 segments of the kind `{kind}` instead of one");
        assert_eq!(refusal(missing), message);
        let mut twice = segments();
        twice.push(twice[at].clone());
        let message = format!("there are 2 segments of the kind `{kind}` instead of one");
        assert_eq!(refusal(twice), message);
    }
    let mut no_keys = segments();
    no_keys.remove(2);
    let message = "the key index is invalid: \
                   the number of shards is not the one that the shards name";
    assert_eq!(refusal(no_keys), message);
}

#[test]
fn segments_that_the_manifest_does_not_name_are_refused() {
    let archive = archive(segments());
    let open = |segments: Vec<Vec<u8>>| {
        Bundle::open(archive.envelope.manifest().clone(), segments).unwrap_err()
    };
    let mut fewer = archive.segments.clone();
    fewer.pop();
    assert_eq!(open(fewer).to_string(), "the manifest names 4 segments and 3 are there");
    let mut changed = archive.segments.clone();
    changed[2][50] ^= 1;
    assert!(matches!(open(changed), OpenError::Decode(DecodeError::Digest { .. })));
    let mut longer = archive.segments.clone();
    longer[1].push(0);
    assert!(matches!(open(longer), OpenError::Decode(DecodeError::Length { .. })));
}

#[test]
fn what_the_segments_hold_has_to_fit_together() {
    let mut few_profiles = segments();
    let image = ModelImage { profiles: model().profiles[..2].to_vec(), ..model() };
    few_profiles[0].1 = postcard::to_allocvec(&image).unwrap();
    assert_eq!(refusal(few_profiles), "a key has the profile 2, and the model has 2 profiles");

    // A decoy needs none, but nothing else goes without.
    let with_profile = |profile| {
        let mut segments = segments();
        let mut keys = inventory(20);
        keys[3].1.profile = profile;
        segments[2].1 = KeyShards::build(keys).unwrap().remove(0);
        segments
    };
    assert_eq!(open(with_profile(KeyRecord::DECOY)).unwrap().keys.len(), 20);
    let none = refusal(with_profile(KeyRecord::DECOY - 1));
    assert_eq!(none, "a key has the profile 4294967294, and the model has 5 profiles");

    let mut no_such_resource = segments();
    no_such_resource[1].1 = postcard::to_allocvec(&routes(2)).unwrap();
    let message = "the route table is invalid: route 0 leads to an unknown action or resource";
    assert_eq!(refusal(no_such_resource), message);

    let mut no_such_name = segments();
    let mut image = model();
    image.uids[1].kind = Sym(2);
    no_such_name[0].1 = postcard::to_allocvec(&image).unwrap();
    assert!(matches!(open(no_such_name), Err(OpenError::Model(_))));
}

#[test]
fn model_and_routes_are_read_to_their_end() {
    for (at, what) in [(0, "the model segment"), (1, "the routes segment")] {
        let mut longer = segments();
        longer[at].1.push(0);
        let message = format!("bytes are left over after the end of {what}: 1");
        assert_eq!(refusal(longer), message);
        for length in 0..segments()[at].1.len() {
            let mut cut = segments();
            cut[at].1.truncate(length);
            assert_eq!(refusal(cut), format!("{what} is not encoded as the format demands"));
        }
    }
}

proptest! {
    /// Signed by mistake: what opens can be used, and nothing panics.
    #[test]
    fn a_segment_with_changed_bytes_never_panics(
        at in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut segments = segments();
        for (position, byte) in changes {
            let segment = &mut segments[at].1;
            let position = position.index(segment.len());
            segment[position] = byte;
        }
        if let Ok(bundle) = open(segments) {
            for (hash, key) in bundle.keys.iter() {
                prop_assert_eq!(bundle.find("", &hash), Ok(Some(key)));
                let has_one = key.profile < bundle.model.profile_count();
                prop_assert!(has_one || key.is_decoy());
            }
        }
    }

    #[test]
    fn a_segment_of_garbage_never_panics(
        at in 0_usize..4,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut segments = segments();
        segments[at].1 = bytes;
        let _opened = open(segments);
    }
}
