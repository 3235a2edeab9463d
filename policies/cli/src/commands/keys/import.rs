//! `cedarkey keys import`

mod foreign;
mod table;

use super::change;
use super::options::{Reach, WAITING};
use super::rules::{Rules, placed};
use super::spec::KeyEntry;
use crate::exit::Exit;
use crate::failure::{Context, Failure};
use crate::output::{DIM, GOOD, NOTICE, Output, counted};
use crate::progress::Progress;
use crate::project;
use cedarkey_registry::{ClockError, ImportError, NewKey, Row, RowError, State};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Take over keys of other systems.
///
/// CSV and JSON hold the SHA-256 of each token. The configurations of Kong, Envoy and Kubernetes
/// hold the tokens themselves: they are hashed as they are read, and never written.
///
/// All keys are imported or, where a single row is wrong, none; every wrong row is named. What a
/// file does not say of a key, the options do.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  cedarkey keys import keys.csv
  cedarkey keys import kong.yaml --from kong --owner team:payments --expires 30d
  kubectl get secret -o yaml | cedarkey keys import - --from kubernetes --owner team:payments

A CSV file has a header with the columns sha256, name, owner, purpose, team, workload, scopes,
networks, spiffeIds, labels (NAME=VALUE), notBefore, expires, reviewBy; all but sha256 may be
missing. Lists are separated by spaces. Points in time are dates (2027-01-31: its beginning in UTC)
or instants (2027-01-31T08:00:00Z).

Proxies take tokens that other systems made only with `allow_foreign = true` under [keys] in
cedarkey.toml.")]
pub struct Import {
    /// The file; `-` for standard input
    file: PathBuf,
    /// What the file holds [default: by its name: `.csv` or `.json`]
    #[arg(long, value_enum, value_name = "FORM")]
    from: Option<Form>,
    /// Who answers for keys of which the file does not say it
    #[arg(long)]
    owner: Option<String>,
    /// What keys are for of which the file does not say it
    #[arg(long)]
    purpose: Option<String>,
    #[command(flatten)]
    reach: Reach,
    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,
    /// Check everything, and import nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A row for each key
    Csv,
    /// A list of keys, or what `keys export` writes
    Json,
    /// A declarative configuration of Kong, or an answer of its Admin API
    Kong,
    /// A configuration of Envoy with the filter `api_key_auth`
    Envoy,
    /// Manifests of Kubernetes Secrets
    Kubernetes,
}

/// How many errors are told.
const MOST: usize = 100;

/// How many of the rows are named that have the same error.
const FIRST: usize = 3;

/// An entry of a file, with its place; or what is wrong with it.
type Entry = (String, Result<KeyEntry, String>);

/// The entries of a file, one after the other.
type Entries = Box<dyn Iterator<Item = Entry>>;

impl Form {
    /// Whether it is another system's, which knows nothing of this registry.
    fn is_foreign(self) -> bool {
        matches!(self, Self::Envoy | Self::Kong | Self::Kubernetes)
    }
}

impl Import {
    /// Imports them.
    pub async fn run(self, given: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
        let settings = project::settings(given)?;
        let project = project::load(given)?;
        let rules = Rules::of(&project);
        let change = change(self.reason.as_deref()).with_approval(settings.approval);
        let now = change.now;
        let form = self.form()?;
        let shown = self.file.display().to_string();
        let (owner, purpose) = (self.owner.unwrap_or_default(), self.purpose.unwrap_or_default());
        let defaults = self.reach.new_key(owner, purpose, now)?;
        let mut entries = open(form, &self.file)?;
        let registry = project::registry(&settings.registry).await?;
        if form.is_foreign() {
            match foreign::unless_taken(entries.collect(), &registry, output).await {
                Ok(kept) => entries = kept,
                Err(failure) => {
                    registry.close().await;
                    return Err(failure);
                }
            }
        }
        let complete = |entry: KeyEntry| {
            if entry.state.is_some_and(|state| state != State::Active) {
                let state = entry.state.map_or("", State::word);
                return Err(format!("it is {state}: only active keys are imported"));
            }
            let hash = entry.hash()?.ok_or("it has no `sha256`")?;
            let new = placed(with(entry.new_key(), &defaults), &settings);
            // The registry has its own words for what is wrong in itself.
            match new.check(now).ok().and_then(|()| rules.objection(&new, now)) {
                Some(objection) => Err(objection),
                None => Ok((new, hash)),
            }
        };
        let rows = entries.map(|(place, entry)| -> Row { (place, entry.and_then(&complete)) });
        let progress = Progress::start("importing keys".into());
        let mut reached = |done| progress.reached("importing keys", done);
        let pending = settings.approval;
        let imported = match self.dry_run {
            true => registry.check_import(rows, &change, &mut reached).await,
            false => registry.import(rows, &change, &mut reached).await,
        };
        registry.close().await;
        progress.finish();
        let count = imported.map_err(|error| refuse(error, &shown, output))?;
        let value = json!({ "imported": count, "dryRun": self.dry_run, "pending": pending });
        output.result(&value, |out| {
            let said = if self.dry_run { "would import" } else { "imported" };
            let _ = writeln!(out, "{GOOD}{said}{GOOD:#} {}", counted(count, "key"));
        });
        if pending {
            output.note(format_args!("{DIM}somebody else has to approve: {WAITING}{DIM:#}"));
        }
        if !settings.allow_foreign {
            output.note(format_args!(
                "{NOTICE}proxies take tokens of another form only with `keys.allow_foreign = true` in cedarkey.toml{NOTICE:#}"
            ));
        }
        Ok(Exit::Ok)
    }

