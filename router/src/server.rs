//! Puts hive-router's parts together, as its own `router_entrypoint` does, except for what belongs
//! to the whole process here: the log, the signals, the configuration's place.

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
    STACK_BYTES, Settings,
    allowed_hosts::AllowedHosts,
    config,
    connection_limits::ConnectionLimits,
    connections::Connections,
    cost,
    hive_gaps::{idle_caches, unread_body::UnreadBody},
    plugins,
    plugins::handed_over::{HandedOver, Parts},
    plugins::in_process::executors,
    response_headers::ResponseHeaders,
    subscription_proxy::SubscriptionProxy,
    websocket::{self, WebSocketServer},
};

const SUPERGRAPH: &str = include_str!("../../supergraph.graphql");
const BACKLOG: i32 = 2048;
const KEYS_RETRY: Duration = Duration::from_secs(1);
const KEYS_PATIENCE: Duration = Duration::from_secs(5);
const SUPERGRAPH_POLL: Duration = Duration::from_millis(5);
const SUPERGRAPH_PATIENCE: Duration = Duration::from_secs(20);
/// What the last answers need from our memory to the network.
const FLUSH: Duration = Duration::from_millis(100);

/// A router that has its port and does not answer yet.
pub struct Router {
    listeners: Vec<TcpListener>,
    /// Where it asks itself for what sockets want, so that no client takes those connections.
    own_listener: TcpListener,
    connections: Connections,
    config: &'static HiveRouterConfig,
    relay: SubscriptionProxy,
    front: WebSocketServer,
    hosts: AllowedHosts,
    end: End,
    timeouts: ClientTimeouts,
    needed_to_start: (Option<NamedTempFile>, HandedOver),
}

/// What a router needs to know of its end.
#[derive(Clone, Default)]
struct End {
    ending: Shutdown,
    /// What is being answered until then.
    in_flight: TaskTracker,
}

impl Router {
    /// Reads the configuration and takes the port.
    ///
    /// # Errors
    /// When the settings are wrong or the port is taken.
    pub fn bind(settings: &Settings) -> Result<Self> {
        let (path, temporary) = supergraph(settings)?;
        let secrets = settings.require_secrets()?;
        let relay = SubscriptionProxy::bind(settings, secrets.clone())?;
        let (places, end) = (ConnectionLimits::new(settings.live), End::default());
        let is_direct = settings.client_address.header.is_none();
        let connections = Connections::new(is_direct.then_some(settings.live.connections_per_client));
        let handed_over = HandedOver::new(Parts {
            settings: settings.clone(),
            executors: executors(&settings.in_process),
            secrets,
            streams: relay.streams(),
            places: places.clone(),
            connections: connections.clone(),
            in_flight: end.in_flight.clone(),
            ending: end.ending.clone(),
            valkey: cost::valkey_client(&settings.cost)?,
            key: relay.key().to_owned(),
        });
        let config = config::resolve(settings, &path, handed_over.key(), &relay)?;
        let listeners = listen(&config.http.host, config.http.port)?;
        for listener in &listeners {
            http_server::set_write_timeout(listener, settings.client_timeouts.write())?;
        }
        // hive-router keeps references to its configuration for as long as the process lives.
        let config = config.into_static();
        let needed_to_start = (temporary, handed_over);
        let own_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no loopback port for WebSockets")?;
        let address = own_listener.local_addr()?;
        let (End { ending, in_flight }, key) = (end.clone(), relay.key().to_owned());
        let front = WebSocketServer::new(
            address,
            config.graphql_path(),
            key,
            places,
            settings.live_timeouts,
            in_flight,
            ending.stop,
        )?;
        let hosts = AllowedHosts::new(&settings.allowed_hosts.allowed_hosts);
        let timeouts = settings.client_timeouts;
        Ok(Self { listeners, own_listener, connections, config, relay, front, hosts, end, timeouts, needed_to_start })
    }

    /// How many live connections it takes.
    #[must_use]
    pub fn max_live_connections(&self) -> usize {
        self.config.traffic_shaping.router.max_long_lived_clients
    }

