//! Shared data and queues.

use crate::wasm_host::{
    abi::Status,
    memory::{Fault, Guest, Slot, Span, give, read, write_number},
};

pub(super) fn data(
    guest: &mut Guest<'_>,
    key: Span,
    to: Slot,
    version_to: u32,
) -> Result<(), Fault> {
    let key = read(guest, key)?;
    let (value, version) = guest.data().shared.inner().data(&key)?;
    give(guest, &value, to)?;
    write_number(guest, version_to, version)
}

pub(super) fn set_data(
    guest: &mut Guest<'_>,
    key: Span,
    value: Span,
    version: u32,
) -> Result<(), Fault> {
    let (key, value) = (read(guest, key)?, read(guest, value)?);
    Ok(guest.data().shared.inner().set_data(key, value, version)?)
}

pub(super) fn register_queue(guest: &mut Guest<'_>, name: Span, to: u32) -> Result<(), Fault> {
    let name = read(guest, name)?;
    let state = guest.data_mut();
    let queue = state.shared.inner().register_queue(name);
    if !state.queues.contains(&queue) {
        state.queues.push(queue);
    }
    write_number(guest, to, queue)
}

/// All VMs here have the same id, so that the name alone tells.
pub(super) fn resolve_queue(guest: &mut Guest<'_>, name: Span, to: u32) -> Result<(), Fault> {
    let name = read(guest, name)?;
    let queue = guest.data().shared.inner().resolve_queue(&name)?;
    write_number(guest, to, queue)
}

pub(super) fn enqueue(guest: &mut Guest<'_>, queue: u32, value: Span) -> Result<(), Fault> {
    let value = read(guest, value)?;
    guest.data().shared.inner().queue(queue)?.push_back(value);
    Ok(())
}

pub(super) fn dequeue(guest: &mut Guest<'_>, queue: u32, to: Slot) -> Result<(), Fault> {
    let value = guest.data().shared.inner().queue(queue)?.pop_front();
    give(guest, &value.ok_or(Status::Empty)?, to)
}
