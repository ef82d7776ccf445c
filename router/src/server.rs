//! Assembles hive-router from its parts, as its own `router_entrypoint` does, except for what concerns the whole
//! process: logging, signals, and the path of the configuration.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::{Arc, Once},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hive_router::{
    RouterPaths, RouterSharedState, SchemaState,
    background_tasks::BackgroundTasksManager,
    build_http_service_config,
    config::HiveRouterConfig,
    configure_app_from_config, configure_ntex_app,
    error::RouterInitError,
    init_rustls_crypto_provider, invoke_shutdown_hooks,
    ntex::{
        SharedCfg,
        http::HttpService,
        rt::{self, DefaultRuntime, System},
        server::{Server, ServerBuilder, bind_addr},
        service::apply,
        web::{self, App, HttpRequest, HttpResponse},
    },
    opentelemetry::global,
    pipeline::{
        long_lived_client_limit::LongLivedClientLimitService, request_identifiers::RequestIdentifiersService,
        request_summary::RequestSummaryService, response_compression::ResponseCompressionService,
    },
    plugins::plugins_service::PluginService,
    telemetry::{TelemetryContext, traces::set_tracing_enabled},
};
use service::{ClientTimeouts, Shutdown, http_server, serve};
use telemetry::{metrics, spans};
use tempfile::NamedTempFile;
use tokio::time::{sleep, timeout};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tracing::{info, warn};

use crate::{
    Contract, STACK_BYTES, Settings,
    allowed_hosts::AllowedHosts,
    config,
    connection_limits::ConnectionLimits,
    connections::Connections,
    cost,
    hive_gaps::{idle_caches, unread_body::UnreadBody},
    loopback::Loopback,
    persisted_queries, plugins,
    plugins::dependencies::{Dependencies, RegisteredDependencies},
    plugins::in_process::executors,
    response_headers::ResponseHeaders,
    subscription_proxy::SubscriptionProxy,
    websocket::{self, WebSocketServer},
};

const SUPERGRAPH: &str = include_str!("../../supergraph.graphql");
const BACKLOG: i32 = 2048;
const JWKS_RETRY_DELAY: Duration = Duration::from_secs(1);
const JWKS_TIMEOUT: Duration = Duration::from_secs(5);
const SUPERGRAPH_POLL_INTERVAL: Duration = Duration::from_millis(5);
const SUPERGRAPH_TIMEOUT: Duration = Duration::from_secs(20);
/// The time for the last responses to reach the network.
const FLUSH_DELAY: Duration = Duration::from_millis(100);

/// A router that is bound to its port and does not serve yet.
pub struct Router {
    listeners: Vec<TcpListener>,
    /// For the router's own requests on behalf of clients, so that no client uses up its connections.
    loopback_listener: TcpListener,
    connections: Connections,
    config: &'static HiveRouterConfig,
    subscription_proxy: SubscriptionProxy,
    websockets: WebSocketServer,
    allowed_hosts: AllowedHosts,
    stopping: Stopping,
    timeouts: ClientTimeouts,
    startup_resources: (Option<NamedTempFile>, RegisteredDependencies),
}

/// The router's shutdown, and what it waits for.
#[derive(Clone, Default)]
struct Stopping {
    shutdown: Shutdown,
    /// The requests in flight.
    in_flight: TaskTracker,
}

