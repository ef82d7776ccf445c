//! What a system tells those who watch over it: one trace from the router to whoever acts on an event, numbers, and log
//! lines that belong to a trace.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use load::metrics::{Metrics, Sample};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value},
};
use prost::Message as _;
use serde_json::{Value, json};
use subgraph_testing::{Reply, blocking::Client, transcript};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    live::Follower,
    notification_log::nats,
    system::{PASSWORD, STUDENT, System, TEACHER, free_port},
};

const TIMEOUT: Duration = Duration::from_secs(30);
const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) { session { accessToken } } }";
const BUY: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) { payment { status } } }";
/// Of the client, who begins the trace.
const ROOT: &str = "00f067aa0ba902b7";

/// What takes spans, as any collector does.
struct Collector {
    runtime: Runtime,
    url: String,
    bodies: Bodies,
}

type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// A span, as it arrived.
#[derive(Clone, Debug)]
struct Span {
    service: String,
    name: String,
    id: String,
    parent: String,
    attributes: BTreeMap<String, String>,
}

impl Collector {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let bodies = Bodies::default();
        let take = |State(bodies): State<Bodies>, body: Bytes| async move {
            bodies.lock().expect("the bodies").push(body);
        };
        let routes = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&bodies));
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { runtime, url, bodies }
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.bodies.lock().expect("the bodies").clone()
    }

    /// All spans of a trace.
    fn trace(&self, id: &str) -> Vec<Span> {
        let requests = self.bodies().into_iter().map(|body| ExportTraceServiceRequest::decode(body).expect("OTLP"));
        requests.flat_map(|request| request.resource_spans).flat_map(|told| spans(told, id)).collect()
    }

    /// The spans of a trace, when these are among them: each a service and a name.
    fn trace_with(&self, id: &str, wanted: &[(&str, &str)]) -> Vec<Span> {
        let start = Instant::now();
        loop {
            let spans = self.trace(id);
            let is_there =
                |(service, name): &(&str, &str)| spans.iter().any(|it| it.service == *service && it.name == *name);
            if wanted.iter().all(is_there) {
                return spans;
            }
            assert!(start.elapsed() < TIMEOUT, "{wanted:?} in {spans:#?}");
            sleep(Duration::from_millis(100));
        }
    }

    fn stop(self) {
        self.runtime.shutdown_background();
    }
}

fn spans(told: opentelemetry_proto::tonic::trace::v1::ResourceSpans, trace: &str) -> Vec<Span> {
    let service = told.resource.map(|resource| attributes(resource.attributes)).unwrap_or_default();
    let service = service["service.name"].clone();
    let spans = told.scope_spans.into_iter().flat_map(|scope| scope.spans);
    spans
        .filter(|span| hex(&span.trace_id) == trace)
        .map(|span| {
            assert_eq!(span.events, [], "no event, and so no error's text, leaves the process");
            Span {
                service: service.clone(),
                name: span.name,
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                attributes: attributes(span.attributes),
            }
        })
        .collect()
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.key, text(pair.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::IntValue(number)) => number.to_string(),
        Some(any_value::Value::BoolValue(flag)) => flag.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a text takes everything");
    }
    text
}

/// A trace that the client begins: its id, and what the client sends of it.
fn begin() -> (String, String) {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let parent = format!("00-{id}-{ROOT}-01");
    (id, parent)
}

fn traced(visitor: &Client, parent: &str, document: &str, variables: Value) -> Reply {
    visitor.with_header("traceparent", parent).send(document, variables)
}

/// A course of the sample teacher.
fn publish(system: &System) -> Value {
    let document = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
    let input = json!({ "title": "Traced", "isFree": false, "price": "10" });
    system.sign_in(TEACHER).data(document, json!({ "input": input }))["createCourse"]["course"]["id"].clone()
}

/// Whether it comes from the client in the end.
fn begins_at_the_client(span: &Span, all: &[Span]) -> bool {
    let mut parent = span.parent.as_str();
    // More steps than there are spans are a cycle.
    for _ in 0..=all.len() {
        if parent == ROOT {
            return true;
        }
        let Some(above) = all.iter().find(|it| it.id == parent) else { return false };
        parent = &above.parent;
    }
    false
}

