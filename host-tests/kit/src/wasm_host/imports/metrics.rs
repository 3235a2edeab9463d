//! Metrics.

use crate::wasm_host::memory::{Fault, Guest, Span, text, write, write_number};

pub(super) fn define(guest: &mut Guest<'_>, kind: u32, name: Span, to: u32) -> Result<(), Fault> {
    let name = text(guest, name)?;
    let metric = guest.data().shared.inner().metrics.define(kind, name)?;
    write_number(guest, to, metric)
}

pub(super) fn increment(guest: &mut Guest<'_>, metric: u32, offset: i64) -> Result<(), Fault> {
    Ok(guest.data().shared.inner().metrics.increment(metric, offset)?)
}

pub(super) fn record(guest: &mut Guest<'_>, metric: u32, value: u64) -> Result<(), Fault> {
    Ok(guest.data().shared.inner().metrics.record(metric, value)?)
}

pub(super) fn get(guest: &mut Guest<'_>, metric: u32, to: u32) -> Result<(), Fault> {
    let value = guest.data().shared.inner().metrics.value(metric)?;
    write(guest, to, &value.to_le_bytes())
}
