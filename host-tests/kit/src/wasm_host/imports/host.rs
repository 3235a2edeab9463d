//! The log, time, contexts and properties.

use crate::wasm_host::{
    abi::{LogLevel, Status},
    memory::{Fault, Guest, Slot, Span, give, read, text, write, write_number},
    state::LogLine,
};
use std::time::Duration;

pub(super) fn log(guest: &mut Guest<'_>, level: u32, message: Span) -> Result<(), Fault> {
    let level = LogLevel::from_abi(level)?;
    let message = text(guest, message)?;
    guest.data_mut().log.push(LogLine { level, message });
    Ok(())
}

/// That of a proxy which was started without a wish for another.
pub(super) fn log_level(guest: &mut Guest<'_>, to: u32) -> Result<(), Fault> {
    write_number(guest, to, LogLevel::Info as u32)
}

pub(super) fn time(guest: &mut Guest<'_>, to: u32) -> Result<(), Fault> {
    let now = guest.data().nanoseconds();
    write(guest, to, &now.to_le_bytes())
}

pub(super) fn tick_period(guest: &mut Guest<'_>, milliseconds: u32) -> Result<(), Fault> {
    let period = Duration::from_millis(milliseconds.into());
    guest.data_mut().tick_period = Some(period).filter(|period| !period.is_zero());
    Ok(())
}

pub(super) fn effective_context(guest: &mut Guest<'_>, context: u32) -> Result<(), Fault> {
    let state = guest.data_mut();
    if !state.exists(context) {
        return Err(Status::BadArgument.into());
    }
    state.context = context;
    Ok(())
}

/// Nothing waits to be done.
pub(super) fn done(_: &mut Guest<'_>) -> Result<(), Fault> {
    Err(Status::NotFound.into())
}

/// That of gRPC calls, of which there are none.
pub(super) fn last_status(guest: &mut Guest<'_>, code: u32, message: Slot) -> Result<(), Fault> {
    write_number(guest, code, 0)?;
    give(guest, &[], message)
}

/// Envoy has some, which are no part of the ABI.
pub(super) fn foreign_function(
    guest: &mut Guest<'_>,
    name: Span,
    argument: Span,
    _: Slot,
) -> Result<(), Fault> {
    read(guest, name)?;
    read(guest, argument)?;
    Err(Status::NotFound.into())
}

pub(super) fn property(guest: &mut Guest<'_>, path: Span, to: Slot) -> Result<(), Fault> {
    let path = read(guest, path)?;
    let value = guest.data_mut().property(&path).ok_or(Status::NotFound)?;
    give(guest, &value, to)
}

/// Only a request has properties that can be set.
pub(super) fn set_property(guest: &mut Guest<'_>, path: Span, value: Span) -> Result<(), Fault> {
    let (path, value) = (read(guest, path)?, read(guest, value)?);
    let stream = guest.data_mut().stream().ok_or(Status::NotFound)?;
    stream.properties.set(path, value);
    Ok(())
}
