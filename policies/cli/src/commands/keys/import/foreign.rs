//! Configurations of other systems, which hold the tokens themselves. A token is hashed where it is
//! found; no entry and no error holds it.
//!
//! A key is called what the other system calls its client, where that may be a key's name and no
//! other key of the file or the registry has it.

use super::{Entries, Entry};
use crate::commands::keys::spec::KeyEntry;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{DIM, Output};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cedarkey_engine::token::{KeyHash, MAX_LEN};
use cedarkey_registry::{Registry, is_name};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use zeroize::Zeroizing;

/// A configuration of Kong, which has the keys of consumers (`consumers[].keyauth_credentials[]`),
/// or credentials by themselves (`keyauth_credentials[]`, or `data[]` of the Admin API).
pub fn kong(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for document in documents(text)? {
        for consumer in list(&document, "consumers") {
            let name = text_of(consumer, &["username", "custom_id", "id"]);
            for credential in list(consumer, "keyauth_credentials") {
                entries.push(of_kong(credential, name.as_deref()));
            }
        }
        for credentials in ["keyauth_credentials", "data"] {
            for credential in list(&document, credentials) {
                let consumer = credential.get("consumer");
                let name = consumer.and_then(|consumer| match consumer {
                    Value::String(name) => Some(name.clone()),
                    other => text_of(other, &["username", "id"]),
                });
                entries.push(of_kong(credential, name.as_deref()));
            }
        }
    }
    some(entries, "credentials of Kong's plugin `key-auth`")
}

fn of_kong(credential: &Value, consumer: Option<&str>) -> Entry {
    let place = format!("consumer `{}`", consumer.unwrap_or("?"));
    let mut entry = KeyEntry::default();
    if let Some(consumer) = consumer {
        entry.labels.insert("kong-consumer".into(), consumer.into());
        entry.purpose = format!("the key of Kong's consumer {consumer}");
        entry.name = Some(consumer.into());
    }
    // In seconds, from when it was made.
    let number = |name: &str| credential.get(name).and_then(Value::as_i64);
    if let (Some(created), Some(ttl)) = (number("created_at"), number("ttl")) {
        entry.expires = created.checked_add(ttl).and_then(|at| Timestamp::from_second(at).ok());
    }
    (place, hashed(entry, credential.get("key").and_then(Value::as_str)))
}

/// A configuration of Envoy: whatever in it has `credentials` with a `key` and a `client`, as the
/// filter `envoy.filters.http.api_key_auth` and its settings for routes do.
pub fn envoy(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for document in documents(text)? {
        let mut open = vec![&document];
        while let Some(value) = open.pop() {
            for credential in list(value, "credentials") {
                let Some(client) = text_of(credential, &["client"]) else { continue };
                let entry = KeyEntry {
                    name: Some(client.clone()),
                    purpose: format!("the key of Envoy's client {client}"),
                    labels: [("envoy-client".into(), client.clone())].into(),
                    ..KeyEntry::default()
                };
                let key = credential.get("key").and_then(Value::as_str);
                entries.push((format!("client `{client}`"), hashed(entry, key)));
            }
            match value {
                Value::Array(values) => open.extend(values),
                Value::Object(values) => open.extend(values.values()),
                _ => {}
            }
        }
    }
    some(entries, "`credentials` of Envoy's filter `api_key_auth`")
}

/// Manifests of Secrets: each value is a token, and its name the client's.
pub fn kubernetes(text: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for document in documents(text)? {
        let mut manifests = list(&document, "items").to_vec();
        manifests.push(document);
        for secret in manifests.iter().filter(|it| it.get("kind") == Some(&"Secret".into())) {
            let name = |field: &str| secret.pointer(&format!("/metadata/{field}"));
            let name = |field: &str| name(field).and_then(Value::as_str).map(String::from);
            let (space, secret_name) = (name("namespace"), name("name").unwrap_or_default());
            let secret_name = space.map_or(secret_name.clone(), |it| format!("{it}/{secret_name}"));
            for field in ["data", "stringData"] {
                let values = secret.get(field).and_then(Value::as_object);
                for (client, value) in values.into_iter().flatten() {
                    let labels = [
                        ("kubernetes-secret".into(), secret_name.clone()),
                        ("kubernetes-client".into(), client.clone()),
                    ];
                    let entry = KeyEntry {
                        name: Some(client.clone()),
                        purpose: format!("{client} of the Secret {secret_name}"),
                        labels: labels.into(),
                        ..KeyEntry::default()
                    };
                    let place = format!("`{client}` of `{secret_name}`");
                    let value = value.as_str().unwrap_or_default();
                    let entry = match field {
                        "data" => decoded(value).and_then(|key| hashed(entry, Some(&key))),
                        _ => hashed(entry, Some(value)),
                    };
                    entries.push((place, entry));
                }
            }
        }
    }
    some(entries, "a Secret with data")
}

/// The same without the names that keys of the registry have.
pub async fn unless_taken(
    mut entries: Vec<Entry>,
    registry: &Registry,
    output: &Output,
) -> Result<Entries, Failure> {
    let names: Vec<_> =
        entries.iter().filter_map(|(_, entry)| entry.as_ref().ok()?.name.clone()).collect();
    let taken = registry.of_names(&names).await;
    let taken = taken.context(Exit::Registry, "the keys cannot be read")?;
    let taken: BTreeSet<_> = taken.into_iter().filter_map(|key| key.name).collect();
    for entry in entries.iter_mut().filter_map(|(_, entry)| entry.as_mut().ok()) {
        entry.name.take_if(|name| taken.contains(name));
    }
    if !taken.is_empty() {
        let taken = taken.into_iter().collect::<Vec<_>>().join("`, `");
        let what = "left without a name that another key has";
        output.note(format_args!("{DIM}{what}: `{taken}`{DIM:#}"));
    }
    Ok(Box::new(entries.into_iter()))
}

fn decoded(text: &str) -> Result<Zeroizing<String>, String> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| "it is no base64")?;
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| "it is no text".into())
}

/// An entry with the hash of its token.
fn hashed(mut entry: KeyEntry, token: Option<&str>) -> Result<KeyEntry, String> {
    let token = token.filter(|token| !token.is_empty()).ok_or("it has no key")?;
    if token.len() > MAX_LEN {
        return Err(format!("its key is longer than {MAX_LEN} bytes, which no proxy looks at"));
    }
    if token.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("its key has a space or an end of line, which no request can carry".into());
    }
    entry.sha256 = Some(KeyHash::of(token).to_string());
    Ok(entry)
}

/// The documents of a YAML or JSON text. What the reader shows of a malformed text could be a
/// token, so only the place is told.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    serde_saphyr::from_multiple(text).map_err(|error| match error.location() {
        Some(at) => format!("it is no YAML or JSON: line {}, column {}", at.line(), at.column()),
        None => "it is no YAML or JSON".into(),
    })
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text_of(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| value.get(name)?.as_str()).map(String::from)
}

fn some(mut entries: Vec<Entry>, what: &str) -> Result<Vec<Entry>, String> {
    let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
    for name in entries.iter().filter_map(|(_, entry)| entry.as_ref().ok()?.name.clone()) {
        if !seen.insert(name.clone()) {
            shared.insert(name);
        }
    }
    for entry in entries.iter_mut().filter_map(|(_, entry)| entry.as_mut().ok()) {
        entry.name.take_if(|name| !is_name(name) || shared.contains(name));
    }
    if entries.is_empty() { Err(format!("it has no {what}")) } else { Ok(entries) }
}
