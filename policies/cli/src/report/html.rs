//! A report as one HTML page, which needs nothing but itself.
//!
//! Whatever comes from keys is escaped: `maud` does so unless told otherwise, and is told so for the
//! style sheet alone. Besides, the page forbids itself everything but that style sheet.

mod chart;

use super::{Finding, Granted, Level, Report};
use crate::commands::keys::day;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_bundle::Digest;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("html/style.css");

// === impl Report ===

impl Report {
    /// The page.
    pub fn html(&self) -> String {
        let Self { name, environment, charts, .. } = self;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="referrer" content="no-referrer";
                    title { "API keys of " (name) ", " (environment) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { "API keys of " (name) ", " (environment) }
                        p class="soft" { "As of " (self.now.strftime("%Y-%m-%d %H:%M").to_string()) " UTC. " (self.usage()) }
                        (self.tiles())
                    }
                    main {
                        h2 { "At a glance" }
                        div class="charts" {
                            (chart::rows("Keys by age of their secret", &charts.ages))
                            (chart::columns("Keys by the month in which they end", &charts.expiries))
                            (chart::rows("Who answers for most keys", &charts.owners))
                            (chart::stacks("Findings at the end of each month", &charts.findings))
                        }
                        h2 { "Findings" }
                        (self.findings())
                        h2 { "Granted and used" }
                        (self.granted())
                    }
                    footer {
                        p { "References: OWASP Non-Human Identities Top 10 (2025), and NIST Cybersecurity Framework 2.0, Identity Management, Authentication, and Access Control (PR.AA). Usage is what proxies say of themselves; findings over time are those that need none." }
                        p { "Made by cedarkey " (env!("CARGO_PKG_VERSION")) "." }
                    }
                }
            }
        };
        page.into_string()
    }

    fn usage(&self) -> String {
        match (self.usage_since, self.not_looked_for.as_slice()) {
            (_, missing @ [_, ..]) => {
                let missing: Vec<_> = missing.iter().map(|rule| rule.word()).collect();
                format!("Usage is not known, so this was not looked for: {}.", missing.join(", "))
            }
            (since @ Some(_), _) => format!("Usage is known since {}.", day(since)),
            (None, _) => "No proxy has reported usage yet.".into(),
        }
    }

    fn tiles(&self) -> Markup {
        html! {
            ul class="tiles" {
                li { b { (self.keys) } "keys in use" }
                @for (level, count) in &self.counts {
                    @let class = if *count > 0 { level.word() } else { "good" };
                    li { b class=(class) { (count) } "findings, " (level.word()) }
                }
            }
        }
    }

    fn findings(&self) -> Markup {
        html! {
            @if self.findings.is_empty() { p { "Nothing was found." } }
            @for level in Level::ALL {
                @let found: Vec<&Finding> = self.findings.iter().filter(|it| it.level == level).collect();
                @if !found.is_empty() {
                    h3 class=(level.word()) { (level.word()) }
                    div class="panel" {
                        table {
                            thead {
                                tr {
                                    th.finding { "finding" } th.key { "key" } th.owner { "owner" }
                                    th.what { "what, and what to do" } th.reference { "reference" }
                                }
                            }
                            tbody { @for finding in found { (row(finding)) } }
                        }
                    }
                }
            }
        }
    }

    fn granted(&self) -> Markup {
        let narrower = self.narrower();
        html! {
            @if narrower.is_empty() { p { "No key is known to need less than it has." } }
            @else {
                div class="panel" {
                    table {
                        thead { tr { th.key { "key" } th { "may do" } th { "does" } th { "scopes it could do without" } } }
                        tbody {
                            @for Granted { key, actions, used_actions, unused_scopes, policy, .. } in narrower {
                                tr {
                                    td { span class="id" { (key) } }
                                    td { (actions.join(", ")) }
                                    td {
                                        (used_actions.as_deref().unwrap_or_default().join(", "))
                                        @if let Some(policy) = policy {
                                            details { summary { "a policy that keeps it to that" } pre { (policy) } }
                                        }
                                    }
                                    td { (unused_scopes.join(", ")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn row(finding: &Finding) -> Markup {
    let Finding { rule, level, key, name, owner, message, command, owasp, nist, .. } = finding;
    html! {
        tr {
            td { span class={"tag " (level.word())} { (rule.word()) } }
            td { @if let Some(name) = name { (name) br; } span class="soft id" { (key) } }
            td { (owner) }
            td { (message) code { (command) } }
            td class="soft" { @if let Some(owasp) = owasp { (owasp) br; } (nist.join(", ")) }
        }
    }
}

/// Nothing is loaded, run or sent; the style sheet is the one that belongs here.
fn policy() -> String {
    let style = STANDARD.encode(Digest::of(STYLE.as_bytes()).0);
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}
