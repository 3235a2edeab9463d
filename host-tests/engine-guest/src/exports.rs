//! The session as a module exports it.

#![expect(
    unsafe_code,
    reason = "an export needs a name of its own, which `no_mangle` gives; nothing else is unsafe"
)]

use crate::{Session, wire};
use serde::{Serialize, de::DeserializeOwned};
use std::cell::RefCell;

/// What lasts from call to call.
#[derive(Default)]
struct Guest {
    /// What the host wrote, or what it is to read.
    bytes: Vec<u8>,
    session: Option<Session>,
}

thread_local! {
    static GUEST: RefCell<Guest> = RefCell::default();
}

/// Makes room for bytes of the host; gives their address.
#[unsafe(no_mangle)]
extern "C" fn room(length: u32) -> u32 {
    GUEST.with_borrow_mut(|guest| {
        guest.bytes.clear();
        guest.bytes.resize(length as usize, 0);
        address(&guest.bytes)
    })
}

/// Opens the bundle that the host wrote.
#[unsafe(no_mangle)]
extern "C" fn load() -> u64 {
    GUEST.with_borrow_mut(|guest| {
        guest.session = None;
        let loaded = guest.read().and_then(|load: wire::Load| {
            guest.session = Some(Session::load(&load).map_err(|error| error.to_string())?);
            Ok(())
        });
        guest.write(&loaded)
    })
}

/// Answers the question that the host wrote.
#[unsafe(no_mangle)]
extern "C" fn decide() -> u64 {
    GUEST.with_borrow_mut(|guest| {
        let answer = guest.read().and_then(|question: wire::Question| {
            let session = guest.session.as_mut().ok_or("no bundle is loaded")?;
            Ok(session.decide(&question))
        });
        guest.write(&answer)
    })
}

/// Decides the last question again; tells how often it was allowed.
#[unsafe(no_mangle)]
extern "C" fn repeat(times: u32) -> u32 {
    let repeat = |guest: &mut Guest| guest.session.as_mut().map(|session| session.repeat(times));
    GUEST.with_borrow_mut(repeat).unwrap_or_default()
}

// === impl Guest ===

impl Guest {
    fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        postcard::from_bytes(&self.bytes)
            .map_err(|error| format!("the input is malformed: {error}"))
    }

    /// Keeps bytes for the host; tells where they are. None at all are a failure to write them.
    fn write<T: Serialize>(&mut self, value: &T) -> u64 {
        self.bytes = postcard::to_allocvec(value).unwrap_or_default();
        u64::from(address(&self.bytes)) << 32 | self.bytes.len() as u64
    }
}

/// Addresses have 32 bits in wasm32.
fn address(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.as_ptr().addr()).unwrap_or_default()
}
