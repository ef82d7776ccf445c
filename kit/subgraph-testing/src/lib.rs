//! What the Rust tests share. No product crate depends on it but for its own tests.

pub mod corpus;
pub mod events;
pub mod pages;
pub mod transcript;

use std::{
    fmt::Debug,
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_graphql::{Request, Variables};
use chrono::{TimeDelta, Utc};
use ed25519_dalek::pkcs8::{EncodePrivateKey as _, KeypairBytes};
use futures::{StreamExt as _, stream::BoxStream};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use serde_json::Value;
use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::DefaultGuard,
};
use uuid::Uuid;

use auth::token::Verifier;
use contracts::{
    UserId,
    claims::{AUDIENCE, Claims, ISSUER, Role},
};
use service::Subgraph;
use subgraph_kit::client_ip;

const KEY_ID: &str = "test";

/// A subgraph under test, asked as a router asks it.
#[derive(Clone)]
pub struct TestApp {
    subgraph: Subgraph,
}

/// Somebody who sends requests to a subgraph under test.
pub struct TestClient {
    subgraph: Subgraph,
    headers: HeaderMap,
}

/// What a subgraph under test answered.
#[derive(Debug)]
pub struct Reply(pub Value);

impl TestApp {
    /// A test of `subgraph`, which must know the keys of `verifier()`.
    #[must_use]
    pub fn new(subgraph: Subgraph) -> Self {
        transcript::trace();
        Self { subgraph }
    }

    /// Nobody signed in.
    #[must_use]
    pub fn anonymous(&self) -> TestClient {
        TestClient { subgraph: self.subgraph.clone(), headers: HeaderMap::new() }
    }

    /// A student.
    #[must_use]
    pub fn student(&self, id: Uuid) -> TestClient {
        self.signed_in(id, Role::Student, false)
    }

    /// A verified teacher.
    #[must_use]
    pub fn teacher(&self, id: Uuid) -> TestClient {
        self.signed_in(id, Role::Teacher, true)
    }

    /// A teacher who waits for verification.
    #[must_use]
    pub fn unverified_teacher(&self, id: Uuid) -> TestClient {
        self.signed_in(id, Role::Teacher, false)
    }

    /// An admin.
    #[must_use]
    pub fn admin(&self) -> TestClient {
        self.signed_in(Uuid::from_u128(0xad), Role::Admin, false)
    }

    fn signed_in(&self, id: Uuid, role: Role, is_verified: bool) -> TestClient {
        self.with_authorization(&format!("Bearer {}", token(&claims(UserId(id), role, is_verified))))
    }

    /// Whoever sends this header.
    ///
    /// # Panics
    /// If no header can have this value.
    #[must_use]
    pub fn with_authorization(&self, value: &str) -> TestClient {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).expect("a header's value"));
        TestClient { subgraph: self.subgraph.clone(), headers }
    }
}

impl TestClient {
    /// The same, at a network address.
    ///
    /// # Panics
    /// If `address` is none.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().expect("a network address");
        self.headers.insert(client_ip::HEADER, HeaderValue::from_str(&address.to_string()).expect("a header's value"));
        self
    }

    /// Sends a document with variables.
    ///
    /// # Panics
    /// Never: an answer is JSON.
    pub async fn send(&self, document: &str, variables: Value) -> Reply {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let response = self.subgraph.execute(&self.headers, request).await;
        let answer = serde_json::to_value(response).expect("an answer is JSON");
        transcript::answer(&answer);
        Reply(answer)
    }

    /// Sends a subscription, and gives each answer that comes.
    ///
    /// # Panics
    /// Never: an answer is JSON.
    #[must_use]
    pub fn subscribe(&self, document: &str, variables: Value) -> BoxStream<'static, Reply> {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let answers = self.subgraph.subscribe(&self.headers, request);
        let reply = |response| {
            let answer = serde_json::to_value(response).expect("an answer is JSON");
            transcript::answer(&answer);
            Reply(answer)
        };
        answers.map(reply).boxed()
    }

    /// Asks for entities by their representations, as the router does.
    pub async fn entities(&self, selection: &str, representations: Value) -> Reply {
        let document = format!(
            "query ($representations: [_Any!]!) {{ _entities(representations: $representations) {{ {selection} }} }}"
        );
        self.send(&document, serde_json::json!({ "representations": representations })).await
    }
}

