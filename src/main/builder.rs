//! Builder of workers.

use super::endpoint::MainEndpoint;
use super::handle::Worker;
use super::turns::Shared;
use crate::calls::endpoint::Endpoint;
use crate::calls::error::SpawnError;
use crate::calls::host::Host;
use coincide_proto::{Config, Role, Session, Transport};
use coincide_transport_atomics::Rings;
use std::rc::{Rc, Weak};

/// Settings of a worker that is about to start; from [`Main::worker`](crate::Main::worker).
///
/// ```
/// use coincide::{Main, Rings};
///
/// let main = Main::new()?;
/// // Main sends large payloads, so the ring from main to the worker has 4 MiB instead of the default 1 MiB.
/// let worker = main.worker().name("decoder").rings(Rings::default().down_capacity(4 << 20)).spawn(|scope| {
///     scope.export_bytes("decode", |bytes| {
///         bytes.truncate(1);
///         Ok(())
///     });
///     Ok(())
/// })?;
/// assert_eq!(worker.name(), Some("decoder"));
/// let decoded = main.block_on(worker.proxy().call_bytes("decode", vec![7; 500_000]))?;
/// assert_eq!(decoded, [7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is started before `spawn`, `spawn_process` or `attach`"]
pub struct WorkerBuilder<'a> {
    pub(crate) main: &'a Rc<Shared>,
    pub(crate) name: Option<String>,
    pub(crate) config: Config,
    pub(crate) rings: Rings,
    #[cfg(target_family = "wasm")]
    pub(crate) tier: Option<crate::Tier>,
}

impl<'a> WorkerBuilder<'a> {
    pub(crate) fn new(main: &'a Rc<Shared>) -> Self {
        Self {
            main,
            name: None,
            config: Config::default(),
            rings: Rings::default(),
            #[cfg(target_family = "wasm")]
            tier: None,
        }
    }

    /// Sets the name of the worker, under which [`Main::workers`](crate::Main::workers) finds it. Default: none. The worker's handshake
    /// carries its first 1,024 bytes.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Replaces the settings of both ends. Default: [`Config::default`].
    ///
    /// Its field `name` is ignored: see [`name`](Self::name). A worker [process](Self::spawn_process) keeps the defaults at its end.
    ///
    /// ```
    /// use coincide::{ByteBuf, Config, Main};
    /// use std::time::Duration;
    ///
    /// let main = Main::new()?;
    /// // Both ends refuse larger bodies, and detect deadlocks sooner.
    /// let config = Config { max_message: 16 << 20, deadlock_timeout: Duration::from_millis(500), ..Config::default() };
    /// let worker = main.worker().config(config).spawn(|scope| {
    ///     scope.export("size", |bytes: ByteBuf| bytes.len());
    ///     Ok(())
    /// })?;
    /// let call = |len| worker.proxy().call::<usize>("size", (ByteBuf::from(vec![0; len]),));
    /// assert_eq!(main.block_on(call(1 << 20))?, 1 << 20);
    /// assert!(main.block_on(call(32 << 20)).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the capacities of the rings. Default: 1 MiB in each direction. Ignored where the link consists of messages.
    pub fn rings(mut self, rings: Rings) -> Self {
        self.rings = rings;
        self
    }

    /// Attaches a worker whose end of `transport` is driven elsewhere.
    ///
    /// When it is armed, the transport must ring the doorbell of this main endpoint. Otherwise the program must take turns of main
    /// often enough.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn attach(self, transport: Box<dyn Transport>) -> Result<Worker, SpawnError> {
        self.check_name()?;
        Ok(self.connect(transport))
    }

    /// Settings of the worker's end, with its name.
    pub(crate) fn worker_config(&self) -> Config {
        Config { name: self.name.clone().unwrap_or_default(), ..self.config.clone() }
    }

    pub(crate) fn check_name(&self) -> Result<(), SpawnError> {
        self.name.as_ref().map_or(Ok(()), |name| self.main.names.check(name))
    }

    pub(crate) fn connect(self, transport: Box<dyn Transport>) -> Worker {
        let main = self.main;
        let session = Session::new(Role::Main, self.config).with_budget(&main.budget);
        let owner: Weak<Shared> = Rc::downgrade(main);
        let endpoint = Rc::new(MainEndpoint::new(Host::new(session, transport), owner, self.name));
        let as_endpoint: Weak<dyn Endpoint> = Rc::downgrade(&endpoint) as _;
        endpoint.host.handles.belong_to(as_endpoint);
        main.add(Rc::clone(&endpoint));
        if let Some(name) = endpoint.name() {
            main.names.insert(name, &endpoint);
        }
        Worker::new(endpoint)
    }
}

impl std::fmt::Debug for WorkerBuilder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, config, rings, .. } = self;
        f.debug_struct("WorkerBuilder")
            .field("name", name)
            .field("config", config)
            .field("rings", rings)
            .finish_non_exhaustive()
    }
}