/// A purchase is one trace: the router, the subgraphs that it asks, their SQL, and the services that are told.
fn follow_a_purchase(arguments: &[&str]) {
    let collector = Collector::start();
    let mut system = System::start(&[&["--temporary", "--otlp-endpoint", &collector.url], arguments].concat());
    let (course, student) = (publish(&system), system.sign_in(STUDENT));
    let (id, parent) = begin();

    let bought = traced(&student, &parent, BUY, json!({ "input": { "courseId": course, "idempotencyKey": "once" } }));
    assert_eq!(bought["data"]["purchaseCourse"]["payment"]["status"], "COMPLETED");
    let wanted = [
        "http.server",
        "graphql.plan",
        "payment",
        "course",
        "publish lyceum.payment.completed",
        "process lyceum.payment.completed",
        "publish lyceum.enrollment.created",
        "process lyceum.enrollment.created",
    ];
    let all = collector.trace_with(&id, &wanted.map(|name| ("lyceum", name)));

    let detached: Vec<_> = all.iter().filter(|span| !begins_at_the_client(span, &all)).collect();
    assert!(detached.is_empty(), "{detached:#?} of {all:#?}");
    // Both services that are told act on it, and each span of theirs has SQL beneath it, as the subgraph's has.
    let acting: BTreeSet<_> = all
        .iter()
        .filter(|span| span.name == "process lyceum.payment.completed")
        .map(|span| span.attributes["subgraph.name"].as_str())
        .collect();
    assert_eq!(acting, BTreeSet::from(["enrollment", "notification"]));
    for (name, database, operation) in [
        ("payment", "payment", "UPDATE"),
        ("course", "course", "SELECT"),
        ("process lyceum.payment.completed", "enrollment", "INSERT"),
        ("process lyceum.enrollment.created", "notification", "INSERT"),
    ] {
        let is_it = |span: &&Span| {
            let above = all.iter().find(|above| above.id == span.parent);
            above.is_some_and(|above| above.name == name)
                && span.attributes.get("db.namespace").is_some_and(|namespace| namespace == database)
        };
        let statements: Vec<_> = all.iter().filter(is_it).map(|span| span.name.as_str()).collect();
        assert!(statements.contains(&operation), "{name}: {statements:?} of {all:#?}");
    }
    assert_eq!(system.stop(), Some(0));
    collector.stop();
}

#[test]
fn a_purchase_is_one_trace_within_a_process() {
    follow_a_purchase(&[]);
}

#[test]
fn a_purchase_is_one_trace_over_http_and_nats() {
    let (port, data) = (free_port(), TempDir::new().expect("a directory"));
    let _nats = nats(port, data.path());
    follow_a_purchase(&["--transport", "http", "--event-bus", &format!("nats://127.0.0.1:{port}")]);
}

#[test]
fn a_subscription_belongs_to_its_trace() {
    let collector = Collector::start();
    let system = System::start(&["--temporary", "--transport", "http", "--otlp-endpoint", &collector.url]);
    let (id, parent) = begin();

    let body = json!({ "query": "subscription { notificationAdded { title } }" });
    let asked = reqwest::blocking::Client::new()
        .post(format!("{}/graphql", system.addresses.router))
        .header("accept", "text/event-stream")
        .header("traceparent", &parent)
        .bearer_auth(system.sign_in(STUDENT).token().expect("a token"))
        .json(&body);
    let answer = asked.send().expect("an answer");
    collector.trace_with(&id, &[("lyceum", "SELECT")]);
    // The rest is told of when it has ended, as it does when the client goes.
    drop(answer);

    let all = collector.trace_with(&id, &[("lyceum", "http.server"), ("lyceum", "notification")]);
    assert!(all.iter().all(|span| begins_at_the_client(span, &all)), "{all:#?}");
    collector.stop();
}