    /// Where clients connect.
    ///
    /// # Panics
    /// Never: `bind` has a listener or fails.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        address(&self.listeners)
    }

    /// Answers until its end has come and the requests in flight have been answered. While it waits for identity's
    /// keys, it says that it lives and cannot serve.
    ///
    /// # Errors
    /// When the supergraph is not valid or the server fails.
    pub fn run(self, ending: Shutdown) -> Result<()> {
        use_one_tls_library();
        System::build().name("router").stack_size(STACK_BYTES).build(DefaultRuntime).block_on(async {
            let told = rt::spawn(pass_on(ending, self.end.ending.clone()));
            let outcome = self.serve().await;
            told.cancel();
            outcome
        })
    }

    async fn serve(self) -> Result<()> {
        let End { ending, in_flight } = self.end.clone();
        let stop = ending.stop.clone();
        let meanwhile = answer_meanwhile(&self.listeners, self.timeouts)?;
        let telemetry = telemetry(self.config);
        let mut tasks = BackgroundTasksManager::new();
        let address = self.address();
        let Some((shared, schema)) = start(self.config, &telemetry, &mut tasks, &stop).await? else {
            return Ok(());
        };
        if !has_supergraph(&schema, &stop).await? {
            return Ok(());
        }
        drop((self.needed_to_start, meanwhile));
        let relay_ended = CancellationToken::new();
        self.relay.start(stop.clone(), relay_ended.clone())?;

        let listeners = (self.listeners, self.own_listener);
        let parts = (self.front, self.hosts, self.connections);
        let server = server(listeners, self.config, &shared, &schema, parts, ending)?;
        info!(%address, "the router is ready");
        let patience = self.config.http.shutdown_timeout;
        idle_caches::observe_sizes(&shared, &schema);
        let _evicting = AbortOnDropHandle::new(tokio::spawn(idle_caches::evict_idle(shared.clone(), schema.clone())));
        rt::spawn(stop_with(stop.clone(), relay_ended.clone(), server.clone(), in_flight, patience));
        let ended = server.await;

        tasks.graceful_shutdown().await;
        invoke_shutdown_hooks(&shared).await;
        ensure!(stop.is_cancelled(), "the router's relay for subscriptions has ended");
        ended.context("the router's server failed")
    }
}

/// The supergraph's file. hive-router reads files only, so the one built in becomes one for a while.
fn supergraph(settings: &Settings) -> Result<(PathBuf, Option<NamedTempFile>)> {
    if let Some(path) = &settings.supergraph {
        return Ok((path.clone(), None));
    }
    let file = NamedTempFile::with_prefix("lyceum-supergraph-").context("no temporary file for the supergraph")?;
    std::fs::write(&file, SUPERGRAPH).context("no temporary file for the supergraph")?;
    Ok((file.path().to_owned(), Some(file)))
}

fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>> {
    bind_addr((host, port), BACKLOG).with_context(|| {
        format!("the router cannot listen on {host}:{port}: `--port` of `lyceum up`, `--router-port` of `lyceum router` take another")
    })
}

fn address(listeners: &[TcpListener]) -> SocketAddr {
    let listener = listeners.first().expect("`bind` has a listener or fails");
    listener.local_addr().expect("a bound listener has an address")
}

/// Answers those who ask how it is, until it is dropped. Who has connected by then and not asked is told that it is not
/// ready, and asks again.
fn answer_meanwhile(listeners: &[TcpListener], timeouts: ClientTimeouts) -> Result<Vec<AbortOnDropHandle<()>>> {
    let answer = |listener: &TcpListener| {
        let listener = listener.try_clone()?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let answering = http_server::serve(listener, serve::not_ready_routes(), timeouts, CancellationToken::new());
        Ok(AbortOnDropHandle::new(tokio::spawn(answering)))
    };
    listeners.iter().map(answer).collect()
}