impl Router {
    /// Reads the configuration and binds the port.
    ///
    /// # Errors
    /// When the settings are invalid or the port is in use.
    pub fn bind(settings: &Settings) -> Result<Self> {
        let (path, temporary) = supergraph(settings)?;
        let secrets = settings.require_secrets()?;
        let subscription_proxy = SubscriptionProxy::bind(settings, secrets.clone())?;
        let (connection_limits, stopping) = (ConnectionLimits::new(settings.live), Stopping::default());
        let is_direct = settings.client_address.header().is_none();
        let connections = Connections::new(is_direct.then_some(settings.live.connections_per_client));
        let loopback_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .context("cannot bind a loopback port for WebSockets and batches")?;
        let loopback = Loopback::new(loopback_listener.local_addr()?, subscription_proxy.key().to_owned())?;
        let dependencies = RegisteredDependencies::new(Dependencies {
            settings: settings.clone(),
            executors: executors(&settings.in_process),
            secrets,
            streams: subscription_proxy.streams(),
            connection_limits: connection_limits.clone(),
            connections: connections.clone(),
            in_flight: stopping.in_flight.clone(),
            shutdown: stopping.shutdown.clone(),
            valkey: cost::valkey_client(&settings.cost)?,
            documents_valkey: persisted_queries::valkey_client(&settings.document)?,
            proxy_key: subscription_proxy.key().to_owned(),
            loopback: Some(loopback.clone()),
        });
        let config = config::resolve(settings, &path, dependencies.key(), &subscription_proxy)?;
        let listeners = listen(&config.http.host, config.http.port)?;
        for listener in &listeners {
            http_server::set_write_timeout(listener, settings.client_timeouts.write())?;
        }
        // hive-router keeps references to its configuration for the lifetime of the process.
        let config = config.into_static();
        let startup_resources = (temporary, dependencies);
        let Stopping { shutdown, in_flight } = stopping.clone();
        let websockets = WebSocketServer::new(
            loopback,
            config.graphql_path(),
            connection_limits,
            settings.live_timeouts,
            in_flight,
            shutdown.stop,
        );
        let allowed_hosts = AllowedHosts::new(&settings.allowed_hosts.allowed_hosts);
        let timeouts = settings.client_timeouts;
        Ok(Self {
            listeners,
            loopback_listener,
            connections,
            config,
            subscription_proxy,
            websockets,
            allowed_hosts,
            stopping,
            timeouts,
            startup_resources,
        })
    }

    /// The maximum number of live connections.
    #[must_use]
    pub fn max_live_connections(&self) -> usize {
        self.config.traffic_shaping.router.max_long_lived_clients
    }

    /// The address on which clients connect.
    ///
    /// # Panics
    /// Never: `bind` has a listener or fails.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        address(&self.listeners)
    }

    /// Serves until shutdown, and until the requests in flight have been answered. While it waits for identity's keys,
    /// it is live but not ready.
    ///
    /// # Errors
    /// When the supergraph is not valid or the server fails.
    pub fn run(self, shutdown: Shutdown) -> Result<()> {
        use_one_tls_library();
        System::build().name("router").stack_size(STACK_BYTES).build(DefaultRuntime).block_on(async {
            let forwarding = rt::spawn(forward_shutdown(shutdown, self.stopping.shutdown.clone()));
            let outcome = self.serve().await;
            forwarding.cancel();
            outcome
        })
    }

    async fn serve(self) -> Result<()> {
        let Stopping { shutdown, in_flight } = self.stopping.clone();
        let stop = shutdown.stop.clone();
        let not_ready = serve_not_ready(&self.listeners, self.timeouts)?;
        let telemetry = telemetry(self.config);
        let mut tasks = BackgroundTasksManager::new();
        let address = self.address();
        let Some((shared, schema)) = start(self.config, &telemetry, &mut tasks, &stop).await? else {
            return Ok(());
        };
        if !wait_for_supergraph(&schema, &stop).await? {
            return Ok(());
        }
        drop((self.startup_resources, not_ready));
        let proxy_ended = CancellationToken::new();
        self.subscription_proxy.start(stop.clone(), proxy_ended.clone())?;

        let listeners = (self.listeners, self.loopback_listener);
        let parts = (self.websockets, self.allowed_hosts, self.connections);
        let (server, own) = servers(listeners, self.config, &shared, &schema, parts, shutdown)?;
        info!(%address, "the router is ready");
        let shutdown_timeout = self.config.http.shutdown_timeout;
        idle_caches::observe_sizes(&shared, &schema);
        let _evicting = AbortOnDropHandle::new(tokio::spawn(idle_caches::evict_idle(shared.clone(), schema.clone())));
        rt::spawn(drain_and_stop(
            stop.clone(),
            proxy_ended.clone(),
            (server.clone(), own),
            in_flight,
            shutdown_timeout,
        ));
        let ended = server.await;

        tasks.graceful_shutdown().await;
        invoke_shutdown_hooks(&shared).await;
        ensure!(stop.is_cancelled(), "the router's subscription proxy has stopped");
        ended.context("the router's server failed")
    }
}