#[test]
fn nothing_private_leaves_in_a_trace() {
    let collector = Collector::start();
    let hosts = ["--allowed-hosts", "private.example"];
    let system = System::start(&[&["--temporary", "--otlp-endpoint", &collector.url][..], &hosts].concat());
    let (id, parent) = begin();
    let visitor = system.anonymous();
    let odd = reqwest::blocking::Client::new().get(format!("{}/graphql/private/path", system.addresses.router));
    let odd =
        odd.header("traceparent", &parent).header("tracestate", "vendor=private").header("host", "private.example");
    odd.send().expect("an answer");

    // Typed into the document, as explorers do; in variables; wrong ones; and in the URL of a query.
    let typed = format!(
        "mutation {{ login(input: {{ email: \"{STUDENT}\", password: \"{PASSWORD}\" }}) {{ session {{ accessToken }} }} }}"
    );
    let answer = traced(&visitor, &parent, &typed, json!({}));
    let token = answer["data"]["login"]["session"]["accessToken"].as_str().expect("a token").to_owned();
    let wrong =
        json!({ "input": { "email": "someone@private.example", "password": ["a private password"], "name": "x" } });
    assert_eq!(traced(&visitor, &parent, REGISTER, wrong).error(), Some("BAD_USER_INPUT"));
    let url =
        format!("{}/graphql?query={{me{{id}}}}&variables={{\"private\":\"in the address\"}}", system.addresses.router);
    let client = reqwest::blocking::Client::new().get(url).bearer_auth(&token).header("traceparent", &parent);
    let answer: Value = client.header("x-lyceum-csrf", "1").send().expect("an answer").json().expect("JSON");
    assert!(answer["data"]["me"]["id"].is_string(), "{answer}");
    collector.trace_with(&id, &[("lyceum", "http.server"), ("lyceum", "identity"), ("lyceum", "SELECT")]);
    drop(system);

    let bodies = collector.bodies();
    if let Some(path) = transcript::path("spans") {
        std::fs::write(path, bodies.concat()).expect("a transcript");
    }
    for private in [STUDENT, PASSWORD, &token, "private", "127.0.0.1:", "reqwest"] {
        let has = |body: &Bytes| body.windows(private.len()).any(|part| part == private.as_bytes());
        assert!(!bodies.iter().any(has), "{private}");
    }
    collector.stop();
}

/// A system that counts, and where its numbers are.
fn counting(arguments: &[&str]) -> (System, String) {
    let system = System::start(&[&["--temporary", "--metrics-listen", "127.0.0.1:0"], arguments].concat());
    let url = system.addresses.metrics.clone().expect("it counts");
    (system, url)
}

/// The value of the series with this name that has these labels; 0 where nothing was counted.
fn number(url: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let text = reqwest::blocking::get(url).expect("it answers").text().expect("text");
    let metrics = Metrics::parse(&text).expect("metrics");
    let is_it = |sample: &&Sample| labels.iter().all(|(label, value)| sample.label(label) == *value);
    metrics.all(name).filter(is_it).map(|sample| sample.value).sum()
}

