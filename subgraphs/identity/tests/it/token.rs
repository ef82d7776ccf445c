//! Which tokens are accepted.

use std::collections::BTreeSet;

use auth::{signature::RouterAuth, token::Verifier};
use axum::body::{Body, to_bytes};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Utc;
use contracts::{
    UserId,
    claims::{Claims, Role, SELF_PROVING_MUTATIONS},
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use identity::{DEFINITION, Keys, TokenSettings};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{AlgorithmParameters, JwkSet},
};
use serde_json::{Value, json};
use service::{ServiceContext, serve};
use sqlx::PgPool;
use subgraph_kit::Viewer;
use subgraph_testing::{TestApp, claims};
use tower::ServiceExt as _;

use crate::fixtures::*;

/// Identity's keys, with a private key that an attacker would need.
pub struct KnownKey {
    pub keys: Keys,
    private: EncodingKey,
    pub id: String,
}

impl KnownKey {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let keys = Keys::load_or_create(directory.path(), &TokenSettings::default()).expect("keys");
        let id = keys.jwks().keys[0].common.key_id.clone().expect("an id");
        let files = std::fs::read_dir(directory.path()).expect("files").map(|entry| entry.expect("a file").path());
        let file = files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "pem"));
        let pem = std::fs::read(file.expect("a key's file")).expect("a key");
        Self { keys, private: EncodingKey::from_ed_pem(&pem).expect("a key"), id }
    }

    pub fn sign(&self, change: impl FnOnce(&mut Claims)) -> String {
        let mut claims = bobs_claims();
        change(&mut claims);
        self.sign_with(Some(&self.id), &claims)
    }

    fn sign_with(&self, id: Option<&str>, claims: &impl serde::Serialize) -> String {
        let header = Header { kid: id.map(str::to_owned), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.private).expect("a token")
    }

    /// Signs with the public key as the secret of an HMAC, as an attacker could.
    fn sign_with_the_public_half(&self, secret: &[u8]) -> String {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &bobs_claims(), &EncodingKey::from_secret(secret)).expect("a token")
    }

    fn public_half(&self) -> String {
        match &self.keys.jwks().keys[0].algorithm {
            AlgorithmParameters::OctetKeyPair(key) => key.x.clone(),
            other => panic!("no Ed25519 key: {other:?}"),
        }
    }
}

fn bobs_claims() -> Claims {
    claims(UserId(BOB), Role::Student, false)
}

fn unsigned(header: &Value) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = serde_json::to_value(bobs_claims()).expect("claims");
    format!("{}.{}.", encode(header), encode(&claims))
}

fn authorization(values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(AUTHORIZATION, HeaderValue::from_str(value).expect("a header's value"));
    }
    headers
}

async fn rejection(verifier: &Verifier, values: &[&str]) -> Option<&'static str> {
    verifier.viewer(&authorization(values)).await.err().map(|error| error.code())
}

async fn published(db: PgPool, keys: &Keys) -> JwkSet {
    let mut context = ServiceContext::new(keys.verifier());
    context.own.insert(keys.clone());
    context.own.insert(settings());
    let subgraph = (DEFINITION.open)(db.into(), &context).await.expect("the subgraph opens");
    let routes = DEFINITION.with_public_routes(serve::routes(subgraph, RouterAuth::InsecureDev), &context);
    let request = Request::get("/.well-known/jwks.json").body(Body::empty()).expect("a request");
    let response = routes.oneshot(request).await.expect("an answer");

    assert_eq!(response.status(), StatusCode::OK);
    let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
    assert!(!String::from_utf8_lossy(&body).contains("\"d\""), "the private half is private");
    serde_json::from_slice(&body).expect("a key set")
}

#[sqlx::test(migrations = "../../migrations/identity")]
async fn whoever_reads_the_published_keys_believes_our_tokens(db: PgPool) {
    let key = KnownKey::new();
    let verifier = Verifier::new(&published(db, &key.keys).await);

    let token = key.sign(|_| ());
    let viewer = verifier.viewer(&authorization(&[&format!("Bearer {token}")])).await.expect("a viewer");

    assert_eq!(viewer, Viewer::SignedIn { id: UserId(BOB), role: Role::Student, is_verified: false });
}

#[tokio::test]
async fn no_header_is_an_anonymous_viewer() {
    let viewer = KnownKey::new().keys.verifier().viewer(&HeaderMap::new()).await.expect("a viewer");

    assert_eq!(viewer, Viewer::Anonymous);
}

