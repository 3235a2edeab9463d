//! Numbers of the Proxy-Wasm ABI.

/// The result of a call to the host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum Status {
    /// An argument is not what it should be, or the thing it means is not available now.
    BadArgument = 2,
    /// The value was changed by another since it was read.
    CasMismatch = 8,
    /// There is nothing to take.
    Empty = 7,
    /// The host failed.
    InternalFailure = 10,
    /// An address is outside the module's memory.
    InvalidMemoryAccess = 6,
    /// There is no such thing.
    NotFound = 1,
    /// It worked.
    Ok = 0,
    /// Serialised pairs are not well-formed.
    ParseFailure = 4,
    /// This host does not do that.
    Unimplemented = 12,
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u32)]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
    /// The module is broken.
    Critical,
}

/// Which headers a call means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Map {
    /// The headers of the request in hand.
    Request,
    /// The headers of the answer to an HTTP call.
    CallResponse,
    /// One that this host never has: trailers, responses, gRPC.
    Absent,
}

/// Which bytes a call means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Buffer {
    /// The body of the answer to an HTTP call.
    CallResponse,
    /// The configuration of the VM.
    VmConfiguration,
    /// The configuration of the plugin.
    PluginConfiguration,
    /// One that this host never has: bodies, connections, gRPC.
    Absent,
}

// === impl LogLevel ===

impl LogLevel {
    pub(super) fn from_abi(number: u32) -> Result<Self, Status> {
        Ok(match number {
            0 => Self::Trace,
            1 => Self::Debug,
            2 => Self::Info,
            3 => Self::Warn,
            4 => Self::Error,
            5 => Self::Critical,
            _ => return Err(Status::BadArgument),
        })
    }
}

// === impl Map ===

impl Map {
    pub(super) fn from_abi(number: u32) -> Result<Self, Status> {
        match number {
            0 => Ok(Self::Request),
            6 => Ok(Self::CallResponse),
            1..=8 => Ok(Self::Absent),
            _ => Err(Status::BadArgument),
        }
    }
}

// === impl Buffer ===

impl Buffer {
    pub(super) fn from_abi(number: u32) -> Result<Self, Status> {
        match number {
            4 => Ok(Self::CallResponse),
            6 => Ok(Self::VmConfiguration),
            7 => Ok(Self::PluginConfiguration),
            0..=8 => Ok(Self::Absent),
            _ => Err(Status::BadArgument),
        }
    }
}
