//! No error and no log line contains a client's value, however invalid it is.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use async_graphql::{EmptyMutation, EmptySubscription, Enum, ID, InputObject, Object, dataloader::Loader};
use chrono::{DateTime, Utc};
use contracts::{CourseId, money::MoneyInput};
use serde_json::{Value, json};
use service::Subgraph;
use sqlx::PgPool;
use subgraph_testing::{TestApp, verifier};
use tracing::Level as LogLevel;

/// A part of every value that is sent.
const MARKER: &str = "marker7319";
const NUMBER: &str = "7319731973197319";

struct Query;

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum Level {
    Low,
    High,
}

/// Every type that an argument of the graph has.
#[derive(InputObject)]
struct Everything {
    int: Option<i32>,
    float: Option<f64>,
    string: Option<String>,
    boolean: Option<bool>,
    id: Option<ID>,
    key: Option<CourseId>,
    level: Option<Level>,
    decimal: Option<MoneyInput>,
    time: Option<DateTime<Utc>>,
    list: Option<Vec<i32>>,
    #[graphql(default)]
    inner: Vec<Everything>,
}

/// The fields of [`Everything`], with their types.
const TYPES: [(&str, &str); 11] = [
    ("int", "Int"),
    ("float", "Float"),
    ("string", "String"),
    ("boolean", "Boolean"),
    ("id", "ID"),
    ("key", "ID"),
    ("level", "Level"),
    ("decimal", "Decimal"),
    ("time", "DateTime"),
    ("list", "[Int!]"),
    ("inner", "[Everything!]"),
];

#[Object]
impl Query {
    #[expect(clippy::too_many_arguments, reason = "there is one of each type")]
    async fn field(
        &self,
        int: Option<i32>,
        float: Option<f64>,
        string: Option<String>,
        boolean: Option<bool>,
        id: Option<ID>,
        key: Option<CourseId>,
        level: Option<Level>,
        decimal: Option<MoneyInput>,
        time: Option<DateTime<Utc>>,
        list: Option<Vec<i32>>,
        inner: Option<Vec<Everything>>,
    ) -> bool {
        let given = [int.is_some(), float.is_some(), string.is_some(), boolean.is_some(), id.is_some(), key.is_some()];
        let others = [level.is_some(), decimal.is_some(), time.is_some(), list.is_some(), inner.is_some()];
        given.into_iter().chain(others).any(|is_given| is_given)
    }

    async fn everything(&self, input: Everything) -> usize {
        let scalars = (input.int, input.float, input.string, input.boolean, input.id, input.key);
        let others = (input.level, input.decimal, input.time, input.list);
        size_of_val(&scalars) + size_of_val(&others) + input.inner.len()
    }
}

#[derive(Clone)]
struct NoStore;

impl Loader<u8> for NoStore {
    type Value = u8;
    type Error = subgraph_kit::Error;

    async fn load(&self, _: &[u8]) -> Result<std::collections::HashMap<u8, u8>, Self::Error> {
        Ok(std::collections::HashMap::new())
    }
}

/// Values of every kind, each with a marker.
fn values() -> Vec<Value> {
    let number: Value = serde_json::from_str(NUMBER).expect("a number");
    let float: Value = serde_json::from_str(&format!("{NUMBER}.5")).expect("a number");
    let tricky =
        format!("\", found {MARKER}\" of type \"{MARKER}\" does not contain \"{MARKER}[StringValue]`\n{MARKER}");
    let object = json!({ MARKER: MARKER, "int": MARKER, "inner": [{ MARKER: number }] });
    let scalars = [json!(MARKER), number, float, json!(tricky), object];
    let lists = scalars.iter().map(|value| json!([value, [value]])).collect::<Vec<_>>();
    scalars.into_iter().chain(lists).collect()
}

/// A value as a GraphQL literal.
fn literal(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {}", literal(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        scalar => scalar.to_string(),
    }
}

/// Requests with each value in each possible position.
fn requests() -> Vec<(String, Value)> {
    let mut requests = Vec::new();
    for value in values() {
        for (name, of) in TYPES {
            let text = literal(&value);
            requests.extend([
                (format!("query ($v: {of}) {{ field({name}: $v) }}"), json!({ "v": value })),
                ("query ($v: Everything!) { everything(input: $v) }".to_owned(), json!({ "v": { name: value } })),
                (
                    "query ($v: Everything!) { everything(input: $v) }".to_owned(),
                    json!({ "v": { "inner": [{ name: value }] } }),
                ),
                (format!("query ($v: {of}) {{ everything(input: {{ {name}: $v }}) }}"), json!({ "v": value })),
                // A variable whose type does not match its position.
                (format!("query ($v: String) {{ field({name}: $v) }}"), json!({ "v": value })),
                (format!("{{ field({name}: {text}) }}"), json!({})),
                (format!("{{ everything(input: {{ inner: {{ {name}: {text} }} }}) }}"), json!({})),
                (format!("query ($v: {of} = {text}) {{ field({name}: $v) }}"), json!({})),
            ]);
        }
    }
    requests
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody has panicked").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_value_is_in_an_error_or_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(LogLevel::DEBUG).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let db = PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/none").expect("an address");
    let schema = service::build(Query, EmptyMutation, EmptySubscription).finish();
    let app = TestApp::new(Subgraph::new("values", schema, NoStore, db, verifier()));
    let client = app.anonymous();

    let (mut refused, mut loud) = (0, Vec::new());
    for (document, variables) in requests() {
        let answer = client.send(&document, variables).await.json;
        let errors = answer["errors"].to_string();
        refused += usize::from(answer["errors"].is_array());
        if errors.contains(MARKER) || errors.contains(NUMBER) {
            loud.push(format!("{document}: {errors}"));
        }
    }

    eprintln!("values: {refused} of {} requests were refused", requests().len());
    assert!(refused > 400, "{refused}");
    assert!(loud.is_empty(), "{} errors repeat a value: {loud:#?}", loud.len());
    let log = String::from_utf8(log.0.lock().expect("nobody has panicked").clone()).expect("text");
    assert!(!log.contains(MARKER) && !log.contains(NUMBER), "{log}");
}