#[expect(clippy::float_cmp, reason = "whole numbers")]
fn becomes(url: &str, name: &str, labels: &[(&str, &str)], expected: f64) {
    let start = Instant::now();
    while number(url, name, labels) != expected {
        assert!(start.elapsed() < TIMEOUT, "{name} {labels:?} is {}, not {expected}", number(url, name, labels));
        sleep(Duration::from_millis(100));
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "whole numbers")]
fn numbers_say_what_has_happened() {
    let (system, url) = counting(&[]);
    let (visitor, student, course) = (system.anonymous(), system.sign_in(STUDENT), publish(&system));
    let before = |name, labels: &[(&str, &str)]| number(&url, name, labels);
    let statements = [("db_namespace", "payment"), ("db_operation_name", "SELECT")];
    let selected = before("db_client_operation_duration_seconds_count", &statements);
    let answered = before("lyceum_subgraph_request_duration_seconds_count", &[("subgraph", "payment")]);

    let wrong = json!({ "input": { "email": STUDENT, "password": "not the password" } });
    let login = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code } } }";
    visitor.data(login, wrong);
    let variables = json!({ "input": { "courseId": course, "idempotencyKey": "counted" } });
    assert_eq!(visitor.send(BUY, variables.clone()).error(), Some("UNAUTHENTICATED"));
    student.data(BUY, variables);

    assert_eq!(number(&url, "lyceum_sign_ins_rejected_total", &[("reason", "credentials")]), 1.0);
    assert_eq!(
        number(&url, "lyceum_subgraph_errors_total", &[("subgraph", "payment"), ("code", "UNAUTHENTICATED")]),
        1.0
    );
    let of_payment = [("subgraph", "payment")];
    assert_eq!(number(&url, "lyceum_subgraph_request_duration_seconds_count", &of_payment), answered + 2.0);
    assert!(number(&url, "db_client_operation_duration_seconds_count", &statements) > selected);
    let inserted = [("db_namespace", "payment"), ("db_query_summary", "WITH purchase_requests")];
    assert_eq!(number(&url, "db_client_operation_duration_seconds_count", &inserted), 1.0);
    for (service, kind) in [
        ("enrollment", "lyceum.payment.completed"),
        ("notification", "lyceum.payment.completed"),
        ("notification", "lyceum.enrollment.created"),
    ] {
        becomes(
            &url,
            "lyceum_events_handled_total",
            &[("subgraph", service), ("type", kind), ("outcome", "done")],
            1.0,
        );
        becomes(&url, "lyceum_events_delay_seconds_count", &[("subgraph", service), ("type", kind)], 1.0);
        let arrived = [("destination", service), ("type", kind), ("outcome", "delivered")];
        becomes(&url, "lyceum_events_delivered_total", &arrived, 1.0);
    }
    // The pool that answers has five connections, and nobody asks anything now.
    let pool = ("db_client_connection_pool_name", "payment");
    assert_eq!(number(&url, "db_client_connection_max", &[pool]), 5.0);
    becomes(&url, "db_client_connection_count", &[pool, ("db_client_connection_state", "idle")], 5.0);
    assert!(number(&url, "db_client_connection_wait_time_seconds_count", &[pool]) >= 1.0);
    // A search waits for its turn, and a page does not.
    let of_course = [("db_client_connection_pool_name", "course")];
    let turns = number(&url, "lyceum_scan_wait_time_seconds_count", &of_course);
    visitor.data("{ courses(first: 1) { nodes { id } } }", json!({}));
    assert_eq!(number(&url, "lyceum_scan_wait_time_seconds_count", &of_course), turns);
    visitor.data(r#"{ courses(first: 1, filter: { search: "turn" }) { nodes { id } } }"#, json!({}));
    assert_eq!(number(&url, "lyceum_scan_wait_time_seconds_count", &of_course), turns + 1.0);
    let searches = [("db_namespace", "course"), ("db_query_summary", "SELECT courses search")];
    assert_eq!(number(&url, "db_client_operation_duration_seconds_count", &searches), 1.0);
    // The router's own.
    let posts = [("http_request_method", "POST"), ("graphql_response_status", "ok")];
    assert!(number(&url, "http_server_request_duration_seconds_count", &posts) >= 4.0);
}

#[test]
fn a_client_cannot_make_series_of_its_own() {
    let (system, url) = counting(&["--empty"]);

    for name in ["First", "Second", "Third"] {
        system.anonymous().data(&format!("query {name} {{ courses {{ totalCount }} }}"), json!({}));
    }

    // Where clients are, there are no numbers.
    for place in [system.addresses.router.as_str(), system.addresses.subgraphs["course"].trim_end_matches("/graphql")] {
        let answer = reqwest::blocking::get(format!("{place}/metrics")).expect("an answer");
        assert!(answer.status().is_client_error(), "{place}: {}", answer.status());
    }
    let text = reqwest::blocking::get(&url).expect("it answers").text().expect("text");
    assert!(text.contains("http_server_request_duration_seconds_count"), "{text}");
    for name in ["First", "Second", "Third"] {
        assert!(!text.contains(name), "{text}");
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "whole numbers")]
fn what_nobody_asks_for_is_forgotten() {
    let caches = ["parse", "validate", "normalize", "plan"].map(|cache| format!("hive_router_{cache}_cache_size"));
    let (system, url) = counting(&["--empty"]);
    let ask = |alias| system.anonymous().data(&format!("{{ {alias}: courses {{ totalCount }} }}"), json!({}));
    let sizes = || caches.each_ref().map(|cache| number(&url, cache, &[]));
    let start = Instant::now();

    while sizes() != [3.0; 4] {
        assert!(start.elapsed() < TIMEOUT, "{:?}", sizes());
        for alias in ["a", "b", "c"] {
            ask(alias);
        }
    }
    for cache in &caches {
        becomes(&url, cache, &[], 0.0);
    }
}

