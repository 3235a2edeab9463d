//! Cases that differ become small, and files.

use cedarkey_differential::compare::{compare, unaltered};
use cedarkey_differential::run::Run;
use cedarkey_differential::{files, mutation, shrink};
use serde_json::Value as Json;

#[test]
fn what_is_written_is_small_and_says_what_cedar_says() {
    let fault = mutation::all().find(|fault| fault.name == "in as equal").unwrap();
    let run = Run::new(7, 0);
    let found = |number| Some((run.case(number), fault.finding(&run.case(number))?));
    let (case, finding) = (0..1000).find_map(found).unwrap();
    let alter = |image: &mut _| (fault.apply)(image);
    let (case, _) = shrink::shrink(&case, finding, &alter);
    assert_eq!((case.policies.len(), case.requests.len()), (1, 1), "{case:#?}");
    assert!(compare(&case, &alter).finding.is_some());
    let right = compare(&case, &unaltered);
    assert!(right.finding.is_none());

    let folder = tempfile::tempdir().unwrap();
    let file = files::write(&case, folder.path(), "in").unwrap();
    let test: Json = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let decision = if right.answers[0].answer.allow { "allow" } else { "deny" };
    assert_eq!(test["requests"][0]["decision"], decision);
    let named = ["policies", "entities", "schema"].map(|name| test[name].as_str().unwrap());
    for name in named {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
}