/// The supergraph's file. hive-router only reads files, so a built-in one is written to a temporary file.
fn supergraph(settings: &Settings) -> Result<(PathBuf, Option<NamedTempFile>)> {
    if let Some(path) = &settings.supergraph {
        return Ok((path.clone(), None));
    }
    let file = NamedTempFile::with_prefix("lyceum-supergraph-").context("cannot write a temporary file")?;
    std::fs::write(&file, settings.contract.map_or(SUPERGRAPH, Contract::supergraph))
        .context("cannot write a temporary file")?;
    Ok((file.path().to_owned(), Some(file)))
}

fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>> {
    bind_addr((host, port), BACKLOG).with_context(|| {
        format!("the router cannot listen on {host}:{port}: choose another port with `lyceum up --port` or `lyceum router --router-port`")
    })
}

fn address(listeners: &[TcpListener]) -> SocketAddr {
    let listener = listeners.first().expect("`bind` has a listener or fails");
    listener.local_addr().expect("a bound listener has an address")
}

/// Serves health checks until it is dropped. A client that has connected by then and not sent its request gets "not
/// ready" and retries.
fn serve_not_ready(listeners: &[TcpListener], timeouts: ClientTimeouts) -> Result<Vec<AbortOnDropHandle<()>>> {
    let serve = |listener: &TcpListener| {
        let listener = listener.try_clone()?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let serving = http_server::serve(listener, serve::not_ready_routes(), timeouts, CancellationToken::new());
        Ok(AbortOnDropHandle::new(tokio::spawn(serving)))
    };
    listeners.iter().map(serve).collect()
}

/// Chooses one of the two cryptographic libraries of TLS that are compiled in. A TLS client that is not told which one
/// fails before.
pub fn use_one_tls_library() {
    static ONCE: Once = Once::new();
    ONCE.call_once(init_rustls_crypto_provider);
}

fn telemetry(config: &HiveRouterConfig) -> TelemetryContext {
    set_tracing_enabled(spans::is_enabled());
    let meter = metrics::is_enabled().then(|| global::meter("hive-router"));
    let propagation = &config.telemetry.tracing.propagation;
    TelemetryContext::from_propagation_config_with_meter(propagation, &config.log, meter, false)
}

type Started = (Arc<RouterSharedState>, Arc<SchemaState>);

/// Starts everything but the server. Waits for identity's keys: without them every token would be rejected. `None` when
/// shutdown begins meanwhile.
async fn start(
    config: &'static HiveRouterConfig,
    telemetry: &TelemetryContext,
    tasks: &mut BackgroundTasksManager,
    stop: &CancellationToken,
) -> Result<Option<Started>> {
    let mut waiting = false;
    loop {
        // hive-router itself has no timeout for an identity that hangs.
        let attempt = configure_app_from_config(config, telemetry.clone(), tasks, plugins::registry());
        let Some(attempt) = stop.run_until_cancelled(timeout(JWKS_TIMEOUT, attempt)).await else { return Ok(None) };
        let reason = match attempt {
            Ok(Ok(started)) => return Ok(Some(started)),
            Ok(Err(RouterInitError::JwksSourceError(error))) => error.to_string(),
            // The error is not `Send`, so only its text is kept.
            Ok(Err(error)) => bail!("the router cannot start: {error}"),
            Err(_) => "no response in time".to_owned(),
        };
        if !waiting {
            warn!(reason, "waiting for identity's public keys");
        }
        waiting = true;
        if stop.run_until_cancelled(sleep(JWKS_RETRY_DELAY)).await.is_none() {
            return Ok(None);
        }
    }
}

/// Waits for the supergraph, which hive-router loads asynchronously. `false` when shutdown begins meanwhile.
async fn wait_for_supergraph(schema: &SchemaState, stop: &CancellationToken) -> Result<bool> {
    let started = Instant::now();
    while schema.configured_runtime().is_none() {
        ensure!(started.elapsed() < SUPERGRAPH_TIMEOUT, "the supergraph cannot be loaded: see the log");
        tokio::select! {
            () = tokio::time::sleep(SUPERGRAPH_POLL_INTERVAL) => {}
            () = stop.cancelled() => return Ok(false),
        }
    }
    Ok(true)
}

