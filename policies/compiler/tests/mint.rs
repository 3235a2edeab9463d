//! What the policies of the folder `mint` say to workloads that want keys.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose project cannot be made fails, and that is all that is asked of it"
)]

use cedarkey_compiler::Project;
use cedarkey_compiler::mint::{Application, MintError, SpiffeId, Wanted};
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
        workload(
            "gone",
            r#"{ "spiffeId": "spiffe://example.com/gone", "departed": true }"#,
            &parent("payments"),
        ),
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
    let workload = project.applicant(&id("spiffe://example.com/export")).unwrap();
    assert_eq!(workload.id, "nightly-export");
    assert_eq!(workload.environment.as_deref(), Some("development"));
    assert_eq!(workload.teams, ["company", "payments"]);
    assert_eq!(workload.nearest, ["payments"]);
    let other = project.applicant(&id("spiffe://example.com/plain")).unwrap_err();
    assert_eq!(other.cause(), "workload_unknown");
    let gone = project.applicant(&id("spiffe://example.com/gone")).unwrap_err();
    assert_eq!(gone.cause(), "workload_departed");
}

fn list(of: &[&str]) -> Vec<String> {
    of.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn policies_say_which_keys_there_are() {
    let (_folder, project) = project();
    let spiffe_id = id("spiffe://example.com/export");
    let workload = project.applicant(&spiffe_id).unwrap();
    let wanted = Wanted {
        lifetime: Some(SignedDuration::from_mins(10)),
        scopes: list(&["orders:read"]),
        ..Wanted::default()
    };
    let usual = Application {
        spiffe_id: &spiffe_id,
        issuer: Some("https://login.example.com"),
        wanted: &wanted,
        live_keys: 0,
        now: now(),
    };
    let ask = |application: Application<'_>| project.grant(&workload, &application);
    let granted = |application: Application<'_>| {
        let grant = ask(application).unwrap();
        assert_eq!(grant.policies, ["mint.exporter"], "{application:?}");
        grant
    };
    let refused = |application: Application<'_>| match ask(application).unwrap_err() {
        MintError::Denied { policies, reason, .. } => {
            (policies.join(" "), reason.unwrap_or_default())
        }
        error => panic!("{application:?}: {error}"),
    };
    let by = |policy: &str| (policy.to_owned(), String::new());

    let grant = granted(usual);
    assert_eq!((grant.team.as_str(), grant.lifetime), ("payments", SignedDuration::from_mins(10)));
    let nothing = Wanted { scopes: Vec::new(), ..wanted.clone() };
    granted(Application { issuer: None, wanted: &nothing, ..usual });
    let write = Wanted { scopes: list(&["orders:read", "orders:write"]), ..wanted.clone() };
    granted(Application { wanted: &write, live_keys: 2, ..usual });
    let inside = Wanted { networks: list(&["10.0.0.0/8"]), ..wanted.clone() };
    granted(Application { wanted: &inside, ..usual });

    let longer = SignedDuration::from_millis(600_001);
    for wanted in [
        Wanted { lifetime: Some(longer), ..wanted.clone() },
        // The project's fifteen minutes.
        Wanted { lifetime: None, ..wanted.clone() },
        Wanted { scopes: list(&["orders:admin", "orders:read"]), ..wanted.clone() },
        // Of a team's team.
        Wanted { team: Some("company".into()), ..wanted.clone() },
    ] {
        assert_eq!(refused(Application { wanted: &wanted, ..usual }), by(""), "{wanted:?}");
    }
    assert_eq!(refused(Application { live_keys: 3, ..usual }), by(""));
    let night = "2026-11-01T05:59:59Z".parse().unwrap();
    granted(Application { now: night, ..usual });
    let said = refused(Application { now: night, wanted: &write, ..usual });
    assert_eq!(said, ("mint.no-writing-at-night".into(), "nobody writes at night".into()));
    let outside = Wanted { networks: list(&["192.0.2.0/24"]), ..wanted.clone() };
    assert_eq!(refused(Application { wanted: &outside, ..usual }), by("mint.only-here"));
    let issuer = Some("https://other.example.com");
    assert_eq!(refused(Application { issuer, ..usual }), by("mint.known-issuers"));

    // A policy that cannot be evaluated might have forbidden it.
    let cause = |application: Application<'_>| {
        ask(application).map_or_else(|error| error.cause(), |_| "granted")
    };
    assert_eq!(cause(Application { live_keys: 808, ..usual }), "mint_failed");
    for (other, expected) in [
        (Wanted { networks: list(&["10.0.0.0/99"]), ..wanted.clone() }, "mint_body"),
        (
            Wanted { lifetime: Some(SignedDuration::from_mins(61)), ..wanted.clone() },
            "mint_lifetime",
        ),
        (Wanted { team: Some("nobody".into()), ..wanted.clone() }, "team_foreign"),
    ] {
        assert_eq!(cause(Application { wanted: &other, ..usual }), expected, "{other:?}");
    }
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
        ("cedarkey.toml", "[bundle]\n", "[keys]\nmax_lifetime = '7d'\n[bundle]\n"),
    ];
    for (name, from, to) in same {
        assert_eq!(again(name, from, to), before, "{name}: {from}");
    }
    let other = [
        ("policies/identity.cedar", "unless", "when"),
        ("policies/identity.cedar", "another workload", "another"),
        ("routes.yaml", "/v1/orders", "/v2/orders"),
        ("entities.json", "\"company\"", "\"firm\""),
        ("cedarkey.toml", "[bundle]\n", "[bundle]\nlifetime = '7d'\n"),
        ("cedarkey.toml", "shop", "shops"),
        ("cedarkey.toml", "[bundle]\n", "[keys]\nprefix = 'sk'\n[bundle]\n"),
    ];
    for (name, from, to) in other {
        assert_ne!(again(name, from, to), before, "{name}: {from}");
    }
}
