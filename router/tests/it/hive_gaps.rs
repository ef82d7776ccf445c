//! Gaps of hive-router, tested on one without our plugins. When a test fails here, upstream has closed a gap: remove
//! the file of `src/hive_gaps/` that names the test, and the test.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::Duration,
};

use axum::Json;
use hive_router::{
    PluginRegistry, RouterPaths, RouterSharedState,
    background_tasks::BackgroundTasksManager,
    build_http_service_config, configure_app_from_config, configure_ntex_app,
    http::{Method, header::AUTHORIZATION},
    init_rustls_crypto_provider,
    ntex::{
        SharedCfg,
        http::HeaderMap,
        rt::{DefaultRuntime, System},
        web::{App, HttpServer},
    },
    pipeline::connection_fingerprint,
    plugins::plugins_service::PluginService,
    telemetry::TelemetryContext,
};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use subgraph_testing::token;
use tokio::{io::AsyncWriteExt, net::TcpStream, runtime::Runtime};

use crate::support::{claims, serve, serve_keys};

/// Our configuration but for one setting, so that no difference is a matter of configuration.
const CONFIG: &str = r#"
supergraph: { source: file, path: SUPERGRAPH }
jwt:
  enabled: true
  # So that the status says whether a token was read.
  require_authentication: true
  jwks_providers: [{ source: remote, url: KEYS, prefetch: true }]
  issuers: [lyceum]
  audiences: [lyceum]
  allowed_algorithms: [EdDSA]
  lookup_locations: [{ source: header, name: authorization, prefix: Bearer }]
limits: { max_request_body_size: 1MB }
laboratory: { enabled: false }
override_subgraph_urls: { all: { url: { expression: '"SUBGRAPHS"' } } }
"#;

/// hive-router without our plugins.
struct Bare {
    address: SocketAddr,
    shared: Arc<RouterSharedState>,
}

fn bare() -> &'static Bare {
    static BARE: OnceLock<Bare> = OnceLock::new();
    BARE.get_or_init(|| thread::spawn(start).join().expect("it starts"))
}

fn address() -> SocketAddr {
    bare().address
}

fn start() -> Bare {
    // Its keys are served until the tests end.
    let runtime: &'static Runtime = Box::leak(Box::new(Runtime::new().expect("a runtime can be made")));
    let keys = format!("http://{}/jwks", runtime.block_on(serve_keys()));
    let supergraph = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/supergraph.graphql");
    let subgraphs = format!("http://{}", runtime.block_on(serve(axum::Router::new().fallback(a_user_is_gone))));
    let config = CONFIG.replace("SUPERGRAPH", supergraph).replace("KEYS", &keys).replace("SUBGRAPHS", &subgraphs);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let (ready, is_ready) = mpsc::channel();
    thread::spawn(move || run(config, listener, ready));
    let shared = is_ready.recv_timeout(Duration::from_secs(30)).expect("it starts in time");
    Bare { address, shared }
}

fn run(config: String, listener: TcpListener, ready: mpsc::Sender<Arc<RouterSharedState>>) {
    init_rustls_crypto_provider();
    System::build().name("bare").stack_size(16 * 1024 * 1024).build(DefaultRuntime).block_on(async move {
        let config = hive_router::config::parse_yaml_config(config).expect("the configuration is valid").into_static();
        let propagation = &config.telemetry.tracing.propagation;
        let telemetry = TelemetryContext::from_propagation_config_with_meter(propagation, &config.log, None, false);
        let mut tasks = BackgroundTasksManager::new();
        let started = configure_app_from_config(config, telemetry, &mut tasks, PluginRegistry::new()).await;
        let Ok((shared, schema)) = started else { panic!("hive-router does not start") };
        while schema.configured_runtime().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let paths = RouterPaths::new(config.graphql_path().to_owned(), None, None);
        let started = Arc::clone(&shared);
        let server = HttpServer::new(async move || {
            let paths = paths.clone();
            App::new()
                .middleware(PluginService::new(paths.clone(), None))
                .state(shared.clone())
                .state(schema.clone())
                .state(shared.telemetry_context.clone())
                .state(schema.callback_subscriptions.clone())
                .configure(|app| configure_ntex_app(app, &paths, None))
        });
        let server =
            server.disable_signals().workers(1).config(SharedCfg::new("bare").add(build_http_service_config(config)));
        let server = server.listen(listener).expect("it listens").run();
        ready.send(started).expect("somebody waits");
        server.await.expect("it serves");
    });
}

/// Serves all subgraphs: a course has a teacher whom one subgraph does not have, and another one returns as null.
async fn a_user_is_gone(body: String) -> Json<Value> {
    Json(if body.contains("found") {
        json!({ "data": { "found": { "__typename": "User", "id": "1", "key": "1" } } })
    } else if body.contains("courses") {
        json!({ "data": { "courses": [{ "teacher": { "__typename": "User", "id": "1" } }] } })
    } else if body.contains("secret") {
        json!({ "data": null, "errors": [{ "message": "no", "path": ["_entities", 0, "secret"] }] })
    } else if body.contains("points") {
        let error = json!({ "message": "no", "path": ["_entities", 0, "points"] });
        json!({ "data": { "_entities": [{ "points": null }] }, "errors": [error] })
    } else {
        json!({ "data": { "_entities": [null] } })
    })
}

fn post_as(authorization: &str) -> RequestBuilder {
    let client = Client::builder().pool_max_idle_per_host(0).build().expect("the client's settings are valid");
    client.post(format!("http://{}/graphql", address())).header("authorization", authorization)
}

