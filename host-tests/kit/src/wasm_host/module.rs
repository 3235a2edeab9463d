//! A compiled module.

use super::{error::HostError, imports, state::State};
use std::path::Path;
use wasmtime::{Config, Engine, InstancePre, Linker, Module};

/// A compiled module with its imports resolved; any number of VMs can be made of it.
#[derive(Clone)]
pub struct FilterModule {
    pub(super) instance: InstancePre<State>,
}

// === impl FilterModule ===

impl FilterModule {
    /// Reads and compiles a module, which takes a second or two for the filter.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no module, or needs an import that proxies do not offer.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, HostError> {
        Self::read(path.as_ref(), &Config::new())
    }

    /// The same, of a module whose instructions are counted: see [`WasmHost::instructions`].
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    ///
    /// [`WasmHost::instructions`]: super::WasmHost::instructions
    pub fn load_counted(path: impl AsRef<Path>) -> Result<Self, HostError> {
        Self::read(path.as_ref(), Config::new().consume_fuel(true))
    }

    fn read(path: &Path, config: &Config) -> Result<Self, HostError> {
        let bytes =
            std::fs::read(path).map_err(|source| HostError::Read { path: path.into(), source })?;
        Self::compile_with(config, &path.display().to_string(), &bytes)
    }

    /// Compiles a module; `name` stands for it in errors.
    ///
    /// # Errors
    ///
    /// It is no module, or needs an import that proxies do not offer.
    pub fn compile(name: &str, bytes: &[u8]) -> Result<Self, HostError> {
        Self::compile_with(&Config::new(), name, bytes)
    }

    fn compile_with(config: &Config, name: &str, bytes: &[u8]) -> Result<Self, HostError> {
        let link = |error: wasmtime::Error| HostError::Link(format!("{error:#}"));
        let engine = Engine::new(config).map_err(link)?;
        let module = Module::new(&engine, bytes).map_err(|error| HostError::Compile {
            name: name.into(),
            cause: format!("{error:#}"),
        })?;
        let mut linker = Linker::new(&engine);
        imports::link(&mut linker).map_err(link)?;
        let instance = linker.instantiate_pre(&module).map_err(link)?;
        Ok(Self { instance })
    }
}

impl std::fmt::Debug for FilterModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FilterModule").finish_non_exhaustive()
    }
}
