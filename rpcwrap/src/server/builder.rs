//! What a server is made of, checked as a whole before it starts.

use super::{Server, listeners::Listeners};
#[cfg(feature = "tls")]
use crate::io::tls::{PortTls, ServerTls, TlsConfig};
#[cfg(feature = "baidu_std")]
use crate::protocol::baidu_std::BaiduStd;
#[cfg(feature = "http2")]
use crate::protocol::http::Http2;
use crate::{
    auth::Credentials,
    call::{describe, dispatch::Dispatch, registry::Registry},
    error::ConfigError,
    io::ProxyProtocol,
    live::{
        CountSource, Live,
        config::Config,
        observer::{CallInfo, Observers},
        policy::{PolicyCell, SetLogFilter, Subjects},
        stop::Restart,
    },
    method::{
        Method,
        handler::Handler,
        layer::{BufferedCallLayer, CallLayer, LayerList},
        service::Service,
    },
    pages::snapshot::Snapshot,
    protocol::{
        Port, Protocol, Table,
        agent_check::AgentCheck,
        go_rpc::{GoRpc, Raw},
        http::{Http, Mount},
    },
};
#[cfg(feature = "resp")]
use crate::{method::command::Command, protocol::redis::Redis};
use codecs::{AnyCodec, Codec};
use futures_util::future::BoxFuture;
use std::{collections::HashSet, fmt, io, sync::Arc};

/// Describes a server: services, codecs, limits, users, pages.
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpcwrap::Server;
/// Server::builder()
///     .method("Echo.Say", |text: String| async move { Ok(text) })
///     .serve("127.0.0.1:9001")
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Default)]
pub struct Builder {
    services: Vec<Service>,
    loose: Vec<(String, Method)>,
    codecs: Vec<AnyCodec>,
    #[cfg(feature = "resp")]
    commands: Vec<Command>,
    protocols: Vec<Arc<dyn Protocol>>,
    config: Config,
    credentials: Option<Credentials>,
    login_required: bool,
    mount: Option<Mount>,
    layers: LayerList,
    observers: Observers,
    no_introspection: bool,
    #[cfg(feature = "gob")]
    no_gob: bool,
    set_log_filter: Option<SetLogFilter>,
    dropped_log_lines: Option<CountSource>,
    restart: Option<Restart>,
    proxy: Option<ProxyProtocol>,
    #[cfg(feature = "tls")]
    tls: Option<TlsConfig>,
}

impl Builder {
    /// Adds a service.
    #[must_use]
    pub fn service(mut self, service: impl Into<Service>) -> Self {
        self.services.push(service.into());
        self
    }