    fn form(&self) -> Result<Form, Failure> {
        let extension = self.file.extension().and_then(|extension| extension.to_str());
        match (self.from, extension) {
            (Some(form), _) => Ok(form),
            (None, Some("csv")) => Ok(Form::Csv),
            (None, Some("json")) => Ok(Form::Json),
            (None, _) => {
                let message = format!("nobody can tell what `{}` holds", self.file.display());
                Err(Failure::new(Exit::Usage, message).help("say it with `--from`"))
            }
        }
    }
}

/// The entries of a file. A table is read as it is imported, so that it may have any length.
fn open(form: Form, file: &Path) -> Result<Entries, Failure> {
    let shown = file.display();
    let failed = format!("cannot read `{shown}`");
    let mut input: Box<dyn Read> = match file.to_str() {
        Some("-") => Box::new(std::io::stdin()),
        _ => Box::new(File::open(file).context(Exit::Failure, &failed)?),
    };
    if form == Form::Csv {
        return Ok(Box::new(table::entries(input).context(Exit::Invalid, &failed)?));
    }
    let mut text = Zeroizing::new(String::new());
    input.read_to_string(&mut text).context(Exit::Failure, &failed)?;
    let entries = match form {
        Form::Json => table::list(&text),
        Form::Kong => foreign::kong(&text),
        Form::Envoy => foreign::envoy(&text),
        Form::Kubernetes => foreign::kubernetes(&text),
        Form::Csv => Ok(Vec::new()),
    };
    let entries =
        entries.map_err(|error| Failure::new(Exit::Invalid, format!("{failed}: {error}")))?;
    Ok(Box::new(entries.into_iter()))
}

/// A key with what it does not say itself.
fn with(new: NewKey, defaults: &NewKey) -> NewKey {
    let text = |own: String, other: &String| if own.is_empty() { other.clone() } else { own };
    let is_decoy = new.decoy;
    let list = |own: Vec<String>, other: &Vec<String>| {
        if own.is_empty() && !is_decoy { other.clone() } else { own }
    };
    let mut labels = defaults.labels.clone();
    labels.extend(new.labels);
    NewKey {
        owner: text(new.owner, &defaults.owner),
        purpose: text(new.purpose, &defaults.purpose),
        team: new.team.or_else(|| defaults.team.clone()),
        workload: new.workload.or_else(|| defaults.workload.clone().filter(|_| !is_decoy)),
        scopes: list(new.scopes, &defaults.scopes),
        networks: list(new.networks, &defaults.networks),
        spiffe_ids: list(new.spiffe_ids, &defaults.spiffe_ids),
        labels,
        not_before: new.not_before.or(defaults.not_before),
        expires: new.expires.or(defaults.expires),
        review_by: new.review_by.or(defaults.review_by),
        ..new
    }
}

/// Names every row that is wrong.
fn refuse(error: ImportError, file: &str, output: &Output) -> Failure {
    let help = match &error {
        ImportError::Rows { wrong, .. } => {
            let errors = alike(wrong);
            for (error, places) in errors.iter().take(MOST) {
                output.wrong(&format!("{file}: {}: {error}", named(places)));
            }
            let more = errors.iter().skip(MOST).map(|(_, places)| places.len()).sum();
            if more > 0 {
                output.wrong(&format!("{file}: and {} more", counted(more, "row")));
            }
            "put them right, and import the file again"
        }
        ImportError::Clock(_) => ClockError::HELP,
        _ => return Failure::because(Exit::Registry, "no key is imported", error),
    };
    Failure::because(Exit::Registry, "no key is imported", error).help(help)
}

/// Errors in the order of the file, each with the rows that have it.
fn alike(wrong: &[(String, RowError)]) -> Vec<(String, Vec<&str>)> {
    let mut errors: Vec<(String, Vec<&str>)> = Vec::new();
    let mut known = HashMap::new();
    for (place, error) in wrong {
        let error = error.to_string();
        let at = *known.entry(error.clone()).or_insert(errors.len());
        match errors.get_mut(at) {
            Some((_, places)) => places.push(place),
            None => errors.push((error, vec![place])),
        }
    }
    errors
}

/// The first of rows, and how many there are besides.
fn named(places: &[&str]) -> String {
    let first = places.get(..FIRST).unwrap_or(places).join(", ");
    match places.len().saturating_sub(FIRST) {
        0 => first,
        more => format!("{first} and {}", counted(more, "more row")),
    }
}
