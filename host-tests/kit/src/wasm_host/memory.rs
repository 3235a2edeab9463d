//! Reading and writing the module's memory.

use super::{abi::Status, headers::Headers, state::State};
use wasmtime::{Caller, Memory, TypedFunc};

/// The module, while it calls the host.
pub(super) type Guest<'a> = Caller<'a, State>;

/// The module's memory, and its function that makes room in it.
#[derive(Clone)]
pub(super) struct Allocator {
    pub memory: Memory,
    pub allocate: TypedFunc<u32, u32>,
}

/// Bytes that the module passes: where, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub u32, pub u32);

/// Where the module wants to be told of bytes that the host passes: the address of their address,
/// and of their number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot(pub u32, pub u32);

/// Why a call of the module did not work.
#[derive(Debug)]
pub(super) enum Fault {
    /// The module is told.
    Status(Status),
    /// The module ends: it trapped itself while it was asked for memory.
    Trap(wasmtime::Error),
}

pub(super) fn read(guest: &mut Guest<'_>, span: Span) -> Result<Vec<u8>, Fault> {
    let memory = allocator(guest)?.memory;
    let bytes = range(span).and_then(|range| memory.data(&*guest).get(range));
    Ok(bytes.ok_or(Status::InvalidMemoryAccess)?.to_vec())
}

pub(super) fn text(guest: &mut Guest<'_>, span: Span) -> Result<String, Fault> {
    Ok(String::from_utf8_lossy(&read(guest, span)?).into_owned())
}

pub(super) fn headers(guest: &mut Guest<'_>, span: Span) -> Result<Headers, Fault> {
    Ok(Headers::decode(&read(guest, span)?)?)
}

pub(super) fn write(guest: &mut Guest<'_>, address: u32, bytes: &[u8]) -> Result<(), Fault> {
    let memory = allocator(guest)?.memory;
    let place = u32::try_from(bytes.len())
        .ok()
        .and_then(|length| range(Span(address, length)))
        .and_then(|range| memory.data_mut(guest).get_mut(range));
    place.ok_or(Status::InvalidMemoryAccess)?.copy_from_slice(bytes);
    Ok(())
}

pub(super) fn write_number(guest: &mut Guest<'_>, address: u32, number: u32) -> Result<(), Fault> {
    write(guest, address, &number.to_le_bytes())
}

/// Passes bytes to the module, in memory that it makes room for; no bytes need none.
pub(super) fn give(guest: &mut Guest<'_>, bytes: &[u8], slot: Slot) -> Result<(), Fault> {
    let length = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
    let mut address = 0;
    if length > 0 {
        let allocate = allocator(guest)?.allocate;
        address = allocate.call(&mut *guest, length).map_err(Fault::Trap)?;
        write(guest, address, bytes)?;
    }
    write_number(guest, slot.0, address)?;
    write_number(guest, slot.1, length)
}

fn allocator(guest: &Guest<'_>) -> Result<Allocator, Fault> {
    // Without it the module is calling from its start function, before anything is known of it.
    Ok(guest.data().memory.clone().ok_or(Status::InternalFailure)?)
}

fn range(Span(start, length): Span) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(start).ok()?;
    Some(start..start.checked_add(usize::try_from(length).ok()?)?)
}

impl std::fmt::Debug for Allocator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Allocator")
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}
