//! Starts the router on a free port, over both transports.

#![expect(clippy::unused_async, reason = "async-graphql wants its resolvers so")]

use std::{
    collections::BTreeMap,
    fs, io, mem,
    net::SocketAddr,
    num::NonZeroU8,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use async_graphql::{Context, EmptyMutation, ID, InputObject, Object, SimpleObject, Subscription, Union};
use auth::signature::{RouterAuth, SecretSettings};
use axum::{Json, extract, response::IntoResponse, routing::get};
use contracts::{
    UserId,
    claims::{Claims, Role},
};
use futures::{Stream, StreamExt as _, stream};
use reqwest::{RequestBuilder, StatusCode};
use router::{
    AllowedHost, AllowedHostsSettings, ClientAddressSettings, Contract, CorsSettings, CostSettings, DocumentSettings,
    Explain, LiveSettings, LiveTimeouts, Mailbox, ResponseSettings, Router, SampleSignIn, Settings, SubgraphUrl,
};
use serde_json::{Value, json};
use service::{Subgraph, serve::routes};
use sqlx::PgPool;
use subgraph_kit::{ClientIpExt as _, Error, Viewer};
use subgraph_testing::{Client, Reply, transcript, verifier};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const ALICE: Uuid = Uuid::from_u128(0xA);
/// The secret of the router's signatures.
const SECRET: &str = "the routers tests sign with this secret";
const SUBGRAPH_TIMEOUT: &str = "700ms";
const SUPERGRAPH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/supergraph.graphql");

/// The transport between the router and its subgraphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    InProcess,
    Http,
}

/// Settings of a router that differ from the default.
pub struct Options {
    /// Replaces the built-in configuration.
    pub config: Option<String>,
    pub allowed_hosts: Vec<AllowedHost>,
    pub client_address: ClientAddressSettings,
    pub live: LiveSettings,
    pub live_timeouts: LiveTimeouts,
    pub responses: ResponseSettings,
    pub cors: CorsSettings,
    pub cost: CostSettings,
    pub document: DocumentSettings,
    /// Replaces the tests' supergraph.
    pub supergraph: Option<String>,
    pub secret: &'static str,
    pub development: bool,
    pub mailbox: Option<Mailbox>,
    pub explain: Option<Explain>,
    pub contract: Option<Contract>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: None,
            allowed_hosts: Vec::new(),
            client_address: ClientAddressSettings::default(),
            live: LiveSettings::default(),
            live_timeouts: LiveTimeouts::default(),
            responses: ResponseSettings::default(),
            cors: CorsSettings::default(),
            cost: CostSettings::default(),
            document: DocumentSettings::default(),
            supergraph: None,
            secret: SECRET,
            development: false,
            mailbox: None,
            explain: None,
            contract: None,
        }
    }
}

/// A router that is ready.
pub struct App {
    address: SocketAddr,
    http: reqwest::Client,
    client: Client,
}

/// A router that only one test uses.
pub struct Own {
    pub app: App,
    /// Stops the router.
    pub stop: CancellationToken,
    /// The result of its run.
    pub ended: thread::JoinHandle<anyhow::Result<()>>,
    /// The runtime of its subgraphs and its subscription proxy.
    pub runtime: Background,
}

/// Resources that a router needs while it runs. The runtime can be dropped within another one.
pub struct Background {
    runtime: Option<Runtime>,
    _files: TempDir,
}

impl Background {
    /// Leaks the runtime. The router has read its files.
    fn leave(mut self) {
        mem::forget(self.runtime.take());
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl App {
    /// The shared router that calls its subgraphs by function.
    pub fn get() -> &'static Self {
        Self::over(Transport::InProcess)
    }

    pub fn over(transport: Transport) -> &'static Self {
        static APPS: [OnceLock<App>; 2] = [OnceLock::new(), OnceLock::new()];
        Self::one_of(&APPS, transport, Options::default())
    }

