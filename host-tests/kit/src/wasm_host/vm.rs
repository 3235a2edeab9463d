//! One VM with the module in it.

use super::{
    calls::{Answer, HttpCall},
    error::HostError,
    headers::Headers,
    hostcalls::Hostcalls,
    memory::Allocator,
    module::FilterModule,
    outcome::Outcome,
    properties::Properties,
    shared::Shared,
    state::{LogLine, ROOT, State, Stream},
};
use std::{
    path::Path,
    time::{Duration, SystemTime},
};
use wasmtime::{Instance, Store, WasmParams, WasmResults};

/// The answers of `proxy_on_request_headers`.
const CONTINUE: u32 = 0;

/// More instructions than any test takes.
const FUEL: u64 = u64::MAX / 2;

/// The versions of the ABI that this host speaks, as modules export them.
const ABI: [&str; 2] = ["proxy_abi_version_0_2_1", "proxy_abi_version_0_2_0"];

/// One VM with the module in it: a worker of a proxy.
///
/// A request is driven through the phase of its headers and then to its end; the filter does not
/// take part in others. After a trap the VM is dead, as it is in Envoy.
pub struct WasmHost {
    store: Store<State>,
    instance: Instance,
    dead: bool,
    last_context: u32,
}

// === impl WasmHost ===

impl WasmHost {
    /// Loads the module at `path` and starts it in the only VM of a proxy.
    ///
    /// # Errors
    ///
    /// The module cannot be loaded or does not start.
    pub fn new(path: impl AsRef<Path>) -> Result<Self, HostError> {
        Self::worker(&FilterModule::load(path)?, &Shared::new())
    }

    /// Starts a module in a VM of the proxy that `shared` stands for, up to its configuration.
    ///
    /// # Errors
    ///
    /// The module does not start, or lacks an export that it needs.
    pub fn worker(module: &FilterModule, shared: &Shared) -> Result<Self, HostError> {
        let state = State { shared: shared.clone(), ..State::default() };
        let mut store = Store::new(module.instance.module().engine(), state);
        // Where none is counted there is none to give.
        let _ = store.set_fuel(FUEL);
        let instance = module.instance.instantiate(&mut store).map_err(|error| {
            HostError::Trap { call: "start", cause: format!("{error:#}"), log: None }
        })?;
        let mut host = Self { store, instance, dead: false, last_context: ROOT };
        host.store.data_mut().memory = Some(host.allocator()?);
        if !ABI.iter().any(|name| host.exports(name)) {
            let cause = "no version of the interface that this host knows".into();
            return Err(HostError::Export { name: "proxy_abi_version_0_2_1", cause });
        }
        let start = if host.exports("_initialize") { "_initialize" } else { "_start" };
        host.enter::<_, ()>(ROOT, start, ())?;
        host.enter::<_, ()>(ROOT, "proxy_on_context_create", (ROOT, 0))?;
        match host.enter::<_, u32>(ROOT, "proxy_on_vm_start", (ROOT, 0))? {
            Some(0) => Err(HostError::Refused),
            _ => Ok(host),
        }
    }

    /// Configures the plugin; `false` is its refusal, with which a proxy does not start.
    ///
    /// # Errors
    ///
    /// The module traps.
    pub fn configure(&mut self, configuration: impl AsRef<[u8]>) -> Result<bool, HostError> {
        let configuration = configuration.as_ref();
        let state = self.begin();
        state.configuration = configuration.to_vec();
        let size = length(configuration.len());
        let accepted = self.enter::<_, u32>(ROOT, "proxy_on_configure", (ROOT, size))?;
        Ok(accepted != Some(0))
    }

    /// Sends a request without a body through the module.
    ///
    /// # Errors
    ///
    /// The module traps; a proxy that fails closed answers the request with an error then.
    pub fn request(
        &mut self,
        headers: &Headers,
        properties: &Properties,
    ) -> Result<Outcome, HostError> {
        self.last_context = self.last_context.saturating_add(1);
        let id = self.last_context;
        let state = self.begin();
        state.stream = Some(Stream {
            id,
            headers: headers.clone(),
            properties: properties.clone(),
            local: None,
        });
        let outcome = self.drive(id, length(headers.len()));
        self.store.data_mut().stream = None;
        outcome
    }

    fn drive(&mut self, id: u32, headers: u32) -> Result<Outcome, HostError> {
        self.enter::<_, ()>(id, "proxy_on_context_create", (id, ROOT))?;
        let arguments = (id, headers, 1);
        let action = self.enter::<_, u32>(id, "proxy_on_request_headers", arguments)?;
        let stream = self.store.data_mut().stream();
        let (local, headers) =
            stream.map(|stream| (stream.local.take(), stream.headers.clone())).unwrap_or_default();
        for end in ["proxy_on_log", "proxy_on_done", "proxy_on_delete"] {
            // Only `proxy_on_done` has a result: whether it is done, or says so later.
            if end == "proxy_on_done" {
                self.enter::<_, u32>(id, end, id)?;
            } else {
                self.enter::<_, ()>(id, end, id)?;
            }
        }
        Ok(match (local, action) {
            (Some(local), _) => local,
            (None, Some(CONTINUE) | None) => Outcome::Continue { headers },
            (None, Some(_)) => Outcome::Paused,
        })
    }

    /// Ticks once, whatever the period that the module asked for.
    ///
    /// # Errors
    ///
    /// The module traps.
    pub fn tick(&mut self) -> Result<(), HostError> {
        self.begin();
        self.enter::<_, ()>(ROOT, "proxy_on_tick", ROOT).map(drop)
    }

    /// How often the module wants to tick, if it does.
    #[must_use]
    pub fn tick_period(&self) -> Option<Duration> {
        self.store.data().tick_period
    }

