//! The rules on true tokens and near misses, with an engine of RE2's language.

use super::*;
use cedarkey_engine::token::Token;
use regex::Regex;

/// Each line of this file: `yes` or `no`, and a text, in which `TOKEN` stands for a true token of
/// `ck` and `production`, and `OTHER` for one of `development`.
const TEXTS: &str = include_str!("texts.txt");

fn token(environment: &str) -> String {
    let mut next = 7_u8;
    mint("ck", environment, || {
        next = next.wrapping_mul(77).wrapping_add(91);
        next
    })
    .unwrap()
}

fn texts() -> impl Iterator<Item = (bool, String)> {
    let lines = TEXTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let (expected, text) = line.split_once(' ').unwrap();
        let text = text.replace("TOKEN", &token("production"));
        (expected == "yes", text.replace("OTHER", &token("development")))
    })
}

fn form(environments: &[&str]) -> Form {
    let environments: Vec<_> = environments.iter().map(|it| String::from(*it)).collect();
    Form { prefix: "ck".into(), token: pattern("ck", &environments) }
}

/// The expressions of a form for each scanner, as that scanner puts them together.
fn expressions(form: &Form) -> [Regex; 3] {
    let (gitleaks, toml) = form.gitleaks();
    let regex = gitleaks["rules"][0]["regex"].as_str().unwrap().to_owned();
    assert!(toml.contains(&format!("'''{regex}'''")), "the text is what programs get");
    let toml: toml_edit::DocumentMut = toml.parse().unwrap();
    assert_eq!(toml["rules"][0]["regex"].as_str(), Some(regex.as_str()));

    let (_, yaml) = form.trufflehog();
    let yaml: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
    let trufflehog = yaml["detectors"][0]["regex"]["token"].as_str().unwrap().to_owned();

    let (github, _) = form.github();
    let part = |name: &str| github[name].as_str().unwrap().to_owned();
    let (before, secret, after) = (part("beforeSecret"), part("secretFormat"), part("afterSecret"));
    let github = format!("(?:{before})({secret})(?:{after})");
    [regex, trufflehog, github].map(|regex| Regex::new(&regex).unwrap())
}

#[test]
fn each_scanner_finds_true_tokens_and_no_near_misses() {
    for regex in expressions(&form(&["production"])) {
        for (expected, text) in texts() {
            let found = regex.captures(&text).map(|found| found[1].to_owned());
            assert_eq!(found.is_some(), expected, "{regex} on {text}");
            if let Some(found) = found {
                assert_eq!(found, token("production"), "all of the token, and nothing else");
            }
        }
    }
}

#[test]
fn tokens_of_any_environment_are_found_where_none_is_named() {
    for environments in [[].as_slice(), &["production", "development"]] {
        for regex in expressions(&form(environments)) {
            for environment in ["production", "development"] {
                assert!(regex.is_match(&token(environment)), "{regex}");
            }
        }
    }
}

#[test]
fn what_two_tokens_share_is_no_reason_to_miss_one() {
    let text = format!("{} {}", token("production"), token("production"));
    for regex in &expressions(&form(&[]))[..2] {
        assert_eq!(regex.find_iter(&text).count(), 2);
    }
}

#[test]
fn every_token_that_is_made_is_found() {
    let regex = &expressions(&form(&[]))[0];
    let mut seed = 1_u32;
    for _ in 0..1000 {
        let token = mint("ck", "production", || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        });
        let token = token.unwrap();
        assert!(Token::parse(&token).is_ok() && regex.is_match(&token), "{token}");
    }
}
