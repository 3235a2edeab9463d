use super::*;

const GITLEAKS: &str = r#"[
  {"RuleID": "cedarkey", "Description": "a key", "StartLine": 14, "EndLine": 14,
   "StartColumn": 5, "EndColumn": 60, "Match": "KEY=\"one\"", "Secret": "one",
   "File": "config/prod.env", "SymlinkFile": "", "Commit": "0123456789abcdef0123",
   "Entropy": 4.5, "Author": "Bob", "Email": "bob@example.com", "Date": "2026-01-02T03:04:05Z",
   "Message": "wip", "Tags": [], "Fingerprint": "x"}
]"#;

const TRUFFLEHOG: &str = r#"{"level":"info-0","ts":"2026-01-02T03:04:05Z","logger":"trufflehog","msg":"running source"}
{"SourceMetadata":{"Data":{"Git":{"commit":"abcdef","file":"run.sh","email":"Eve <eve@example.com>","repository":"https://example.com/r.git","timestamp":"2026-01-02 03:04:05 +0000","line":3}}},"SourceID":1,"SourceType":16,"SourceName":"trufflehog - git","DetectorType":1001,"DetectorName":"CustomRegex","DecoderName":"PLAIN","Verified":false,"Raw":"two","RawV2":"","Redacted":"","ExtraData":{"name":"cedarkey"},"StructuredData":null}
"#;

#[test]
fn gitleaks_is_read() {
    let findings = read(GITLEAKS.as_bytes()).unwrap();
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.hashes, [KeyHash::of("one")]);
    assert_eq!(
        finding.place.to_string(),
        "gitleaks (cedarkey) in config/prod.env:14, commit 0123456789ab by bob@example.com"
    );
}

#[test]
fn trufflehog_is_read_past_its_log() {
    let findings = read(TRUFFLEHOG.as_bytes()).unwrap();
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.hashes, [KeyHash::of("two")]);
    assert_eq!(
        finding.place.to_string(),
        "trufflehog (cedarkey) in run.sh:3, commit abcdef by Eve <eve@example.com>, https://example.com/r.git"
    );
}

#[test]
fn an_empty_report_has_no_finding() {
    for report in ["", "[]", "null\n"] {
        assert_eq!(read(report.as_bytes()).unwrap(), []);
    }
}

#[test]
fn what_is_no_report_is_refused() {
    let said = |report: &str| read(report.as_bytes()).unwrap_err().to_string();
    assert!(said("{").ends_with(" at line 1 column 1"));
    assert_eq!(said(r#"[{"a": 1}]"#), "it is neither a report of gitleaks nor one of TruffleHog");
    assert!(said(r#"[{"RuleID": "x"}]"#).contains("finding 1, from gitleaks: missing field"));
}
