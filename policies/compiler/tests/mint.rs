//! What the policies of the folder `mint` say to workloads that want keys.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose project cannot be made fails, and that is all that is asked of it"
)]

use cedarkey_compiler::Project;
use cedarkey_compiler::mint::{SpiffeId, Verdict, Wish, WorkloadError};
use jiff::{SignedDuration, Timestamp};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const LIMITS: &str = r#"
@id("mint.exporter")
permit (
    principal == Workload::"nightly-export",
    action == Action::"mint",
    resource in Team::"payments"
)
when {
    context.lifetime <= duration("10m") &&
    ["orders:read", "orders:write"].containsAll(context.scopes) &&
    context.liveKeys < 3
};

@id("mint.no-writing-at-night")
@reason("nobody writes at night")
forbid (principal, action == Action::"mint", resource)
when { context.scopes.contains("orders:write") && context.now.toTime() < duration("6h") };

@id("mint.only-here")
forbid (principal, action, resource)
unless { context.networks.isEmpty() || [ip("10.0.0.0/8")].containsAll(context.networks) };

@id("mint.known-issuers")
forbid (principal, action, resource)
when { context has issuer && context.issuer != "https://login.example.com" };

@id("mint.counts")
forbid (principal, action, resource)
when { context.liveKeys + 9223372036854775000 < 0 };
"#;

/// A project of the standard library whose workload has a SPIFFE id.
fn project() -> (TempDir, Project) {
    let folder = TempDir::new().unwrap();
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../library");
    let root = folder.path();
    for name in ["schema.cedarschema", "routes.yaml", "guardrails/identity.cedar"] {
        let target = root.join(name.replace("guardrails", "policies"));
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(library.join(name), target).unwrap();
    }
    let workload = |id: &str, attrs: &str, parents: &str| {
        format!(
            r#"{{ "uid": {{ "type": "Workload", "id": "{id}" }}, "attrs": {attrs}, "parents": [{parents}] }}"#
        )
    };
    let team = |id: &str, parents: &str| {
        format!(
            r#"{{ "uid": {{ "type": "Team", "id": "{id}" }}, "attrs": {{}}, "parents": [{parents}] }}"#
        )
    };
    let parent = |id: &str| format!(r#"{{ "type": "Team", "id": "{id}" }}"#);
    let entities = [
        team("company", ""),
        team("payments", &parent("company")),
        workload(
            "nightly-export",
            r#"{ "spiffeId": "spiffe://example.com/export", "environment": "development" }"#,
            &parent("payments"),
        ),
        workload("plain", "{}", ""),
    ];
    fs::write(root.join("entities.json"), format!("[{}]", entities.join(","))).unwrap();
    fs::create_dir(root.join("mint")).unwrap();
    fs::write(root.join("mint/limits.cedar"), LIMITS).unwrap();
    let settings = "[bundle]\nname = 'shop'\nenvironment = 'development'\n";
    fs::write(root.join("cedarkey.toml"), settings).unwrap();
    let project = Project::load(root).unwrap();
    let problems = project.check(&[]);
    assert_eq!(problems.errors(), 0, "{:?}", problems.iter().collect::<Vec<_>>());
    (folder, project)
}

fn id(text: &str) -> SpiffeId {
    text.parse().unwrap()
}

/// At noon.
fn now() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().unwrap()
}

#[test]
fn a_spiffe_id_is_the_workload_that_has_it() {
    let (_folder, project) = project();
    let workload = project.workload(&id("spiffe://example.com/export")).unwrap();
    assert_eq!(workload.id, "nightly-export");
    assert_eq!(workload.environment.as_deref(), Some("development"));
    assert_eq!(workload.teams, ["company", "payments"]);
    assert_eq!(workload.nearest, ["payments"]);
    let other = id("spiffe://example.com/plain");
    assert_eq!(project.workload(&other), Err(WorkloadError::Unknown(other)));
}

