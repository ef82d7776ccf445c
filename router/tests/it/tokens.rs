//! Authentication: no credentials are anonymous, invalid ones an error.

use auth::token::LEEWAY_SECONDS;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey as _};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::StatusCode;
use serde_json::{Value, json};
use subgraph_testing::{KEY_ID, Reply, key_set, token};

use crate::support::{ALICE, App, Transport, claims, reply};

const ME: &str = "{ me { id } courses { id } }";

fn assert_rejected(reply: &Reply) {
    assert_eq!(reply.error(), Some("UNAUTHENTICATED"), "{reply:?}");
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json.get("data").unwrap_or(&Value::Null), &Value::Null);
    assert_eq!(reply.message(), "The access token is invalid or has expired. Sign in again.");
}

async fn with_header(values: &[String]) -> Reply {
    let mut request = App::get().post().json(&json!({ "query": ME }));
    for value in values {
        request = request.header("authorization", value);
    }
    reply(request).await
}

#[tokio::test]
async fn no_credentials_are_anonymous() {
    let reply = App::get().query(ME).await;

    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.json["data"]["me"], Value::Null);
    assert_eq!(reply.json.get("errors"), None);
}

#[tokio::test]
async fn an_empty_header_is_no_credentials() {
    for empty in ["", " ", "\t"] {
        let reply = with_header(&[empty.to_owned()]).await;

        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        assert_eq!(reply.json["data"]["me"], Value::Null);
        assert_eq!(reply.json.get("errors"), None);
    }
    assert_rejected(&with_header(&[String::new(), String::new()]).await);
    assert_rejected(&with_header(&[String::new(), format!("Bearer {}", token(&claims()))]).await);
    assert_rejected(&with_header(&["Bearer".to_owned()]).await);
}

#[tokio::test]
async fn a_good_token_reaches_the_subgraph() {
    let reply = App::get().query_as(&token(&claims()), ME).await;

    assert_eq!(reply.json["data"]["me"]["id"], ALICE.to_string(), "{reply:?}");
}

#[tokio::test]
async fn an_expired_token_is_rejected() {
    let mut claims = claims();
    claims.exp -= 2_000;

    assert_rejected(&App::get().query_as(&token(&claims), ME).await);
}

/// So no subgraph gets a token that it would reject field by field.
#[tokio::test]
async fn a_token_is_good_for_as_long_after_its_end_as_it_is_for_subgraphs() {
    for ended in [1, 2, LEEWAY_SECONDS + 3, 10, 30, 59, 60, 61, 120] {
        for transport in [Transport::InProcess, Transport::Http] {
            let mut claims = claims();
            claims.exp -= 900 + i64::try_from(ended).expect("it is small");

            let reply = App::over(transport).query_as(&token(&claims), ME).await;

            if ended < LEEWAY_SECONDS {
                assert_eq!(reply.json["data"]["me"]["id"], ALICE.to_string(), "{ended} s: {reply:?}");
            } else {
                assert_rejected(&reply);
            }
        }
    }
}

#[tokio::test]
async fn the_scheme_has_no_letter_case() {
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        for transport in [Transport::InProcess, Transport::Http] {
            let request = App::over(transport).post().json(&json!({ "query": ME }));
            let reply = reply(request.header("authorization", format!("{scheme} {}", token(&claims())))).await;

            assert_eq!(reply.json["data"]["me"]["id"], ALICE.to_string(), "{scheme}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn another_issuers_token_is_rejected() {
    let mut claims = claims();
    claims.iss = "somebody".to_owned();

    assert_rejected(&App::get().query_as(&token(&claims), ME).await);
}

#[tokio::test]
async fn a_token_for_others_is_rejected() {
    let mut claims = claims();
    claims.aud = "others".to_owned();

    assert_rejected(&App::get().query_as(&token(&claims), ME).await);
}

#[tokio::test]
async fn a_forged_token_is_rejected() {
    let key = SigningKey::from_bytes(&[8; 32]).to_pkcs8_der().expect("the key can be written");
    let key = EncodingKey::from_ed_der(key.as_bytes());

    for kid in [KEY_ID, "unknown"] {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let token = jsonwebtoken::encode(&header, &claims(), &key).expect("it can be signed");
        assert_rejected(&App::get().query_as(&token, ME).await);
    }
}

#[tokio::test]
async fn a_token_signed_with_the_public_key_is_rejected() {
    let key = json!(key_set())["keys"][0]["x"].take();
    let public = BASE64_URL_SAFE_NO_PAD.decode(key.as_str().expect("a public half")).expect("base64");
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(&public)).expect("it can be signed");

    assert_rejected(&App::get().query_as(&token, ME).await);
}

#[tokio::test]
async fn an_unsigned_token_is_rejected() {
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let body = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).expect("claims are JSON"));

    assert_rejected(&App::get().query_as(&format!("{header}.{body}."), ME).await);
}

#[tokio::test]
async fn what_is_no_token_is_rejected() {
    let good = token(&claims());
    for value in ["Bearer", "Bearer ", "Bearer x", "Basic YTpi", "garbage"] {
        assert_rejected(&with_header(&[value.to_owned()]).await);
    }
    assert_rejected(&with_header(&[format!("Bearer {good} {good}")]).await);
    assert_rejected(&with_header(&[format!("Bearer {good}x")]).await);
}

#[tokio::test]
async fn two_tokens_are_rejected() {
    let good = format!("Bearer {}", token(&claims()));

    assert_rejected(&with_header(&[good.clone(), good]).await);
}

#[tokio::test]
async fn a_token_of_20_kilobytes_breaks_a_limit() {
    let reply = with_header(&[format!("Bearer {}", "x".repeat(20_000))]).await;

    assert_eq!(reply.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(reply.error(), Some("REQUEST_HEADER_FIELDS_TOO_LARGE"));
}

#[tokio::test]
async fn a_bad_token_is_rejected_for_introspection_and_streams_too() {
    let app = App::get();
    assert_rejected(&app.query_as("x", "{ __typename }").await);

    let stream = app.post().bearer_auth("x").header("accept", "text/event-stream");
    let stream = reply(stream.json(&json!({ "query": "subscription { ticks }" }))).await;

    assert!(stream.text.contains("UNAUTHENTICATED"), "{stream:?}");
}

/// Equal requests in flight share one response. These must not: one has a token.
#[tokio::test]
async fn what_is_no_text_is_not_taken_for_no_credentials() {
    let app = App::impatient(Transport::InProcess);
    let slow = || app.post().json(&json!({ "query": "{ slow courses { id } }" }));
    for _ in 0..3 {
        let wrong = slow().header("authorization", b"Bearer \xff".as_slice());

        let (anonymous, wrong) = tokio::join!(reply(slow()), reply(wrong));

        assert!(anonymous.json["data"]["courses"].is_array(), "{anonymous:?}");
        assert_rejected(&wrong);
    }
}