    /// The HTTP calls that the module waits for, oldest first.
    #[must_use]
    pub fn calls(&self) -> &[HttpCall] {
        &self.store.data().calls
    }

    /// Answers an HTTP call. The headers need a `:status`.
    ///
    /// # Errors
    ///
    /// There is no such call, or the module traps.
    pub fn answer(
        &mut self,
        call: u32,
        headers: &Headers,
        body: impl AsRef<[u8]>,
    ) -> Result<(), HostError> {
        let body = body.as_ref().to_vec();
        self.finish(call, Some(Answer { headers: headers.clone(), body }))
    }

    /// Ends an HTTP call without an answer: no connection, or the time was over.
    ///
    /// # Errors
    ///
    /// There is no such call, or the module traps.
    pub fn fail_call(&mut self, call: u32) -> Result<(), HostError> {
        self.finish(call, None)
    }

    fn finish(&mut self, call: u32, answer: Option<Answer>) -> Result<(), HostError> {
        let state = self.begin();
        let waiting = state.calls.iter().position(|waiting| waiting.id == call);
        state.calls.remove(waiting.ok_or(HostError::NoCall(call))?);
        let sizes = answer
            .as_ref()
            .map_or((0, 0), |answer| (length(answer.headers.len()), length(answer.body.len())));
        state.answer = answer;
        let arguments = (ROOT, call, sizes.0, sizes.1, 0);
        let result = self.enter::<_, ()>(ROOT, "proxy_on_http_call_response", arguments);
        self.store.data_mut().answer = None;
        result.map(drop)
    }

    /// Whether new HTTP calls fail at once, as they do for a cluster that does not exist.
    pub fn refuse_calls(&mut self, refuse: bool) {
        self.store.data_mut().refuse_calls = refuse;
    }

    /// Tells the module of each queue that it registered and that is not empty.
    ///
    /// # Errors
    ///
    /// The module traps.
    pub fn queues_ready(&mut self) -> Result<(), HostError> {
        let state = self.begin();
        for queue in state.queues.clone() {
            let filled = |state: &State| {
                state.shared.inner().queue(queue).is_ok_and(|queue| !queue.is_empty())
            };
            if filled(self.store.data()) {
                self.enter::<_, ()>(ROOT, "proxy_on_queue_ready", (ROOT, queue))?;
            }
        }
        Ok(())
    }

    /// Stops the clock at an instant. Until then it is the system's.
    pub fn set_now(&mut self, now: SystemTime) {
        self.store.data_mut().now = Some(now);
    }

    /// Sets the properties that all contexts have, such as `plugin_name`.
    pub fn set_properties(&mut self, properties: Properties) {
        self.store.data_mut().properties = properties;
    }

    /// What this VM shares with the others of its proxy: data, queues, metrics.
    #[must_use]
    pub fn shared(&self) -> &Shared {
        &self.store.data().shared
    }

    /// The value of a counter or a gauge of the proxy.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<u64> {
        self.shared().metric(name)
    }

    /// All that the module has logged.
    #[must_use]
    pub fn log(&self) -> &[LogLine] {
        &self.store.data().log
    }

    /// The calls that the module made during the last request, tick, configuration or answer.
    #[must_use]
    pub fn hostcalls(&self) -> &Hostcalls {
        &self.store.data().hostcalls
    }

    /// The WebAssembly instructions that the module took for the last request, tick, configuration
    /// or answer, if they are counted: see [`FilterModule::load_counted`].
    #[must_use]
    pub fn instructions(&self) -> Option<u64> {
        Some(FUEL.saturating_sub(self.store.get_fuel().ok()?))
    }

    /// Begins to count calls and instructions anew.
    fn begin(&mut self) -> &mut State {
        let _ = self.store.set_fuel(FUEL);
        let state = self.store.data_mut();
        state.hostcalls = Hostcalls::default();
        state
    }

    fn exports(&mut self, name: &str) -> bool {
        self.instance.get_func(&mut self.store, name).is_some()
    }

    fn allocator(&mut self) -> Result<Allocator, HostError> {
        let memory = self.instance.get_memory(&mut self.store, "memory").ok_or_else(|| {
            HostError::Export { name: "memory", cause: "there is no memory of that name".into() }
        })?;
        let name = ["proxy_on_memory_allocate", "malloc"]
            .into_iter()
            .find(|name| self.exports(name))
            .unwrap_or("proxy_on_memory_allocate");
        let allocate = self
            .instance
            .get_typed_func(&mut self.store, name)
            .map_err(|error| HostError::Export { name, cause: format!("{error:#}") })?;
        Ok(Allocator { memory, allocate })
    }

    /// Calls an export about a context; nothing happens if there is none of that name.
    fn enter<P: WasmParams, R: WasmResults>(
        &mut self,
        context: u32,
        call: &'static str,
        arguments: P,
    ) -> Result<Option<R>, HostError> {
        if self.dead {
            return Err(HostError::Dead);
        }
        if !self.exports(call) {
            return Ok(None);
        }
        let function = self
            .instance
            .get_typed_func::<P, R>(&mut self.store, call)
            .map_err(|error| HostError::Export { name: call, cause: format!("{error:#}") })?;
        self.store.data_mut().context = context;
        function.call(&mut self.store, arguments).map(Some).map_err(|error| {
            self.dead = true;
            let log = self.log().last().map(|line| line.message.clone());
            HostError::Trap { call, cause: format!("{error:#}"), log }
        })
    }
}

impl std::fmt::Debug for WasmHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasmHost").field("dead", &self.dead).finish_non_exhaustive()
    }
}

/// A length as the ABI writes it.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
