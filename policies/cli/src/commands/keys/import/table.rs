//! Tables of hashes: CSV and JSON.

mod lines;

use super::Entry;
use crate::commands::keys::spec::{COLUMNS, KeyEntry};
use crate::time::{no_point, point};
use csv::{ReaderBuilder, StringRecord};
use lines::Counted;
use serde::Deserialize;
use serde_json::Value;
use std::io::Read;

/// The rows of a CSV file, as they are read. Each is named by the line of the file it begins on.
pub fn entries(input: impl Read + 'static) -> Result<impl Iterator<Item = Entry>, String> {
    let (input, lines) = Counted::new(input);
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let header = reader.headers().map_err(|error| of_csv(&error))?.clone();
    if let Some(unknown) = header.iter().find(|name| !COLUMNS.contains(name)) {
        return Err(format!(
            "there is no column `{unknown}`: it has some of {}",
            COLUMNS.join(", ")
        ));
    }
    if !header.iter().any(|name| name == "sha256") {
        return Err("it has no column `sha256`".into());
    }
    Ok(reader.into_records().map(move |record| {
        let position = match &record {
            Ok(record) => record.position(),
            Err(error) => error.position(),
        };
        let place = position.map(|position| format!("line {}", lines.of(position)));
        let entry = record.map_err(|error| of_csv(&error));
        (place.unwrap_or_else(|| "the file".into()), entry.and_then(|it| entry_of(&header, &it)))
    }))
}

fn entry_of(header: &StringRecord, record: &StringRecord) -> Result<KeyEntry, String> {
    let mut entry = KeyEntry::default();
    for (column, value) in header.iter().zip(record) {
        let some = || Some(value).filter(|value| !value.is_empty()).map(String::from);
        let list = || value.split_whitespace().map(String::from).collect::<Vec<_>>();
        let instant = || {
            let wrong = || format!("in `{column}`, {}", no_point(value));
            some().map(|value| point(&value).ok_or_else(wrong)).transpose()
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
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
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

#[cfg(test)]
mod tests {
    use super::entries;

    fn places(text: &'static str) -> Vec<(String, bool)> {
        let entries = entries(text.as_bytes()).unwrap();
        entries.map(|(place, entry)| (place, entry.is_ok())).collect()
    }

    fn lines(numbers: &[(u64, bool)]) -> Vec<(String, bool)> {
        numbers.iter().map(|(number, ok)| (format!("line {number}"), *ok)).collect()
    }

    #[test]
    fn a_row_is_named_by_the_line_it_begins_on() {
        let plain = "sha256,owner\n1,a\n2\n3,\"a\nb\"\n4,a\n5,a,b\n";
        let expected = lines(&[(2, true), (3, false), (4, true), (6, true), (7, false)]);
        assert_eq!(places(plain), expected);
        let windows = "sha256,owner\r\n1,a\r\n2\r\n3,\"a\r\nb\"\r\n4,a\r\n5,a,b";
        assert_eq!(places(windows), expected);
    }

    #[test]
    fn empty_lines_count() {
        for text in ["\n\nsha256\n\n\n1\n\n2,x\n", "\r\n\r\nsha256\r\n\r\n\r\n1\r\n\r\n2,x\r\n"] {
            assert_eq!(places(text), lines(&[(6, true), (8, false)]), "{text:?}");
        }
    }

    #[test]
    fn a_line_may_be_longer_than_what_is_read_at_once() {
        let text = format!("sha256,owner\r\n1,\"{}\"\r\n2\r\n", "a\r\n".repeat(10_000));
        let places = places(text.leak());
        assert_eq!(places, lines(&[(2, true), (10_003, false)]));
    }
}
