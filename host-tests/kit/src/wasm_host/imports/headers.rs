//! Headers.

use crate::wasm_host::{
    abi::{Map, Status},
    memory::{Fault, Guest, Slot, Span, give, headers as decode, read, write_number},
};

pub(super) fn all(guest: &mut Guest<'_>, map: u32, to: Slot) -> Result<(), Fault> {
    let headers = guest.data_mut().headers(Map::from_abi(map)?)?;
    let bytes = if headers.is_empty() { Vec::new() } else { headers.encode() };
    give(guest, &bytes, to)
}

pub(super) fn set_all(guest: &mut Guest<'_>, map: u32, from: Span) -> Result<(), Fault> {
    let map = Map::from_abi(map)?;
    let headers = decode(guest, from)?;
    *guest.data_mut().headers(map)? = headers;
    Ok(())
}

/// The bytes of all names and values.
pub(super) fn size(guest: &mut Guest<'_>, map: u32, to: u32) -> Result<(), Fault> {
    let headers = guest.data_mut().headers(Map::from_abi(map)?)?;
    let lengths = headers.iter().map(|(name, value)| name.len().saturating_add(value.len()));
    let size = u32::try_from(lengths.sum::<usize>()).unwrap_or(u32::MAX);
    write_number(guest, to, size)
}

/// The first of that name; Envoy does not join those that follow either.
pub(super) fn get(guest: &mut Guest<'_>, map: u32, name: Span, to: Slot) -> Result<(), Fault> {
    let map = Map::from_abi(map)?;
    let name = read(guest, name)?;
    let headers = guest.data_mut().headers(map)?;
    let value = headers.get(name).ok_or(Status::NotFound)?.to_vec();
    give(guest, &value, to)
}

pub(super) fn add(guest: &mut Guest<'_>, map: u32, name: Span, value: Span) -> Result<(), Fault> {
    let map = Map::from_abi(map)?;
    let (name, value) = (read(guest, name)?, read(guest, value)?);
    guest.data_mut().headers(map)?.add(name, value);
    Ok(())
}

pub(super) fn replace(
    guest: &mut Guest<'_>,
    map: u32,
    name: Span,
    value: Span,
) -> Result<(), Fault> {
    let map = Map::from_abi(map)?;
    let (name, value) = (read(guest, name)?, read(guest, value)?);
    guest.data_mut().headers(map)?.replace(name, value);
    Ok(())
}

pub(super) fn remove(guest: &mut Guest<'_>, map: u32, name: Span) -> Result<(), Fault> {
    let map = Map::from_abi(map)?;
    let name = read(guest, name)?;
    guest.data_mut().headers(map)?.remove(name);
    Ok(())
}