    /// A router behind two proxies.
    pub fn behind_proxies() -> &'static Self {
        static APPS: [OnceLock<App>; 2] = [OnceLock::new(), OnceLock::new()];
        let client_address = ClientAddressSettings {
            header: Some("X-Forwarded-For".to_owned()),
            trusted_proxies: NonZeroU8::MIN.saturating_add(1),
        };
        Self::one_of(&APPS, Transport::InProcess, Options { client_address, ..Options::default() })
    }

    /// A router that calls its subgraphs over HTTP with another secret.
    pub fn stranger() -> &'static Self {
        static APPS: [OnceLock<App>; 2] = [OnceLock::new(), OnceLock::new()];
        let secret = "a secret that no subgraph has heard of";
        Self::one_of(&APPS, Transport::Http, Options { secret, ..Options::default() })
    }

    /// A router with a short subgraph timeout, for tests that wait for it. Other tests do not use it: a busy machine is
    /// slow, too.
    pub fn impatient(transport: Transport) -> &'static Self {
        static APPS: [OnceLock<App>; 2] = [OnceLock::new(), OnceLock::new()];
        Self::one_of(&APPS, transport, Options { config: Some(impatient_config()), ..Options::default() })
    }

    fn one_of(apps: &'static [OnceLock<Self>; 2], transport: Transport, options: Options) -> &'static Self {
        apps[transport as usize].get_or_init(|| {
            let Own { app, runtime, .. } = Self::own(transport, options);
            runtime.leave();
            app
        })
    }

    /// A router that only one test uses.
    pub fn own(transport: Transport, options: Options) -> Own {
        // On another thread, since a runtime cannot be started from within the test's.
        thread::spawn(move || Self::start(transport, options)).join().expect("it starts")
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn get_page(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path))
    }

    pub fn post(&self) -> RequestBuilder {
        self.http.post(self.url("/graphql"))
    }

    pub async fn query(&self, query: &str) -> Reply {
        self.send(json!({ "query": query }), None).await
    }

    pub async fn query_as(&self, token: &str, query: &str) -> Reply {
        self.send(json!({ "query": query }), Some(token)).await
    }

    pub async fn send(&self, request: Value, token: Option<&str>) -> Reply {
        let client = token.map_or_else(|| self.client.clone(), |token| self.client.with_token(token));
        client.send_request(&request).await
    }

    fn start(transport: Transport, options: Options) -> Own {
        transcript::trace();
        let runtime = Runtime::new().expect("a runtime can be made");
        let subgraphs = {
            let _inside = runtime.enter();
            vec![people(), courses()]
        };
        let files = TempDir::new().expect("a temporary directory can be made");
        let file = |name: &str, text: &str| {
            let path = files.path().join(name);
            fs::write(&path, text).expect("the directory can be written to");
            path
        };
        write_playground(files.path()).expect("the directory can be written to");
        write_storefront(files.path()).expect("the directory can be written to");
        let jwks_url = format!("http://{}/jwks", runtime.block_on(serve_keys()));
        let mut settings = Settings {
            host: Some("127.0.0.1".to_owned()),
            port: Some(0),
            config: options.config.map(|config| file("router.config.yaml", &config)),
            allowed_hosts: AllowedHostsSettings { allowed_hosts: options.allowed_hosts },
            client_address: options.client_address,
            live: options.live,
            live_timeouts: options.live_timeouts,
            responses: options.responses,
            cors: options.cors,
            cost: options.cost,
            document: options.document,
            supergraph: Some(
                options.supergraph.map_or_else(|| SUPERGRAPH.into(), |text| file("supergraph.graphql", &text)),
            ),
            jwks_url: Some(jwks_url),
            playground: files.path().join("page"),
            storefront: Some(files.path().join("shop")),
            runtime: Some(runtime.handle().clone()),
            secret: SecretSettings { subgraph_secret: options.secret.parse().ok(), ..SecretSettings::default() },
            development: options.development,
            mailbox: options.mailbox,
            explain: options.explain,
            contract: options.contract,
            samples: vec![SampleSignIn {
                label: "Student".to_owned(),
                email: "bob@example.com".to_owned(),
                password: "secret".to_owned(),
            }],
            ..Settings::default()
        };
        settings.subgraph_urls = subgraphs.iter().map(|subgraph| runtime.block_on(serve_subgraph(subgraph))).collect();
        if transport == Transport::InProcess {
            settings.in_process = subgraphs;
        }

        let router = Router::bind(&settings).expect("the router starts");
        let address = router.address();
        let stop = CancellationToken::new();
        let until = stop.clone();
        let ended = thread::spawn(move || router.run(until.into()));
        runtime.block_on(until_ready(address));
        // Connections end with the runtime of the test that opened them, so none is pooled.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build();
        let http = http.expect("the client's settings are valid");
        // With this media type, the status shows an invalid document, too.
        let client = Client::with_http(http.clone(), &format!("http://{address}"))
            .with_header("accept", "application/graphql-response+json");
        let runtime = Background { runtime: Some(runtime), _files: files };
        Own { app: Self { address, http, client }, stop, ended, runtime }
    }
}