#[tokio::test]
async fn an_empty_header_is_an_anonymous_viewer() {
    let verifier = KnownKey::new().keys.verifier();

    for blank in ["", " ", "\t "] {
        let viewer = verifier.viewer(&authorization(&[blank])).await.expect("a viewer");
        assert_eq!(viewer, Viewer::Anonymous, "{blank:?}");
        assert_eq!(rejection(&verifier, &[blank, blank]).await, Some("UNAUTHENTICATED"), "two are too many");
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn an_invalid_token_costs_only_what_needs_a_viewer(db: PgPool) {
    let app = real_app(db, &settings()).await;
    let mutations = [
        "login(input: { email: \"bob@lyceum.example\", password: \"x\" }) { userErrors { code } }",
        "refreshSession(input: { refreshToken: \"x\" }) { userErrors { code } }",
        "logout(input: { refreshToken: \"x\" }) { userErrors { code } }",
        "register(input: { email: \"\", password: \"\", name: \"\" }) { userErrors { code } }",
        "requestPasswordReset(input: { email: \"bob@lyceum.example\" }) { userErrors { code } }",
        "resetPassword(input: { token: \"x\", newPassword: \"x\" }) { userErrors { code } }",
        "verifyEmail(input: { token: \"x\" }) { userErrors { code } }",
        "confirmEmailChange(input: { token: \"x\" }) { userErrors { code } }",
    ];
    let names: Vec<_> = mutations.iter().filter_map(|mutation| mutation.split('(').next()).collect();
    assert_eq!(BTreeSet::from_iter(names), BTreeSet::from(SELF_PROVING_MUTATIONS));

    for token in ["nonsense", &KnownKey::new().sign(|_| ()), &KnownKey::new().sign(|claims| claims.exp -= 2_000)] {
        let client = bearer(&app, token);
        for mutation in mutations {
            let reply = client.send(&format!("mutation {{ a: {mutation} b: {mutation} }}"), json!({})).await.ok();
            assert!(reply.data("/b/userErrors").is_array(), "{reply:?}");
            for mixed in [
                format!("mutation {{ a: {mutation} endOtherSessions {{ count }} }}"),
                format!("mutation A {{ a: {mutation} }} query B {{ me {{ id }} }}"),
                format!("mutation {{ ... {{ endOtherSessions {{ count }} }} a: {mutation} }}"),
                format!("mutation {{ ...F a: {mutation} }} fragment F on Mutation {{ endOtherSessions {{ count }} }}"),
                format!(
                    "mutation {{ {} endOtherSessions {{ count }} }}",
                    mutation.replacen(") {", ") @skip(if: true) {", 1)
                ),
                format!("mutation {{ a: {mutation} ... @include(if: true) {{ endOtherSessions {{ count }} }} }}"),
                "mutation { login: endOtherSessions { count } }".to_owned(),
                "{ login: me { id } }".to_owned(),
            ] {
                let request = json!({ "query": mixed, "operationName": mixed.contains("query B").then_some("A") });
                assert_eq!(client.send_request(&request).await.error(), Some("UNAUTHENTICATED"), "{mixed}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_not_ours_or_not_for_now_is_refused() {
    let key = KnownKey::new();
    let verifier = key.keys.verifier();
    let good = key.sign(|_| ());
    let no_uuid = {
        let mut claims = serde_json::to_value(bobs_claims()).expect("claims");
        claims["sub"] = json!("bob");
        key.sign_with(Some(&key.id), &claims)
    };
    let with_claim = |name: &str, value: Value| {
        let mut claims = serde_json::to_value(bobs_claims()).expect("claims");
        claims[name] = value;
        key.sign_with(Some(&key.id), &claims)
    };
    let nested = |depth| (0..depth).fold(json!(1), |inside, _| json!([inside]));
    let raw_public_half = BASE64_URL_SAFE_NO_PAD.decode(key.public_half()).expect("base64");

    for (what, token) in [
        ("expired", key.sign(|claims| claims.exp = Utc::now().timestamp() - 60)),
        ("of another issuer", key.sign(|claims| claims.iss = "elsewhere".to_owned())),
        ("for another audience", key.sign(|claims| claims.aud = "elsewhere".to_owned())),
        ("unsigned", unsigned(&json!({ "alg": "none", "typ": "JWT", "kid": key.id }))),
        ("unsigned, but says EdDSA", unsigned(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": key.id }))),
        ("an HMAC by the public key", key.sign_with_the_public_half(&raw_public_half)),
        ("an HMAC by the public key's text", key.sign_with_the_public_half(key.public_half().as_bytes())),
        ("truncated", good[..good.len() - 1].to_owned()),
        ("without its signature", good[..good.rfind('.').expect("a dot")].to_owned()),
        ("of an unknown key", key.sign_with(Some("unknown"), &bobs_claims())),
        ("of no key", key.sign_with(None, &bobs_claims())),
        ("of another key by this name", KnownKey::new().sign_with(Some(&key.id), &bobs_claims())),
        ("of nobody's id", no_uuid),
        ("with a huge claim", with_claim("name", json!("x".repeat(100_000)))),
        ("with a deep claim", with_claim("role", nested(1_000))),
        ("with a list where a text belongs", with_claim("scope", nested(1))),
        ("with a claim of another type", with_claim("exp", json!({ "at": 1 }))),
        ("for several audiences", with_claim("aud", json!(["lyceum", "elsewhere"]))),
        ("without an end", with_claim("exp", Value::Null)),
        ("of an unknown role", with_claim("role", json!("owner"))),
        ("nothing", String::new()),
        ("huge", "x".repeat(20_000)),
    ] {
        let rejection = rejection(&verifier, &[&format!("Bearer {token}")]).await;

        assert_eq!(rejection, Some("UNAUTHENTICATED"), "a token that is {what}");
    }
    assert_eq!(rejection(&verifier, &[&format!("Bearer {good}")]).await, None);
}

#[tokio::test]
async fn a_token_that_was_believed_is_not_any_more_once_its_key_is_gone() {
    let (key, next) = (KnownKey::new(), KnownKey::new());
    let verifier = Verifier::new(&key.keys.jwks());
    let header = format!("Bearer {}", key.sign(|_| ()));
    let others = format!("Bearer {}", next.sign(|_| ()));

    assert_eq!(rejection(&verifier, &[&header]).await, None);
    assert_eq!(rejection(&verifier, &[&header]).await, None);
    verifier.replace(&key.keys.jwks());
    assert_eq!(rejection(&verifier, &[&header]).await, None, "the same keys");

    verifier.replace(&next.keys.jwks());
    assert_eq!(rejection(&verifier, &[&header]).await, Some("UNAUTHENTICATED"));
    assert_eq!(rejection(&verifier, &[&others]).await, None);

    verifier.replace(&key.keys.jwks());
    assert_eq!(rejection(&verifier, &[&header]).await, None);
    assert_eq!(rejection(&verifier, &[&others]).await, Some("UNAUTHENTICATED"));
}

/// So that a claim can be added without upgrading all verifiers at once.
#[tokio::test]
async fn a_claim_that_we_do_not_know_changes_nothing_however_deep() {
    let key = KnownKey::new();
    let mut claims = serde_json::to_value(bobs_claims()).expect("claims");
    claims["note"] = (0..1_000).fold(json!(1), |inside, _| json!([inside]));
    let token = key.sign_with(Some(&key.id), &claims);

    let viewer = key.keys.verifier().viewer(&authorization(&[&format!("Bearer {token}")])).await.expect("a viewer");

    assert_eq!(viewer, Viewer::SignedIn { id: UserId(BOB), role: Role::Student, is_verified: false });
}

#[tokio::test]
async fn a_header_with_anything_but_one_token_is_refused() {
    let key = KnownKey::new();
    let verifier = key.keys.verifier();
    let bearer = format!("Bearer {}", key.sign(|_| ()));

    for values in [
        &[bearer.as_str(), &bearer] as &[&str],
        &[&bearer, "Basic Ym9iOmJvYg=="],
        &[&format!("{bearer}, {bearer}")],
        &[&format!("{bearer} {bearer}")],
        &["Bearer"],
        &["Basic Ym9iOmJvYg=="],
    ] {
        assert_eq!(rejection(&verifier, values).await, Some("UNAUTHENTICATED"));
    }
}

#[sqlx::test(migrations = "../../migrations/identity", fixtures("users"))]
async fn a_bad_token_fails_even_what_everyone_may_see(db: PgPool) {
    let key = KnownKey::new();
    let subgraph = identity::subgraph(db, &key.keys, &ServiceContext::new(key.keys.verifier()), &settings())
        .await
        .expect("the subgraph opens");
    let app = TestApp::new(subgraph);
    let expired = key.sign(|claims| claims.exp = 0);

    let reply = bearer(&app, &expired).send("query ($id: ID!) { user(id: $id) { name } }", json!({ "id": BOB })).await;

    assert_eq!(reply.error(), Some("UNAUTHENTICATED"));
    assert_eq!(reply.json["data"], Value::Null);
}