fn use_one_tls_library() {
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

/// Starts everything but the server. Waits for identity's keys: without them every token would be
/// refused. None when told to stop meanwhile.
async fn start(
    config: &'static HiveRouterConfig,
    telemetry: &TelemetryContext,
    tasks: &mut BackgroundTasksManager,
    stop: &CancellationToken,
) -> Result<Option<Started>> {
    let mut waiting = false;
    loop {
        // hive-router itself waits for ever for an identity that hangs.
        let attempt = configure_app_from_config(config, telemetry.clone(), tasks, plugins::registry());
        let Some(attempt) = stop.run_until_cancelled(timeout(KEYS_PATIENCE, attempt)).await else { return Ok(None) };
        let reason = match attempt {
            Ok(Ok(started)) => return Ok(Some(started)),
            Ok(Err(RouterInitError::JwksSourceError(error))) => error.to_string(),
            // This type is not `Send`, so its text has to do.
            Ok(Err(error)) => bail!("the router cannot start: {error}"),
            Err(_) => "no answer in time".to_owned(),
        };
        if !waiting {
            warn!(reason, "waiting for identity's public keys");
        }
        waiting = true;
        if stop.run_until_cancelled(sleep(KEYS_RETRY)).await.is_none() {
            return Ok(None);
        }
    }
}

/// Waits for the supergraph, which hive-router reads in its own time. False when told to stop
/// meanwhile.
async fn has_supergraph(schema: &SchemaState, stop: &CancellationToken) -> Result<bool> {
    let started = Instant::now();
    while schema.configured_runtime().is_none() {
        ensure!(started.elapsed() < SUPERGRAPH_PATIENCE, "the supergraph cannot be used; the log says why");
        tokio::select! {
            () = tokio::time::sleep(SUPERGRAPH_POLL) => {}
            () = stop.cancelled() => return Ok(false),
        }
    }
    Ok(true)
}

fn server(
    (listeners, own_listener): (Vec<TcpListener>, TcpListener),
    config: &'static HiveRouterConfig,
    shared: &Arc<RouterSharedState>,
    schema: &Arc<SchemaState>,
    (front, hosts, connections): (WebSocketServer, AllowedHosts, Connections),
    ending: Shutdown,
) -> Result<Server> {
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
            .middleware(hosts.clone())
            .middleware(UnreadBody)
            // The last one is the outermost: it sees all answers.
            .middleware(ResponseHeaders::new(config.graphql_path(), config.cors.enabled))
            .state(shared.clone())
            .state(schema.clone())
            .state(shared.telemetry_context.clone())
            .state(schema.callback_subscriptions.clone())
            .state(front.clone())
            .state(ending.clone())
            .service(
                web::resource(config.graphql_path())
                    .guard(web::guard::fn_guard(websocket::is_upgrade))
                    .route(web::get().to(websocket::connect)),
            )
            .configure(|app| configure_ntex_app(app, &paths, None))
            .route("/ready", web::get().to(ready))
            .default_service(web::to(nothing_here))
    };
    let settings: SharedCfg = SharedCfg::new("router").add(build_http_service_config(config)).into();

    let mut server = ServerBuilder::default().disable_signals().shutdown_timeout(config.shutdown_timeout());
    if let Some(workers) = config.workers() {
        server = server.workers(workers.get());
    }
    for listener in listeners {
        let (app, settings, connections) = (app.clone(), settings.clone(), connections.clone());
        server = server.listen("router", listener, async move |config| {
            config.config(settings.clone());
            apply(connections.clone(), HttpService::new(app()))
        })?;
    }
    server = server.listen("router-websockets", own_listener, async move |config| {
        config.config(settings.clone());
        HttpService::new(app())
    })?;
    Ok(server.run())
}

async fn ready(
    request: HttpRequest,
    schema: web::types::State<Arc<SchemaState>>,
    ending: web::types::State<Shutdown>,
) -> HttpResponse {
    if ending.draining.is_cancelled() {
        HttpResponse::ServiceUnavailable().body("this process is about to end")
    } else if schema.is_ready(&request).await {
        HttpResponse::Ok().body("ready")
    } else {
        HttpResponse::ServiceUnavailable().body("no supergraph yet")
    }
}

async fn nothing_here() -> HttpResponse {
    HttpResponse::NotFound().body("Nothing here. GraphQL is at /graphql.")
}

async fn pass_on(from: Shutdown, to: Shutdown) {
    from.draining.cancelled().await;
    to.draining.cancel();
    from.stop.cancelled().await;
    to.stop.cancel();
}

/// Ends the server: no new connections are taken, the open ones end after the answer that they wait for, streams and
/// Sockets end by themselves. The library would do some of this, but its workers do not always wait for requests in
/// flight.
async fn stop_with(
    stop: CancellationToken,
    relay_ended: CancellationToken,
    server: Server,
    in_flight: TaskTracker,
    patience: Duration,
) {
    tokio::select! {
        // Both at once, it is an end in order.
        biased;
        () = stop.cancelled() => {}
        () = relay_ended.cancelled() => return server.stop(false).await,
    }
    server.pause().await;
    in_flight.close();
    if timeout(patience, in_flight.wait()).await.is_err() {
        warn!(requests = in_flight.len(), "ending before all requests are answered");
    }
    sleep(FLUSH).await;
    server.stop(true).await;
}