    /// Adds one method by its full name, `"Echo.Say"`; the service comes into being with its first method.
    #[must_use]
    pub fn method<M: 'static, H: Handler<M>>(mut self, full_name: &str, handler: H) -> Self {
        let (service, method) = full_name.rsplit_once('.').unwrap_or((full_name, ""));
        self.loose.push((service.to_owned(), Method::new(method, handler)));
        self
    }

    /// Adds a codec of the program's own, reached by `CONNECT /_<name>_rpc_`, beside the built-in ones.
    #[must_use]
    pub fn codec(mut self, codec: impl Codec) -> Self {
        self.codecs.push(AnyCodec::Custom(Arc::new(codec)));
        self
    }

    /// Adds a command of the program's own for Redis's clients, beside the methods, which they call by name.
    #[cfg(feature = "resp")]
    #[must_use]
    pub fn command(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }

    /// Adds a protocol of the program's own to the port, beside HTTP, Go-RPC with and without CONNECT, baidu_std,
    /// Redis's and HAProxy's agent check.
    #[must_use]
    pub fn protocol(mut self, protocol: impl Protocol) -> Self {
        self.protocols.push(Arc::new(protocol));
        self
    }

    /// Sets limits and times.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Opens the `/auth` paths, and HTTP basic authentication, to these users.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Refuses the calls of every peer that has not proven who it is, whatever its protocol: by a login, HTTP basic
    /// authentication or a TLS client certificate. Pages need a login then, unless [`Config::pages`] says otherwise;
    /// probes and `/metrics` stay open to all.
    #[must_use]
    pub fn require_login(mut self) -> Self {
        self.login_required = true;
        self
    }

    /// Serves TLS on every listener, beside plain connections or in their place, see [`TlsConfig::policy`].
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Takes the PROXY headers of these proxies, on every listener.
    #[must_use]
    pub fn proxy_protocol(mut self, proxies: ProxyProtocol) -> Self {
        self.proxy = Some(proxies);
        self
    }

    /// Serves every HTTP path that is not the server's own with a tower service, such as an `axum::Router`, which is given
    /// a `Request<`[`RequestBody`](crate::RequestBody)`>`.
    #[must_use]
    pub fn mount(mut self, mount: impl Into<Mount>) -> Self {
        self.mount = Some(mount.into());
        self
    }

    /// Puts a tower layer around every call, whatever its protocol; the first one added is the outermost. One instance
    /// serves the whole server, those of [`Service::layer`] within it.
    ///
    /// A layer sees a call once its service and method are found and allowed, its limits are kept and its arguments are
    /// decoded; the method's function is not called before the innermost layer has let the call through. When the
    /// method has ended, and its last reply is ready, the layers see how it went ([`CallOutcome`](crate::CallOutcome)),
    /// from the innermost out. A stream is one call from its start to its end. Calls of `_rpcwrap_` pass the server's
    /// layers too.
    ///
    /// A layer that answers with an error ends the call: nothing of it is sent but that error (a stream's items have
    /// been sent already). tower's `Elapsed` becomes [`CallError::Deadline`](crate::CallError::Deadline), its
    /// `Overloaded` [`CallError::Overloaded`](crate::CallError::Overloaded), a [`CallError`](crate::CallError) or
    /// [`Error`](crate::Error) itself, everything else [`CallError::Failed`](crate::CallError::Failed) with its text.
    /// The connection stays. A call that is cancelled, or over its own deadline, drops the futures of its layers.
    ///
    /// The layer's service is cloned for every call, see [`layer_buffered`](Self::layer_buffered) for one that cannot
    /// be. Layers that ask each other whether they are ready, as load-shed asks a concurrency limit, have to be added
    /// to one of server or service, in that order.
    ///
    /// ```
    /// use rpcwrap::Server;
    /// use tower::{limit::ConcurrencyLimitLayer, load_shed::LoadShedLayer};
    /// let server = Server::builder()
    ///     .method("Echo.Say", |text: String| async move { Ok(text) })
    ///     // At most 100 calls at a time; the next one is `rpc: server overloaded`.
    ///     .layer(LoadShedLayer::new())
    ///     .layer(ConcurrencyLimitLayer::new(100))
    ///     .build()?;
    /// # Ok::<(), rpcwrap::ConfigError>(())
    /// ```
    #[must_use]
    pub fn layer(mut self, layer: impl CallLayer) -> Self {
        self.layers.push(layer);
        self
    }

    /// As [`layer`](Self::layer), for a layer whose service cannot be cloned, such as tower's rate limit: one task
    /// hands it the calls, of which at most `bound` (at least 1) wait in its queue. Further ones wait for a place, or
    /// are shed by a load-shed layer before it.
    ///
    /// The service and its task are made by the first call, in its runtime, and end with the server. If the service
    /// panics as it is called, or says that it will never be ready, every later call fails.
    ///
    /// ```
    /// use rpcwrap::Server;
    /// use std::time::Duration;
    /// use tower::limit::RateLimitLayer;
    /// let server = Server::builder()
    ///     .method("Echo.Say", |text: String| async move { Ok(text) })
    ///     .layer_buffered(64, RateLimitLayer::new(1000, Duration::from_secs(1)))
    ///     .build()?;
    /// # Ok::<(), rpcwrap::ConfigError>(())
    /// ```
    #[must_use]
    pub fn layer_buffered(mut self, bound: usize, layer: impl BufferedCallLayer) -> Self {
        self.layers.push_buffered(bound, layer);
        self
    }

    /// Calls `observer` once for every call of a method that has ended, whatever its protocol and its end: refused by a
    /// limit, failed, answered, cancelled. Calls for which no method was found, or that the caller may not make, are no
    /// calls of a method.
    ///
    /// It runs in the connection's task, so it has to be quick and may not block; a panic in it is caught and counted.
    /// May be called again for more of them. To refuse calls, or to wait, use [`layer`](Self::layer).
    ///
    /// ```
    /// use rpcwrap::Server;
    /// let server = Server::builder()
    ///     .method("Echo.Say", |text: String| async move { Ok(text) })
    ///     .on_call(|call| {
    ///         let (method, code) = (call.service_method(), call.code().unwrap_or("ok"));
    ///         println!("{} {method} {code} {:?}", call.peer().addr(), call.duration());
    ///     })
    ///     .build()?;
    /// # Ok::<(), rpcwrap::ConfigError>(())
    /// ```
    #[must_use]
    pub fn on_call(mut self, observer: impl Fn(&CallInfo<'_>) + Send + Sync + 'static) -> Self {
        self.observers.push(observer);
        self
    }

    /// Lets the filter of the program's log be changed while it runs, see
    /// [`PolicyChange::log`](crate::PolicyChange::log): `set` puts one in force, or says why it cannot.
    #[must_use]
    pub fn on_log_filter(mut self, set: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.set_log_filter = Some(Box::new(set));
        self
    }

    /// Has pages and metrics show how many lines of the program's log were lost: `count` says it whenever it is asked.
    ///
    /// For a program whose log drops lines rather than wait for its reader, as it should: a line of log that waits
    /// holds up every connection of its thread.
    #[must_use]
    pub fn dropped_log_lines(mut self, count: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.dropped_log_lines = Some(Box::new(count));
        self
    }

    /// Lets an admin have the program started anew: `restart` begins it and says what happened, such as the new
    /// process' number, or why it cannot. It is not called again before it has ended, and goes on if the admin's
    /// connection ends.
    #[must_use]
    pub fn on_restart(
        mut self,
        restart: impl Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync + 'static,
    ) -> Self {
        self.restart = Some(Restart::new(Box::new(restart)));
        self
    }

    /// Leaves out `_rpcwrap_`, the service by which `rpcwrap list` and `describe` ask what is here.
    ///
    /// With it, `_rpcwrap_.Describe` tells every caller the names, types and descriptions of the services that caller
    /// may reach; nothing else depends on it.
    #[must_use]
    pub fn without_introspection(mut self) -> Self {
        self.no_introspection = true;
        self
    }

    /// Leaves out gob, with and without CONNECT: for methods whose replies it cannot carry, such as structs with
    /// `#[serde(flatten)]`.
    #[cfg(feature = "gob")]
    #[must_use]
    pub fn without_gob(mut self) -> Self {
        self.no_gob = true;
        self
    }

    /// Checks everything and makes the server. Nothing listens yet.
    ///
    /// # Errors
    /// The first thing that could not work: a duplicate or bad name, a limit out of range, a rule about nothing.
    pub fn build(mut self) -> Result<Server, ConfigError> {
        Snapshot::start_clock();
        self.config.check()?;
        self.gather_loose_methods();
        let mut codecs = Vec::from([
            AnyCodec::Json,
            #[cfg(feature = "bson")]
            AnyCodec::Bson(self.config.bson_dialect),
            #[cfg(feature = "gob")]
            AnyCodec::Gob,
            #[cfg(feature = "msgpack")]
            AnyCodec::MsgpackTimes(self.config.msgpack_times),
        ]);
        #[cfg_attr(not(feature = "gob"), allow(unused_mut, reason = "nothing is left out"))]
        let mut raw = Raw::all(&self.config);
        #[cfg(feature = "gob")]
        if self.no_gob {
            codecs.retain(|codec| !matches!(codec, AnyCodec::Gob));
            raw.retain(|raw| !raw.is_gob());
        } else {
            check_forms_in_gob(&self.services)?;
        }
        codecs.append(&mut self.codecs);
        check_codecs(&codecs)?;
        let codecs: Arc<[AnyCodec]> = codecs.into();

        let http = Arc::new(Http::new(self.mount));
        let mut protocols = Vec::from([
            Arc::new(GoRpc { codecs: codecs.clone() }) as Arc<dyn Protocol>,
            // Before HTTP, which takes every long first line.
            #[cfg(feature = "resp")]
            Arc::new(Redis::new(&self.commands, method_names(&self.services))?),
            #[cfg(feature = "http2")]
            Arc::new(Http2(http.clone())),
            http,
            Arc::new(AgentCheck),
            #[cfg(feature = "baidu_std")]
            Arc::new(BaiduStd),
        ]);
        protocols.extend(raw.into_iter().map(|raw| Arc::new(raw) as Arc<dyn Protocol>));
        protocols.extend(self.protocols);
        let table = Arc::new(Table::new(protocols)?);
        #[cfg(feature = "tls")]
        let tls = self.tls.map(ServerTls::new).transpose()?.map(Arc::new);
        #[cfg(feature = "tls")]
        let by_certificate = tls.as_ref().is_some_and(|tls| tls.config.makes_users());
        #[cfg(not(feature = "tls"))]
        let by_certificate = false;
        let names = self.services.iter().enumerate().map(|(number, service)| (service.name.clone(), number));
        let subjects = Subjects {
            services: names.collect(),
            protocols: table.families(),
            codecs: codecs.iter().map(|codec| codec.name().to_owned()).collect(),
            certificate_users: by_certificate,
            set_log_filter: self.set_log_filter,
        };
        let rules = self
            .services
            .iter_mut()
            .filter_map(|service| service.access.take().map(|access| (service.name.clone(), access)));
        let rules = rules.collect();
        let policy = PolicyCell::new(subjects, self.config, self.credentials, self.login_required, rules);
        let mut registry = Registry::new(self.services, self.layers.stack())?;
        #[cfg(feature = "resp")]
        self.commands.into_iter().for_each(|command| registry.add_command(command));
        let mut live = Live::new(policy?, self.observers, self.restart);
        live.dropped_log_lines = self.dropped_log_lines;
        let live = Arc::new(live);
        if !self.no_introspection {
            let describe = describe::service(&registry, live.clone());
            registry.reserve(describe);
        }
        let dispatch = Arc::new(Dispatch { registry, live });
        let mut port = Port::all(dispatch.clone(), codecs, table);
        port.proxy = self.proxy;
        #[cfg(feature = "tls")]
        if let Some(tls) = &tls {
            port.tls = Some(PortTls::new(tls.clone(), tls.config.policy, port.alpn()));
        }
        Ok(Server {
            dispatch,
            port: Arc::new(port),
            listeners: Listeners::default(),
            #[cfg(feature = "tls")]
            tls,
        })
    }

    /// Builds the server, listens on `addr` and runs until SIGTERM or SIGINT, see [`Server::run`].
    ///
    /// # Errors
    /// What is wrong with the description, the address, or nothing but that calls had to be cut at the end.
    pub async fn serve(self, addr: &str) -> io::Result<()> {
        let server = self.build().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let running = server.run();
        let bound = server.listen(addr).await?;
        tracing::info!(%bound, "listening");
        match running.await?.cut {
            0 => Ok(()),
            cut => Err(io::Error::other(format!("{cut} calls were still unanswered when the time was over"))),
        }
    }

    /// Methods added by full name join the service of that name, or make one.
    fn gather_loose_methods(&mut self) {
        for (name, method) in std::mem::take(&mut self.loose) {
            match self.services.iter_mut().find(|service| service.name == name) {
                Some(service) => service.methods.push(method),
                None => self.services.push(Service::new(name).with(method)),
            }
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("services", &self.services)
            .field("config", &self.config)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// The full names of all methods.
#[cfg(feature = "resp")]
fn method_names(services: &[Service]) -> impl Iterator<Item = String> {
    let names = |service: &Service| {
        let of = |method: &Method| format!("{}.{}", service.name, method.name);
        service.methods.iter().map(of).collect::<Vec<_>>()
    };
    services.iter().flat_map(names)
}

/// Refuses replies that only some codecs could carry, and gob would lose.
#[cfg(feature = "gob")]
fn check_forms_in_gob(services: &[Service]) -> Result<(), ConfigError> {
    for service in services {
        for method in &service.methods {
            let reply = method.types.reply.as_ref();
            if reply.is_some_and(|reply| reply.schema().has_flattened()) {
                return Err(ConfigError::FlattenedInGob(format!("{}.{}", service.name, method.name)));
            }
        }
    }
    Ok(())
}

fn check_codecs(codecs: &[AnyCodec]) -> Result<(), ConfigError> {
    let mut names = HashSet::new();
    for codec in codecs {
        let name = codec.name();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            let why = "must be lower-case letters and digits";
            return Err(ConfigError::BadName { what: "codec", name: name.to_owned(), why });
        }
        if !names.insert(name) {
            return Err(ConfigError::DuplicateCodec(name.to_owned()));
        }
    }
    Ok(())
}