impl Reply {
    /// The data at a JSON pointer such as `/course/title`.
    ///
    /// # Panics
    /// If there is nothing there.
    #[must_use]
    pub fn data(&self, pointer: &str) -> &Value {
        self.0["data"].pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer} in {}", self.0))
    }

    /// The code of the first error.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.0.pointer("/errors/0/extensions/code").and_then(Value::as_str)
    }

    /// The codes of all errors.
    #[must_use]
    pub fn errors(&self) -> Vec<&str> {
        let errors = self.0["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["extensions"]["code"].as_str()).collect()
    }

    /// Code and field of each user error in the payload of a mutation's only field.
    #[must_use]
    pub fn user_errors(&self) -> Vec<(&str, String)> {
        let payload = self.0["data"].as_object().and_then(|data| data.values().next());
        let errors = payload.and_then(|payload| payload["userErrors"].as_array());
        errors.into_iter().flatten().map(code_and_field).collect()
    }

    /// The answer, if it has no error.
    ///
    /// # Panics
    /// If it has one.
    #[must_use]
    pub fn ok(self) -> Self {
        assert!(self.0.get("errors").is_none(), "{}", self.0);
        self
    }
}

fn code_and_field(error: &Value) -> (&str, String) {
    let field = error["field"].as_array().into_iter().flatten().filter_map(Value::as_str).skip(1).collect::<Vec<_>>();
    (error["code"].as_str().unwrap_or_default(), field.join("."))
}

/// Knows the key that the people of this test process sign in with.
#[must_use]
pub fn verifier() -> Verifier {
    Verifier::new(&keys().public)
}

/// Claims that are good for a minute.
#[must_use]
pub fn claims(id: UserId, role: Role, is_verified: bool) -> Claims {
    let now = Utc::now();
    Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: id.0,
        iat: now.timestamp(),
        exp: (now + TimeDelta::minutes(1)).timestamp(),
        jti: Uuid::now_v7(),
        role,
        is_verified,
        scope: String::new(),
    }
}

/// A token that says this.
///
/// # Panics
/// Never: the key is good.
#[must_use]
pub fn token(claims: &Claims) -> String {
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::EdDSA) };
    jsonwebtoken::encode(&header, claims, &keys().private).expect("the key signs")
}

struct Keys {
    private: EncodingKey,
    public: JwkSet,
}

/// Made anew in each process, so that no key is in the source.
fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut secret = [0; 32];
        secret[..16].copy_from_slice(Uuid::now_v7().as_bytes());
        secret[16..].copy_from_slice(Uuid::now_v7().as_bytes());
        // Without the public half, which not every library reads.
        let key = KeypairBytes { secret_key: secret, public_key: None };
        let der = key.to_pkcs8_der().expect("a key has a DER form");
        let private = EncodingKey::from_ed_der(der.as_bytes());
        let mut jwk = Jwk::from_encoding_key(&private, Algorithm::EdDSA).expect("a public key");
        jwk.common.key_id = Some(KEY_ID.to_owned());
        Keys { private, public: JwkSet { keys: vec![jwk] } }
    })
}

/// Counts the SQL statements of this thread while it lives.
pub struct StatementCount {
    count: Arc<AtomicUsize>,
    _guard: DefaultGuard,
}

impl StatementCount {
    /// Begins to count.
    #[must_use]
    pub fn start() -> Self {
        // While a process has a single subscriber, `tracing` asks the first thread that runs a
        // statement whether statements matter, and takes its no for all threads'. So there are two.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(Counter(Arc::default())));

        let count = Arc::new(AtomicUsize::new(0));
        let guard = tracing::subscriber::set_default(Counter(Arc::clone(&count)));
        Self { count, _guard: guard }
    }

    /// How many there have been.
    #[must_use]
    pub fn get(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

struct Counter(Arc<AtomicUsize>);

/// A statement is not ours when the driver looks up a type, which it does once on each connection.
struct Statement {
    is_ours: bool,
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" && value.starts_with("SELECT pg_type.oid") {
            self.is_ours = false;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut statement = Statement { is_ours: true };
        event.record(&mut statement);
        self.0.fetch_add(usize::from(statement.is_ours), Ordering::Relaxed);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
