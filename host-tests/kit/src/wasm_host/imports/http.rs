//! Buffers, answers of the module's own, and HTTP calls.

use crate::wasm_host::{
    abi::{Buffer, Status},
    calls::HttpCall,
    memory::{Fault, Guest, Slot, Span, give, headers as decode, read, text, write_number},
    outcome::Outcome,
};
use std::time::Duration;

pub(super) fn buffer(
    guest: &mut Guest<'_>,
    buffer: u32,
    Span(start, length): Span,
    to: Slot,
) -> Result<(), Fault> {
    let bytes = bytes(guest, buffer)?;
    let end = start.checked_add(length).ok_or(Status::BadArgument)?;
    let index = |number| usize::try_from(number).unwrap_or(usize::MAX).min(bytes.len());
    match bytes.get(index(start)..index(end)) {
        None | Some([]) => Ok(()),
        Some(found) => give(guest, found, to),
    }
}

pub(super) fn buffer_status(
    guest: &mut Guest<'_>,
    buffer: u32,
    size: u32,
    flags: u32,
) -> Result<(), Fault> {
    let length = bytes(guest, buffer)?.len();
    write_number(guest, size, u32::try_from(length).unwrap_or(u32::MAX))?;
    write_number(guest, flags, 0)
}

/// None of the buffers here can be changed.
pub(super) fn set_buffer(guest: &mut Guest<'_>, buffer: u32) -> Result<(), Fault> {
    bytes(guest, buffer)?;
    Err(Status::BadArgument.into())
}

fn bytes(guest: &mut Guest<'_>, buffer: u32) -> Result<Vec<u8>, Fault> {
    let state = guest.data();
    let found = match Buffer::from_abi(buffer)? {
        Buffer::CallResponse => state.answer.as_ref().map(|answer| answer.body.clone()),
        Buffer::PluginConfiguration => Some(state.configuration.clone()),
        Buffer::VmConfiguration => Some(Vec::new()),
        Buffer::Absent => None,
    };
    Ok(found.ok_or(Status::NotFound)?)
}

/// The first answer counts, and a context without a request cannot answer one.
pub(super) fn respond(
    guest: &mut Guest<'_>,
    (status, grpc_status): (u32, i32),
    details: Span,
    body: Span,
    headers: Span,
) -> Result<(), Fault> {
    let local = Outcome::Local {
        status,
        headers: decode(guest, headers)?,
        body: read(guest, body)?,
        // Negative is none.
        grpc_status: u32::try_from(grpc_status).ok(),
        details: text(guest, details)?,
    };
    if let Some(stream) = guest.data_mut().stream() {
        stream.local.get_or_insert(local);
    }
    Ok(())
}

/// Refused without a cluster or without the headers that a request needs, as by Envoy.
pub(super) fn call(
    guest: &mut Guest<'_>,
    cluster: Span,
    [headers, body, trailers]: [Span; 3],
    timeout: u32,
    to: u32,
) -> Result<(), Fault> {
    let id = guest.data().last_call.saturating_add(1);
    let call = HttpCall {
        id,
        cluster: text(guest, cluster)?,
        headers: decode(guest, headers)?,
        body: read(guest, body)?,
        trailers: decode(guest, trailers)?,
        timeout: Duration::from_millis(timeout.into()),
    };
    let complete =
        [":method", ":path", ":authority"].iter().all(|name| call.headers.get(name).is_some());
    if guest.data().refuse_calls || call.cluster.is_empty() || !complete {
        return Err(Status::BadArgument.into());
    }
    write_number(guest, to, id)?;
    let state = guest.data_mut();
    state.last_call = id;
    state.calls.push(call);
    Ok(())
}