/// Before that, `/ready` is served as not ready.
async fn until_ready(address: SocketAddr) {
    let is_ready = || async {
        let answer = reqwest::get(format!("http://{address}/ready")).await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    };
    let started = Instant::now();
    while !is_ready().await {
        assert!(started.elapsed() < Duration::from_mins(1), "the router is not ready yet");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn reply(request: RequestBuilder) -> Reply {
    Reply::read(request.send().await.expect("the router answers")).await.expect("the answer is text")
}

// ---------------------------------------------------------------- tokens

/// The claims of a valid token of alice.
pub fn claims() -> Claims {
    claims_of(ALICE)
}

pub fn claims_of(user: Uuid) -> Claims {
    subgraph_testing::claims(UserId(user), Role::Student, false)
}

pub async fn serve_keys() -> SocketAddr {
    let keys = get(|| async { Json(subgraph_testing::key_set()) });
    serve(axum::Router::new().route("/jwks", keys).route("/data-exports/{token}", get(data_export))).await
}

/// A file of identity's, behind one link.
async fn data_export(extract::Path(token): extract::Path<String>) -> impl IntoResponse {
    let headers = [("cache-control", "no-store"), ("content-disposition", "attachment"), ("x-internal", "secret")];
    let status = if token == "the-Link_1" { StatusCode::OK } else { StatusCode::NOT_FOUND };
    (status, headers, format!("the file of {token}"))
}

// ---------------------------------------------------------------- subgraphs

async fn serve_subgraph(subgraph: &Subgraph) -> SubgraphUrl {
    let auth = RouterAuth::Signed(SECRET.parse().expect("it is long enough"));
    let address = serve(routes(subgraph.clone(), auth)).await;
    SubgraphUrl { name: subgraph.name().to_owned(), url: format!("http://{address}/graphql") }
}

pub async fn serve(routes: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

fn no_database() -> PgPool {
    PgPool::connect_lazy("postgres://localhost/none").expect("the address is valid")
}

fn people() -> Subgraph {
    let schema = service::build(People, EmptyMutation, Ticks);
    Subgraph::new("people", schema.finish(), (), no_database(), verifier())
}

fn courses() -> Subgraph {
    let schema = service::build(Courses, Renaming::default(), NewCourses);
    Subgraph::new("courses", schema.finish(), (), no_database(), verifier())
}

struct People;

#[derive(SimpleObject)]
#[graphql(complex)]
struct User {
    id: ID,
}

#[async_graphql::ComplexObject]
impl User {
    async fn name(&self) -> String {
        format!("user {}", self.id.as_str())
    }

    /// Those of user 3 are secret, which leaves nothing of the list of users that the router has requested.
    async fn secret(&self) -> async_graphql::Result<String> {
        match self.id.as_str() {
            "3" => Err(Error::Forbidden("that is a secret").into()),
            id => Ok(format!("secret {id}")),
        }
    }

    async fn friends(&self) -> Vec<User> {
        vec![User { id: ID(format!("{}1", self.id.as_str())) }]
    }
}

#[derive(InputObject)]
struct Filter {
    text: String,
    count: Option<i32>,
}

#[Object]
impl People {
    async fn me(&self, ctx: &Context<'_>) -> Option<User> {
        match ctx.data_unchecked::<Viewer>() {
            Viewer::Anonymous => None,
            Viewer::SignedIn { id, .. } => Some(User { id: ID(id.0.to_string()) }),
        }
    }

    async fn slow(&self) -> Option<i32> {
        tokio::time::sleep(Duration::from_secs(5)).await;
        Some(1)
    }

    async fn fails(&self) -> async_graphql::Result<Option<i32>> {
        Err(Error::internal(std::io::Error::other("password of 10.0.0.1 is hunter2")).into())
    }

    async fn leaks(&self) -> async_graphql::Result<Option<i32>> {
        Err(std::io::Error::other("password of 10.0.0.1 is hunter2").into())
    }

    async fn panics(&self) -> Option<i32> {
        assert_eq!(1, 2, "this is what the test is about");
        None
    }

    async fn forbidden(&self) -> async_graphql::Result<Option<i32>> {
        Err(Error::Forbidden("that is not yours").into())
    }

    async fn costly(&self, ctx: &Context<'_>) -> String {
        with_client(ctx, "{client}")
    }

    async fn echo(&self, ctx: &Context<'_>, value: Option<Filter>, when: Option<DateTime>) -> Option<String> {
        if let Some(name) = value.as_ref().and_then(|filter| filter.text.strip_prefix("hang ")) {
            let _hanging = Hanging::begin(name);
            std::future::pending::<()>().await;
        }
        let value = value.map(|filter| {
            let text = with_client(ctx, &filter.text);
            match usize::try_from(filter.count.unwrap_or_default()) {
                Ok(count) if text.starts_with("repeat ") => text.repeat(count),
                _ => format!("{text} {:?}", filter.count),
            }
        });
        Some(format!("{value:?} {:?}", when.map(|when| when.0)))
    }

    #[graphql(entity)]
    async fn find_user(&self, id: ID) -> User {
        User { id }
    }
}

/// A resolver that is running.
struct Hanging(String);

static HANGING: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// The number of running resolvers of this name.
pub fn hanging(name: &str) -> usize {
    HANGING.lock().expect("no panic").get(name).copied().unwrap_or_default()
}

impl Hanging {
    fn begin(name: &str) -> Self {
        *HANGING.lock().expect("no panic").entry(name.to_owned()).or_default() += 1;
        Self(name.to_owned())
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        *HANGING.lock().expect("no panic").get_mut(&self.0).expect("it has begun") -= 1;
    }
}

struct DateTime(String);

#[async_graphql::Scalar]
impl async_graphql::ScalarType for DateTime {
    fn parse(value: async_graphql::Value) -> async_graphql::InputValueResult<Self> {
        match value {
            async_graphql::Value::String(text) => Ok(Self(text)),
            other => Err(async_graphql::InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> async_graphql::Value {
        self.0.clone().into()
    }
}

struct Ticks;

#[Subscription]
impl Ticks {
    /// So many. After fewer than none, nothing comes for ever.
    async fn ticks(&self, count: Option<i32>) -> impl Stream<Item = i32> {
        let count = count.unwrap_or(3);
        let ticks = stream::iter(1..=count.abs());
        if count < 0 { ticks.chain(stream::pending()).boxed() } else { ticks.boxed() }
    }
}

struct NewCourses;

#[Subscription]
impl NewCourses {
    /// Of the viewer's; nobody's stops with an error.
    async fn course_added(
        &self,
        ctx: &Context<'_>,
        count: Option<i32>,
    ) -> async_graphql::Result<impl Stream<Item = Course> + use<>> {
        let Some(viewer) = ctx.data_unchecked::<Viewer>().id() else {
            return Err(Error::Unauthenticated("sign in first").into());
        };
        let course = move |number: i32| Course {
            id: ID(number.to_string()),
            title: format!("Course {number}"),
            teacher: Some(Teacher { id: ID(viewer.0.to_string()) }),
        };
        Ok(stream::iter((1..=count.unwrap_or(3)).map(course)))
    }
}

struct Courses;

#[derive(SimpleObject)]
struct Course {
    id: ID,
    title: String,
    teacher: Option<Teacher>,
}

/// A user, as this subgraph knows one.
#[derive(SimpleObject)]
#[graphql(name = "User", unresolvable)]
struct Teacher {
    id: ID,
}

#[derive(Union)]
enum Found {
    Course(Course),
    User(Teacher),
}

#[Object]
impl Courses {
    async fn found(&self) -> Found {
        Found::Course(Course { id: ID("1".to_owned()), title: "found".to_owned(), teacher: None })
    }

    async fn courses(&self) -> Vec<Course> {
        (0..20)
            .map(|number| Course {
                id: ID(number.to_string()),
                title: format!("Course \"{number}\" \u{1F980}\n"),
                teacher: Some(Teacher { id: ID((number % 7).to_string()) }),
            })
            .collect()
    }

    #[graphql(entity)]
    async fn find_course(&self, id: ID) -> Course {
        Course { id, title: "found".to_owned(), teacher: None }
    }
}

/// Replaces `{client}` by the client's address and `{agent}` by its `User-Agent`, as the subgraph received them.
fn with_client(ctx: &Context<'_>, text: &str) -> String {
    let text = text.replace("{agent}", ctx.user_agent().0.as_deref().unwrap_or("nothing"));
    text.replace("{client}", &ctx.client_ip().0.map_or_else(|| "nobody".to_owned(), |address| address.to_string()))
}

/// Counts its requests.
#[derive(Default)]
struct Renaming(AtomicUsize);

#[Object]
impl Renaming {
    async fn rename(&self, ctx: &Context<'_>, title: String) -> async_graphql::Result<Option<Course>> {
        let count = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let title = with_client(ctx, &title).replace("{count}", &count.to_string());
        if title == "too often" {
            return Err(Error::RateLimited { retry_after: 7 }.into());
        }
        Ok(Some(Course { id: ID("1".to_owned()), title, teacher: None }))
    }
}

// ---------------------------------------------------------------- files

/// The built-in configuration, with a short timeout.
pub fn impatient_config() -> String {
    changed_config("    request_timeout: 5s\n", &format!("    request_timeout: {SUBGRAPH_TIMEOUT}\n"))
}

/// The built-in configuration, with one part replaced.
pub fn changed_config(part: &str, other: &str) -> String {
    let config = include_str!("../../router.config.yaml");
    assert!(config.contains(part), "the configuration has changed: {part}");
    config.replace(part, other)
}

/// The supergraph, with these parts replaced.
pub fn changed_supergraph(parts: &[(&str, &str)]) -> String {
    let mut supergraph = include_str!("supergraph.graphql").to_owned();
    for (part, other) in parts {
        assert!(supergraph.contains(part), "the supergraph has changed: {part}");
        supergraph = supergraph.replace(part, other);
    }
    supergraph
}

/// Writes a page to `page/`, and a private file beside it.
fn write_playground(directory: &Path) -> io::Result<()> {
    let page = directory.join("page");
    fs::create_dir_all(page.join("assets"))?;
    fs::write(page.join("index.html"), "<!doctype html><title>Page</title>")?;
    fs::write(page.join("assets/index-abc123.js"), "console.log(1)")?;
    fs::write(page.join("assets/index-abc123.js.br"), "compressed")?;
    fs::write(directory.join("secret.txt"), "secret")
}

/// Writes a storefront to `shop/`, with links that lead out of it.
fn write_storefront(directory: &Path) -> io::Result<()> {
    let shop = directory.join("shop");
    fs::create_dir_all(shop.join("assets"))?;
    fs::write(shop.join("index.html"), "<!doctype html><title>Shop</title>")?;
    fs::write(shop.join("icon.svg"), "<svg/>")?;
    fs::write(shop.join("assets/shop-abc123.js"), "console.log(2)")?;
    fs::write(shop.join("assets/shop-abc123.js.br"), "brotli")?;
    fs::write(shop.join("assets/shop-abc123.js.gz"), "gzip")?;
    fs::write(shop.join("assets/text-abc123.woff2"), "font")?;
    symlink("../secret.txt", shop.join("secret.txt"))?;
    symlink("..", shop.join("out"))
}