fn post() -> RequestBuilder {
    post_as(&format!("Bearer {}", token(&claims())))
}

fn get(parameters: &str) -> RequestBuilder {
    let address = format!("http://{}/graphql?query=%7B__typename%7D&{parameters}", address());
    Client::new().get(address).bearer_auth(token(&claims()))
}

async fn status(request: RequestBuilder) -> StatusCode {
    request.send().await.expect("an answer").status()
}

fn typename() -> Value {
    json!({ "query": "{ __typename }" })
}

#[tokio::test]
async fn it_answers() {
    assert_eq!(status(post().json(&typename())).await, StatusCode::OK);
    assert_eq!(status(get("variables=null")).await, StatusCode::OK);
    assert_eq!(status(post_as("Bearer x").json(&typename())).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn media_types_are_compared_letter_by_letter() {
    let body = typename().to_string();
    let unread = StatusCode::UNSUPPORTED_MEDIA_TYPE;

    assert_eq!(status(post().header("content-type", "Application/JSON").body(body)).await, unread);
    for accept in ["application/json; charset=utf-8", "text/html"] {
        assert_eq!(status(post().header("accept", accept).json(&typename())).await, unread, "{accept}");
    }
}

#[tokio::test]
async fn the_result_of_a_query_is_not_streamed() {
    for accept in ["text/event-stream", "multipart/mixed"] {
        let answer = post().header("accept", accept).json(&typename()).send().await.expect("an answer");
        let text = answer.text().await.expect("text");

        assert!(text.contains("UNSUPPORTED_CONTENT_TYPE"), "{text}");
    }
}

#[tokio::test]
async fn parameters_that_say_nothing_are_looked_at() {
    for parameters in ["operationName=", "extensions=null"] {
        assert_eq!(status(get(parameters)).await, StatusCode::BAD_REQUEST, "{parameters}");
    }
}

#[tokio::test]
async fn the_scheme_of_a_token_has_letter_case() {
    let request = post_as(&format!("bearer {}", token(&claims()))).json(&typename());

    assert_eq!(status(request).await, StatusCode::UNAUTHORIZED);
}

/// The gap that the plugin `credentials` closes.
#[tokio::test]
async fn a_token_is_believed_for_a_minute_after_its_end() {
    for (ended, expected) in [(30, StatusCode::OK), (90, StatusCode::FORBIDDEN)] {
        let mut claims = claims();
        claims.exp -= 900 + ended;
        let request = post_as(&format!("Bearer {}", token(&claims))).json(&typename());

        assert_eq!(status(request).await, expected, "{ended} s");
    }
}

/// Larger than the socket buffers, so that a client cannot send all of it to a server that does not read.
#[tokio::test]
async fn a_body_that_is_too_large_is_not_read_to_its_end() {
    const LENGTH: usize = 64 * 1024 * 1024;
    let mut connection = TcpStream::connect(address()).await.expect("a connection");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {LENGTH}\r\n\r\n",
        address()
    );
    connection.write_all(head.as_bytes()).await.expect("the head is written");

    assert!(connection.write_all(&vec![b' '; LENGTH]).await.is_err());
}

#[tokio::test]
async fn upstream_tells_errors_of_an_entity_that_is_gone() {
    let request = post().json(&json!({ "query": "{ courses { teacher { name points } } }" }));
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");

    assert_eq!(answer["data"], json!({ "courses": [{ "teacher": null }] }), "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["courses", 0, "teacher", "points"]), "{answer}");
}

#[tokio::test]
async fn an_error_of_entities_that_are_null_has_no_path() {
    let request = post().json(&json!({ "query": "{ courses { teacher { secret } } }" }));
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");

    assert_eq!(answer["data"], json!({ "courses": [{ "teacher": null }] }), "{answer}");
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
    assert_eq!(answer["errors"][0].get("path"), None, "{answer}");
}

#[tokio::test]
async fn a_key_of_several_types_is_where_the_first_of_them_has_it() {
    let request = post().json(&json!({ "query": "{ found { ... on Course { id } ... on User { key: id id } } }" }));
    let answer = request.send().await.expect("an answer").text().await.expect("a text");

    assert!(answer.contains(r#""found":{"id":"1","key":"1"}"#), "{answer}");
}

#[tokio::test]
async fn a_header_that_is_not_ascii_tells_no_requests_apart() {
    let policy = &bare().shared.in_flight_requests_header_policy;
    let fingerprint = |headers: &HeaderMap| connection_fingerprint(&Method::POST, "/graphql", headers, policy, 1);
    let of_none = fingerprint(&HeaderMap::new());
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, b"Bearer \xff".as_slice().try_into().expect("the value of a header"));

    assert_eq!(of_none, fingerprint(&headers));
}

#[tokio::test]
async fn fragments_within_introspection_lose_what_they_ask_for() {
    let data = async |query| {
        let answer: Value =
            post().json(&json!({ "query": query })).send().await.expect("an answer").json().await.expect("JSON");
        answer["data"].clone()
    };

    assert_eq!(data("{ __schema { ... on __Schema { queryType { name } } } }").await, Value::Null);
    let twice = "{ __type(name: \"User\") { ... on __Type { fields { name } } fields { type { kind } } } }";
    assert_eq!(data(twice).await["__type"]["fields"], Value::Null);
    let panics = post().json(&json!({ "query": "{ __schema { ... { queryType { name } } } }" })).send().await;
    assert!(panics.is_err(), "{panics:?}");
}