#[test]
fn events_that_wait_and_streams_that_are_open_are_counted() {
    let (system, url) = counting(&["--empty"]);
    let input = json!({ "email": "ada@counted.example", "password": PASSWORD, "name": "Ada" });
    let told = [("subgraph", "identity"), ("destination", "notification")];

    let answer = system.anonymous().data(REGISTER, json!({ "input": input }));
    let ada = system.anonymous().with_token(answer["register"]["session"]["accessToken"].as_str().expect("a token"));
    becomes(&url, "lyceum_events_handled_total", &[("subgraph", "notification"), ("outcome", "done")], 1.0);
    becomes(&url, "lyceum_events_pending", &told, 0.0);
    set_one_aside(&system);
    becomes(&url, "lyceum_events_dead_lettered", &told, 1.0);

    for transport in ["sse", "ws"] {
        let follower = Follower::start(transport, &system, ada.token(), &Value::Null);
        becomes(&url, "lyceum_subscriptions_open", &[("subgraph", "notification")], 1.0);
        // It goes without a word.
        drop(follower);
        becomes(&url, "lyceum_subscriptions_open", &[("subgraph", "notification")], 0.0);
    }
}

#[test]
fn an_answer_that_comes_too_late_is_counted() {
    let (system, url) = counting(&["--empty"]);
    let of_course = [("subgraph", "course")];
    let answered = number(&url, "lyceum_subgraph_request_duration_seconds_count", &of_course);

    let runtime = Runtime::new().expect("a runtime");
    let answer = runtime.block_on(async {
        use sqlx::{Connection as _, PgConnection, query};
        let mut db = PgConnection::connect(&system.addresses.databases["course"]).await.expect("the database");
        let mut transaction = db.begin().await.expect("a transaction");
        query("lock table courses").execute(&mut *transaction).await.expect("a lock");
        let visitor = system.anonymous();
        let asked = tokio::task::spawn_blocking(move || visitor.send("{ courses { totalCount } }", json!({})));
        asked.await.expect("an answer")
    });

    assert_eq!(answer.error(), Some("SERVICE_UNAVAILABLE"));
    becomes(&url, "lyceum_subgraph_request_duration_seconds_count", &of_course, answered + 1.0);
}

/// An event that the service that it is for will not take: it is put there by hand.
fn set_one_aside(system: &System) {
    use sqlx::{Connection as _, PgConnection, query};
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut db = PgConnection::connect(&system.addresses.databases["identity"]).await.expect("the database");
        let event = "insert into outbox_events (event_id, destination, type, subject, event)
             values (gen_random_uuid(), 'notification', 'lyceum.user.registered', gen_random_uuid(), '{}')";
        query(event).execute(&mut db).await.expect("an event");
    });
}

#[test]
fn a_log_line_in_json_belongs_to_its_trace() {
    let system = System::start(&["--temporary", "--empty", "--log-format", "json"]);
    let (id, parent) = begin();
    let input = json!({ "email": "ada@logged.example", "password": PASSWORD, "name": "Ada" });

    traced(&system.anonymous(), &parent, REGISTER, json!({ "input": input }));

    let start = Instant::now();
    let line = loop {
        let output = system.output();
        if let Some(line) = output.lines().find(|line| line.contains("Registration")) {
            break line.to_owned();
        }
        assert!(start.elapsed() < TIMEOUT, "{output}");
        sleep(Duration::from_millis(50));
    };
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["openTelemetry"]["traceId"], json!(id), "{line}");
}
