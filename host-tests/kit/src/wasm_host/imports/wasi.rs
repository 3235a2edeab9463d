//! The system calls that Envoy offers: output goes to the log, and there are no files, arguments
//! or environment.

use super::define;
use crate::wasm_host::{
    abi::{LogLevel, Status},
    memory::{Fault, Guest, Span, read, write, write_number},
    state::{LogLine, State},
};
use wasmtime::Linker;

const SUCCESS: u32 = 0;
const BAD_FILE: u32 = 8;
const BAD_ADDRESS: u32 = 21;
const NO_SUCH_CALL: u32 = 52;
const NOT_SUPPORTED: u32 = 58;

/// The most that is made at once of random bytes and of one write.
const LIMIT: u32 = 1 << 20;

/// The error number of a call, or the fault that kept it from having one.
type Answer = Result<u32, Fault>;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    define!(linker, "wasi_snapshot_preview1", number:
        fd_write(file: u32, vectors: u32, count: u32, to: u32) =>
            fd_write[file, vectors, count, to];
        fd_read(_file: u32, _vectors: u32, _count: u32, _to: u32) => always[NO_SUCH_CALL];
        fd_seek(_file: u32, _offset: i64, _whence: u32, _to: u32) => always[SUCCESS];
        fd_close(_file: u32) => always[SUCCESS];
        fd_fdstat_get(file: u32, to: u32) => fd_fdstat_get[file, to];
        fd_prestat_get(_file: u32, _to: u32) => always[BAD_FILE];
        fd_prestat_dir_name(_file: u32, _at: u32, _size: u32) => always[NO_SUCH_CALL];
        path_open(
            _folder: u32, _lookup: u32, _at: u32, _size: u32, _open: u32, _rights: i64,
            _inherited: i64, _flags: u32, _to: u32
        ) => always[NO_SUCH_CALL];
        environ_get(_list: u32, _texts: u32) => always[SUCCESS];
        environ_sizes_get(count: u32, size: u32) => none[count, size];
        args_get(_list: u32, _texts: u32) => always[SUCCESS];
        args_sizes_get(count: u32, size: u32) => none[count, size];
        clock_time_get(clock: u32, _precision: u64, to: u32) => clock_time_get[clock, to];
        random_get(at: u32, size: u32) => random_get[at, size];
    );
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "proc_exit",
        |code: u32| -> wasmtime::Result<()> { wasmtime::bail!("the module exited with {code}") },
    )?;
    Ok(())
}

fn fd_write(guest: &mut Guest<'_>, file: u32, vectors: u32, count: u32, to: u32) -> Answer {
    let level = match file {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return Ok(BAD_FILE),
    };
    let size = count.checked_mul(8).filter(|size| *size <= LIMIT);
    let vectors = read(guest, Span(vectors, size.ok_or(Status::InvalidMemoryAccess)?))?;
    let mut written = Vec::new();
    for vector in vectors.as_chunks::<8>().0 {
        let (Some(at), Some(size)) = (vector.first_chunk(), vector.last_chunk()) else { continue };
        let span = Span(u32::from_le_bytes(*at), u32::from_le_bytes(*size));
        written.extend(read(guest, span)?);
    }
    write_number(guest, to, u32::try_from(written.len()).unwrap_or(u32::MAX))?;
    let text = String::from_utf8_lossy(&written);
    let message = text.strip_suffix('\n').unwrap_or(&text).to_owned();
    guest.data_mut().log.push(LogLine { level, message });
    Ok(SUCCESS)
}

/// Standard output and error can be written, and nothing else.
fn fd_fdstat_get(guest: &mut Guest<'_>, file: u32, to: u32) -> Answer {
    const WRITE: u64 = 64;
    if file != 1 && file != 2 {
        return Ok(BAD_FILE);
    }
    let fields = [0, WRITE, 0].map(u64::to_le_bytes);
    write(guest, to, fields.as_flattened())?;
    Ok(SUCCESS)
}

/// Both clocks stand where the test sets them.
fn clock_time_get(guest: &mut Guest<'_>, clock: u32, to: u32) -> Answer {
    if clock > 1 {
        return Ok(NOT_SUPPORTED);
    }
    let now = guest.data().nanoseconds();
    write(guest, to, &now.to_le_bytes())?;
    Ok(SUCCESS)
}

fn random_get(guest: &mut Guest<'_>, at: u32, size: u32) -> Answer {
    let size = Some(size).filter(|size| *size <= LIMIT).and_then(|size| usize::try_from(size).ok());
    let mut bytes = vec![0; size.ok_or(Status::InvalidMemoryAccess)?];
    getrandom::fill(&mut bytes).map_err(|_| Status::InternalFailure)?;
    write(guest, at, &bytes)?;
    Ok(SUCCESS)
}

fn none(guest: &mut Guest<'_>, count: u32, size: u32) -> Answer {
    write_number(guest, count, 0)?;
    write_number(guest, size, 0)?;
    Ok(SUCCESS)
}

fn always(_: &mut Guest<'_>, number: u32) -> Answer {
    Ok(number)
}

fn number(answer: Answer) -> wasmtime::Result<u32> {
    match answer {
        Ok(number) => Ok(number),
        Err(Fault::Status(_)) => Ok(BAD_ADDRESS),
        Err(Fault::Trap(error)) => Err(error),
    }
}
