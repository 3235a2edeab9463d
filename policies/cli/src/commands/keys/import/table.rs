//! Tables of hashes: CSV and JSON.

use super::Entry;
use crate::commands::keys::spec::{COLUMNS, KeyEntry};
use csv::{ReaderBuilder, StringRecord};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::io::Read;

/// The rows of a CSV file, as they are read.
pub fn entries(input: impl Read + 'static) -> Result<impl Iterator<Item = Entry>, String> {
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
        return Err(format!(
            "there is no column `{unknown}`: it has some of {}",
            COLUMNS.join(", ")
        ));
    }
    if !header.iter().any(|name| name == "sha256") {
        return Err("it has no column `sha256`".into());
    }
    Ok(reader.into_records().zip(2..).map(move |(record, line)| match record {
        Ok(record) => {
            let line = record.position().map_or(line, csv::Position::line);
            (format!("line {line}"), entry(&header, &record))
        }
        Err(error) => (format!("line {line}"), Err(of_csv(&error))),
    }))
}

fn entry(header: &StringRecord, record: &StringRecord) -> Result<KeyEntry, String> {
    let mut entry = KeyEntry::default();
    for (column, value) in header.iter().zip(record) {
        let some = || Some(value).filter(|value| !value.is_empty()).map(String::from);
        let list = || value.split_whitespace().map(String::from).collect::<Vec<_>>();
        let instant = || {
            let wrong =
                |_| format!("`{value}` in `{column}` is no instant: write `2027-01-31T00:00:00Z`");
            some().map(|value| value.parse::<Timestamp>().map_err(wrong)).transpose()
        };
        match column {
            "name" => entry.name = some(),
            "sha256" => entry.sha256 = some(),
            "owner" => entry.owner = value.into(),
            "purpose" => entry.purpose = value.into(),
            "team" => entry.team = some(),
            "workload" => entry.workload = some(),
            "scopes" => entry.scopes = list(),
            "networks" => entry.networks = list(),
            "spiffeIds" => entry.spiffe_ids = list(),
            "labels" => {
                for label in list() {
                    let (name, value) =
                        label.split_once('=').ok_or("a label is written `NAME=VALUE`")?;
                    if entry.labels.insert(name.into(), value.into()).is_some() {
                        return Err(format!("the label `{name}` is there twice"));
                    }
                }
            }
            "notBefore" => entry.not_before = instant()?,
            "expires" => entry.expires = instant()?,
            "reviewBy" => entry.review_by = instant()?,
            "decoy" => {
                entry.decoy = match value {
                    "" | "false" => false,
                    "true" => true,
                    _ => return Err(format!("`{value}` in `decoy` is neither true nor false")),
                };
            }
            "state" => {
                let state = serde_json::from_value(Value::from(value));
                entry.state = match value {
                    "" => None,
                    _ => Some(state.map_err(|_| format!("`{value}` is no state"))?),
                };
            }
            _ => {}
        }
    }
    Ok(entry)
}

fn of_csv(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields, and the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".into(),
        other => format!("{other:?}"),
    }
}

/// The keys of a JSON file: a list, or an object that has one as `keys`.
pub fn list(text: &str) -> Result<Vec<Entry>, String> {
    let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let list = match json {
        Value::Array(list) => list,
        Value::Object(mut object) => match object.remove("keys") {
            Some(Value::Array(list)) => list,
            _ => return Err("it is no list of keys, and has none as `keys`".into()),
        },
        _ => return Err("it is no list of keys".into()),
    };
    let entries = list.into_iter().zip(1..).map(|(value, number)| {
        let entry = KeyEntry::deserialize(value).map_err(|error| error.to_string());
        (format!("key {number}"), entry)
    });
    Ok(entries.collect())
}
