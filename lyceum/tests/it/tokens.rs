//! Bad tokens, at the router and straight at each subgraph.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::system::{STUDENT, System, code};

/// Tokens that must not pass, made from a good one.
fn bad_tokens(good: &str) -> Vec<(&'static str, String)> {
    let mut parts = good.split('.');
    let (header, claims, signature) =
        (parts.next().expect("a header"), parts.next().expect("claims"), parts.next().expect("a signature"));
    let changed = |part: &str, name: &str, value: Value| {
        let mut object: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON");
        object[name] = value;
        BASE64_URL_SAFE_NO_PAD.encode(object.to_string())
    };
    vec![
        ("expired and re-encoded", format!("{header}.{}.{signature}", changed(claims, "exp", json!(1)))),
        ("promoted to admin", format!("{header}.{}.{signature}", changed(claims, "role", json!("admin")))),
        ("wrong issuer", format!("{header}.{}.{signature}", changed(claims, "iss", json!("somebody")))),
        ("algorithm none", format!("{}.{claims}.", changed(header, "alg", json!("none")))),
        ("algorithm HS256", format!("{}.{claims}.{signature}", changed(header, "alg", json!("HS256")))),
        ("unknown key", format!("{}.{claims}.{signature}", changed(header, "kid", json!("nobody")))),
        ("truncated", good[..good.len() - 10].to_owned()),
        ("no token at all", "rubbish".to_owned()),
        ("empty", String::new()),
    ]
}

#[test]
fn the_router_refuses_bad_tokens() {
    let system = System::shared();
    let good = system.sign_in(STUDENT);

    for (what, token) in bad_tokens(good.token()) {
        let answer =
            system.anonymous().with_token(&token).ask("{ me { id } courses(first: 1) { totalCount } }", json!({}));
        assert_eq!(code(&answer), "UNAUTHENTICATED", "{what}: {answer}");
        assert!(answer["data"].is_null(), "{what}: {answer}");
    }
}

#[test]
fn each_subgraph_refuses_bad_tokens_for_itself() {
    let system = System::shared();
    let good = system.sign_in(STUDENT);

    for name in system.addresses.subgraphs.keys() {
        let subgraph = system.subgraph(name);
        assert_eq!(
            subgraph.with_token(good.token()).data("{ __typename }", json!({}))["__typename"],
            "Query",
            "{name}"
        );
        for (what, token) in bad_tokens(good.token()) {
            let answer = subgraph.with_token(&token).ask("{ __typename }", json!({}));
            assert_eq!(code(&answer), "UNAUTHENTICATED", "{name}, {what}: {answer}");
        }
    }
}