/// The clients' server, and the one of the router's requests to itself, which outlives it: while it drains, batches
/// still have operations to execute.
fn servers(
    (listeners, loopback_listener): (Vec<TcpListener>, TcpListener),
    config: &'static HiveRouterConfig,
    shared: &Arc<RouterSharedState>,
    schema: &Arc<SchemaState>,
    (websockets, allowed_hosts, connections): (WebSocketServer, AllowedHosts, Connections),
    shutdown: Shutdown,
) -> Result<(Server, Server)> {
    let (shared, schema) = (shared.clone(), schema.clone());
    let paths = RouterPaths::new(config.graphql_path().to_owned(), None, None);

    let app = move || {
        let paths = paths.clone();
        App::new()
            .middleware(LongLivedClientLimitService::new(config))
            .middleware(PluginService::new(paths.clone(), None))
            .middleware(RequestSummaryService::new(config.graphql_path()))
            .middleware(RequestIdentifiersService)
            .middleware(ResponseCompressionService::new(config))
            .middleware(allowed_hosts.clone())
            .middleware(UnreadBody)
            // The last one is the outermost: it sees all responses.
            .middleware(ResponseHeaders::new(config.graphql_path(), config.cors.enabled))
            .state(shared.clone())
            .state(schema.clone())
            .state(shared.telemetry_context.clone())
            .state(schema.callback_subscriptions.clone())
            .state(websockets.clone())
            .state(shutdown.clone())
            .service(
                web::resource(config.graphql_path())
                    .guard(web::guard::fn_guard(websocket::is_upgrade))
                    .route(web::get().to(websocket::connect)),
            )
            .configure(|app| configure_ntex_app(app, &paths, None))
            .route("/ready", web::get().to(ready))
            .default_service(web::to(not_found))
    };
    let settings: SharedCfg = SharedCfg::new("router").add(build_http_service_config(config)).into();

    let builder = || {
        let builder = ServerBuilder::default().disable_signals().shutdown_timeout(config.shutdown_timeout());
        match config.workers() {
            Some(workers) => builder.workers(workers.get()),
            None => builder,
        }
    };
    let mut server = builder();
    for listener in listeners {
        let (app, settings, connections) = (app.clone(), settings.clone(), connections.clone());
        server = server.listen("router", listener, async move |config| {
            config.config(settings.clone());
            apply(connections.clone(), HttpService::new(app()))
        })?;
    }
    let own = builder().listen("router-itself", loopback_listener, async move |config| {
        config.config(settings.clone());
        HttpService::new(app())
    })?;
    Ok((server.run(), own.run()))
}

async fn ready(
    request: HttpRequest,
    schema: web::types::State<Arc<SchemaState>>,
    shutdown: web::types::State<Shutdown>,
) -> HttpResponse {
    if shutdown.draining.is_cancelled() {
        HttpResponse::ServiceUnavailable().body("shutting down")
    } else if schema.is_ready(&request).await {
        HttpResponse::Ok().body("ready")
    } else {
        HttpResponse::ServiceUnavailable().body("supergraph not loaded")
    }
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().body("Nothing here. GraphQL is at /graphql.")
}

async fn forward_shutdown(from: Shutdown, to: Shutdown) {
    from.draining.cancelled().await;
    to.draining.cancel();
    from.stop.cancelled().await;
    to.stop.cancel();
}

/// Stops the server: no new connections are accepted, open ones close after the response in progress, streams and
/// sockets are ended. ntex would do some of this, but its workers do not always wait for requests in flight.
async fn drain_and_stop(
    stop: CancellationToken,
    proxy_ended: CancellationToken,
    (server, own): (Server, Server),
    in_flight: TaskTracker,
    shutdown_timeout: Duration,
) {
    tokio::select! {
        // If both happen at the same time, it is an orderly shutdown.
        biased;
        () = stop.cancelled() => {}
        () = proxy_ended.cancelled() => {
            tokio::join!(own.stop(false), server.stop(false));
            return;
        }
    }
    server.pause().await;
    in_flight.close();
    if timeout(shutdown_timeout, in_flight.wait()).await.is_err() {
        warn!(requests = in_flight.len(), "shutdown timeout reached, requests in flight are cut off");
    }
    sleep(FLUSH_DELAY).await;
    tokio::join!(own.stop(true), server.stop(true));
}
