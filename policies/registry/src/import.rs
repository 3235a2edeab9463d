//! Taking over keys of other systems, of which only the SHA-256 of the token is known.

use crate::Registry;
use crate::apply::failure;
use crate::change::Change;
use crate::error::{ImportError, RowError};
use crate::key::{Key, State};
use crate::new_key::NewKey;
use crate::store::{BATCH, Column, Progress, Transaction};
use crate::token::new_id;
use cedarkey_engine::token::KeyHash;
use std::collections::HashMap;

/// A row to be imported: where it comes from, and what it says.
pub type Row = (String, Result<(NewKey, KeyHash), String>);

/// What was seen so far.
struct Import<'a> {
    transaction: Transaction,
    change: &'a Change,
    rows: usize,
    wrong: Vec<(String, RowError)>,
    /// Where each hash comes from.
    hashes: HashMap<[u8; 32], String>,
    /// Where each name comes from.
    names: HashMap<String, String>,
    imported: usize,
}

impl Registry {
    /// Takes over keys: all of them or, where a row is wrong, none. Where a change needs a
    /// second person, they are not valid until somebody approves them.
    ///
    /// # Errors
    ///
    /// All rows that cannot be imported; or the registry fails.
    pub async fn import(
        &self,
        rows: impl IntoIterator<Item = Row>,
        change: &Change,
        progress: Progress<'_>,
    ) -> Result<usize, ImportError> {
        let (transaction, imported) = self.read(rows, change, progress).await?;
        transaction.commit().await?;
        Ok(imported)
    }

    /// Whether an import would do, without importing anything: how many keys it would be.
    ///
    /// # Errors
    ///
    /// As [`Registry::import`].
    pub async fn check_import(
        &self,
        rows: impl IntoIterator<Item = Row>,
        change: &Change,
        progress: Progress<'_>,
    ) -> Result<usize, ImportError> {
        // The transaction is dropped, and with it whatever was added.
        let (_, imported) = self.read(rows, change, progress).await?;
        Ok(imported)
    }

    async fn read(
        &self,
        rows: impl IntoIterator<Item = Row>,
        change: &Change,
        progress: Progress<'_>,
    ) -> Result<(Transaction, usize), ImportError> {
        change.check()?;
        let transaction = self.begin(change).await?;
        transaction.check_clock()?;
        let mut import = Import {
            transaction,
            change,
            rows: 0,
            wrong: Vec::new(),
            hashes: HashMap::new(),
            names: HashMap::new(),
            imported: 0,
        };
        let mut batch = Vec::with_capacity(BATCH);
        for row in rows {
            batch.push(row);
            if batch.len() == BATCH {
                import.take(std::mem::take(&mut batch)).await?;
                progress(import.rows);
            }
        }
        import.take(batch).await?;
        progress(import.rows);
        let Import { transaction, rows, wrong, imported, .. } = import;
        if !wrong.is_empty() {
            // The transaction is dropped, and with it whatever was added.
            return Err(ImportError::Rows { rows, wrong });
        }
        Ok((transaction, imported))
    }
}

// === impl Import ===

impl Import<'_> {
    async fn take(&mut self, rows: Vec<Row>) -> Result<(), ImportError> {
        let mut good = Vec::with_capacity(rows.len());
        for (place, row) in rows {
            self.rows = self.rows.saturating_add(1);
            match self.check(&place, row) {
                Ok(row) => good.push((place, row)),
                Err(error) => self.wrong.push((place, error)),
            }
        }
        let hashes: Vec<_> = good.iter().map(|(_, (_, hash))| hash.to_string()).collect();
        let names: Vec<_> = good.iter().filter_map(|(_, (new, _))| new.name.clone()).collect();
        let hashes = self.transaction.known(Column::Hash, &hashes).await?;
        let names = self.transaction.known(Column::Name, &names).await?;
        let mut keys = Vec::with_capacity(good.len());
        for (place, (new, hash)) in good {
            let by_hash = hashes.get(&hash.to_string()).map(|id| (id, Column::Hash));
            let by_name = new.name.as_ref().and_then(|name| names.get(name));
            match by_hash.or_else(|| by_name.map(|id| (id, Column::Name))) {
                Some((id, column)) => {
                    self.wrong.push((place, RowError::Known(id.clone(), column.word())));
                }
                None => keys.push(self.key(new, hash)?),
            }
        }
        // Once a row is wrong, the others are only looked at.
        if self.wrong.is_empty() {
            self.transaction.insert(&keys, "import").await?;
            self.imported = self.imported.saturating_add(keys.len());
        }
        Ok(())
    }

    fn check(
        &mut self,
        place: &str,
        row: Result<(NewKey, KeyHash), String>,
    ) -> Result<(NewKey, KeyHash), RowError> {
        let (new, hash) = row.map_err(RowError::Form)?;
        new.check(self.change.now)?;
        if let Some(other) = self.hashes.insert(hash.0, place.into()) {
            return Err(RowError::Double(other, Column::Hash.word()));
        }
        let name = new.name.clone();
        match name.and_then(|name| self.names.insert(name, place.into())) {
            Some(other) => Err(RowError::Double(other, Column::Name.word())),
            None => Ok((new, hash)),
        }
    }

    fn key(&self, new: NewKey, hash: KeyHash) -> Result<Key, ImportError> {
        let id = new_id(self.change.exact).map_err(failure)?;
        let mut key = new.into_key(id, hash, self.change);
        if self.change.approval {
            key.state = State::Pending;
            key.requested_by = Some(self.change.actor.clone());
            key.approver = None;
        }
        Ok(key)
    }
}
