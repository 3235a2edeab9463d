//! The engine as a module under wasmtime: the session of `cedarkey-engine-guest`, asked from
//! outside.
//!
//! ```no_run
//! use cedarkey_engine_guest::wire::{Load, Question};
//! use cedarkey_host_kit::{engine_host::EngineModule, tools};
//!
//! # fn ask(load: Load, question: Question) -> Result<(), Box<dyn std::error::Error>> {
//! let module = EngineModule::load(tools::engine_guest()?)?;
//! let mut host = module.start(&load)?;
//! let answer = host.decide(&question)?;
//! println!("{answer:?}, and so {} times of 1000", host.repeat(1000)?);
//! # Ok(())
//! # }
//! ```

use cedarkey_engine_guest::wire::{Answer, Load, Question};
use serde::{Serialize, de::DeserializeOwned};
use std::{io, path::Path, path::PathBuf};
use thiserror::Error;
use wasmtime::{Engine, InstancePre, Linker, Memory, Module, Store, TypedFunc};

/// A compiled module; any number of instances can be made of it.
#[derive(Clone)]
pub struct EngineModule {
    instance: InstancePre<()>,
}

/// An instance with one bundle in it.
///
/// After a trap it is not to be used any more.
pub struct EngineHost {
    store: Store<()>,
    memory: Memory,
    room: TypedFunc<u32, u32>,
    decide: TypedFunc<(), u64>,
    repeat: TypedFunc<u32, u32>,
}

/// Why the module cannot answer.
#[derive(Debug, Error)]
pub enum EngineError {
    /// It says itself what is wrong.
    #[error("{0}")]
    Guest(String),
    /// What it wrote is not what was asked for.
    #[error("the module's answer is malformed")]
    Malformed,
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It is no such module, or it trapped.
    #[error("the module fails: {0}")]
    Wasm(String),
}

// === impl EngineModule ===

impl EngineModule {
    /// Reads and compiles the module.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no module without imports.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, EngineError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path)
            .map_err(|source| EngineError::Read { path: path.into(), source })?;
        let engine = Engine::default();
        let module = Module::new(&engine, bytes)?;
        Ok(Self { instance: Linker::new(&engine).instantiate_pre(&module)? })
    }

    /// A new instance, with a bundle in it.
    ///
    /// # Errors
    ///
    /// The module lacks an export, traps, or refuses the bundle.
    pub fn start(&self, load: &Load) -> Result<EngineHost, EngineError> {
        let mut store = Store::new(self.instance.module().engine(), ());
        let instance = self.instance.instantiate(&mut store)?;
        let memory = instance.get_memory(&mut store, "memory").ok_or(EngineError::Malformed)?;
        let room = instance.get_typed_func(&mut store, "room")?;
        let decide = instance.get_typed_func(&mut store, "decide")?;
        let repeat = instance.get_typed_func(&mut store, "repeat")?;
        let open = instance.get_typed_func(&mut store, "load")?;
        let mut host = EngineHost { store, memory, room, decide, repeat };
        host.call::<_, ()>(&open, load)?;
        Ok(host)
    }
}

// === impl EngineHost ===

impl EngineHost {
    /// What the policies say.
    ///
    /// # Errors
    ///
    /// The module traps.
    pub fn decide(&mut self, question: &Question) -> Result<Answer, EngineError> {
        let decide = self.decide.clone();
        self.call(&decide, question)
    }

    /// Decides the last question again, so many times; tells how often it was allowed.
    ///
    /// # Errors
    ///
    /// The module traps.
    pub fn repeat(&mut self, times: u32) -> Result<u32, EngineError> {
        Ok(self.repeat.call(&mut self.store, times)?)
    }

    fn call<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        function: &TypedFunc<(), u64>,
        input: &Q,
    ) -> Result<A, EngineError> {
        let input = postcard::to_allocvec(input).map_err(|_| EngineError::Malformed)?;
        let length = u32::try_from(input.len()).map_err(|_| EngineError::Malformed)?;
        let address = self.room.call(&mut self.store, length)?;
        self.memory
            .write(&mut self.store, address as usize, &input)
            .map_err(|_| EngineError::Malformed)?;
        let place = function.call(&mut self.store, ())?;
        let (start, length) = (place >> 32, place & u64::from(u32::MAX));
        let end = start.saturating_add(length);
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let bytes = range.and_then(|(start, end)| self.memory.data(&self.store).get(start..end));
        let answer: Result<A, String> = bytes
            .and_then(|bytes| postcard::from_bytes(bytes).ok())
            .ok_or(EngineError::Malformed)?;
        answer.map_err(EngineError::Guest)
    }
}

// === impl EngineError ===

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Wasm(format!("{error:#}"))
    }
}

impl std::fmt::Debug for EngineModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineModule").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for EngineHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineHost").finish_non_exhaustive()
    }
}
