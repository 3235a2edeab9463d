//! The engine, here or in wasm.

use cedarkey_engine_guest::Session;
use cedarkey_engine_guest::wire::{Answer, Load, Question};
use cedarkey_host_kit::engine_host::{EngineHost, EngineModule};

/// Where the engine runs.
#[derive(Debug)]
pub enum Host {
    /// In this process.
    Native,
    /// Under wasmtime.
    Wasm(EngineModule),
}

/// A bundle in force.
#[derive(Debug)]
pub enum Opened {
    /// In this process.
    Native(Box<Session>),
    /// Under wasmtime.
    Wasm(Box<EngineHost>),
}

// === impl Host ===

impl Host {
    /// Opens a bundle, each in an instance of its own.
    ///
    /// # Errors
    ///
    /// The engine refuses the bundle, or traps.
    pub fn open(&self, load: &Load) -> anyhow::Result<Opened> {
        Ok(match self {
            Self::Native => Opened::Native(Box::new(Session::load(load)?)),
            Self::Wasm(module) => Opened::Wasm(Box::new(module.start(load)?)),
        })
    }
}

// === impl Opened ===

impl Opened {
    /// What the policies say.
    ///
    /// # Errors
    ///
    /// The engine traps.
    pub fn decide(&mut self, question: &Question) -> anyhow::Result<Answer> {
        Ok(match self {
            Self::Native(session) => session.decide(question),
            Self::Wasm(host) => host.decide(question)?,
        })
    }
}