#[test]
fn policies_say_which_keys_there_are() {
    let (_folder, project) = project();
    let spiffe_id = id("spiffe://example.com/export");
    let scopes = |scopes: &[&str]| scopes.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let read = scopes(&["orders:read"]);
    let write = scopes(&["orders:read", "orders:write"]);
    let admin = scopes(&["orders:admin", "orders:read"]);
    let wish = Wish {
        workload: "nightly-export",
        team: "payments",
        spiffe_id: &spiffe_id,
        issuer: Some("https://login.example.com"),
        scopes: &read,
        networks: &[],
        lifetime: SignedDuration::from_mins(10),
        live_keys: 0,
        now: now(),
    };
    let ask = |wish: Wish<'_>| project.decide_mint(&wish).unwrap();
    let granted = Verdict::Granted { policies: vec!["mint.exporter".into()] };
    let refused = |policies: &[&str], reason: Option<&str>| Verdict::Refused {
        policies: policies.iter().map(|it| (*it).to_owned()).collect(),
        reason: reason.map(String::from),
    };

    assert_eq!(ask(wish), granted);
    assert_eq!(ask(Wish { issuer: None, scopes: &[], ..wish }), granted);
    assert_eq!(ask(Wish { scopes: &write, live_keys: 2, ..wish }), granted);
    let inside = scopes(&["10.0.0.0/8"]);
    assert_eq!(ask(Wish { networks: &inside, ..wish }), granted);

    let longer = SignedDuration::from_millis(600_001);
    for wish in [
        Wish { lifetime: longer, ..wish },
        Wish { scopes: &admin, ..wish },
        Wish { live_keys: 3, ..wish },
        Wish { workload: "plain", ..wish },
        Wish { team: "company", ..wish },
        Wish { team: "nobody", ..wish },
    ] {
        assert_eq!(ask(wish), refused(&[], None), "{wish:?}");
    }
    let night = "2026-11-01T05:59:59Z".parse().unwrap();
    assert_eq!(ask(Wish { now: night, ..wish }), granted);
    assert_eq!(
        ask(Wish { now: night, scopes: &write, ..wish }),
        refused(&["mint.no-writing-at-night"], Some("nobody writes at night"))
    );
    let outside = scopes(&["192.0.2.0/24"]);
    assert_eq!(ask(Wish { networks: &outside, ..wish }), refused(&["mint.only-here"], None));
    let issuer = Some("https://other.example.com");
    assert_eq!(ask(Wish { issuer, ..wish }), refused(&["mint.known-issuers"], None));

    // A policy that cannot be evaluated might have forbidden it.
    let failed = Verdict::Failed { policies: vec!["mint.counts".into()] };
    assert_eq!(ask(Wish { live_keys: 808, ..wish }), failed);
    let nonsense = scopes(&["10.0.0.0/99"]);
    assert!(project.decide_mint(&Wish { networks: &nonsense, ..wish }).is_err());
}

/// Where bundles come from several places, this tells whether one is of this project.
#[test]
fn a_fingerprint_is_of_what_a_bundle_decides_by() {
    let (folder, project) = project();
    let before = project.fingerprint().unwrap();
    let again = |name: &str, from: &str, to: &str| {
        let file = folder.path().join(name);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{name} has {from}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        let changed = Project::load(folder.path()).unwrap().fingerprint().unwrap();
        fs::write(&file, text).unwrap();
        changed
    };
    let same = [
        ("mint/limits.cedar", "10m", "20m"),
        ("policies/identity.cedar", "//", "// Said differently.\n//"),
        ("cedarkey.toml", "[bundle]\n", "[bundle]\nlifetime = '7d'\n"),
    ];
    for (name, from, to) in same {
        assert_eq!(again(name, from, to), before, "{name}: {from}");
    }
    let other = [
        ("policies/identity.cedar", "unless", "when"),
        ("policies/identity.cedar", "another workload", "another"),
        ("routes.yaml", "/v1/orders", "/v2/orders"),
        ("entities.json", "\"company\"", "\"firm\""),
        ("cedarkey.toml", "[bundle]\n", "[keys]\nprefix = 'sk'\n[bundle]\n"),
    ];
    for (name, from, to) in other {
        assert_ne!(again(name, from, to), before, "{name}: {from}");
    }
}
