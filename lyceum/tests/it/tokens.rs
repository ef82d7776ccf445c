//! Bad tokens, at the router and straight at each subgraph.

use std::fs;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::blocking::Response;
use serde_json::{Value, json};

use crate::live::{Follower, TRANSPORTS};
use crate::system::{PASSWORD, STUDENT, System};

/// Tokens that must not pass: made from a good one, or signed with the real key.
fn bad_tokens(system: &System, good: &str) -> Vec<(&'static str, String)> {
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
        ("by a key of the public half", hmac_with_public_half(system, good)),
        ("for another audience", signed(system, good, "aud", json!("elsewhere"))),
        ("of somebody without a UUID", signed(system, good, "sub", json!("student"))),
        ("with a huge claim", signed(system, good, "note", json!("x".repeat(8_000)))),
        ("with a deep claim", signed(system, good, "role", (0..1_000).fold(json!(1), |inside, _| json!([inside])))),
        ("two in one", format!("{good} {good}")),
        ("two in a list", format!("{good}, Bearer {good}")),
        ("truncated", good[..good.len() - 10].to_owned()),
        ("no token at all", "rubbish".to_owned()),
        ("empty", String::new()),
    ]
}

/// A good token with one claim changed, signed as identity does.
fn signed(system: &System, good: &str, name: &str, value: Value) -> String {
    let claims = good.split('.').nth(1).expect("claims");
    let mut claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON");
    claims[name] = value;
    let header = jsonwebtoken::decode_header(good).expect("a header");
    jsonwebtoken::encode(&header, &claims, &private_key(system)).expect("it can be signed")
}

fn private_key(system: &System) -> EncodingKey {
    let files =
        fs::read_dir(system.addresses.data.join("keys")).expect("keys").map(|entry| entry.expect("a key").path());
    let file = files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "pem"));
    EncodingKey::from_ed_pem(&fs::read(file.expect("a key")).expect("a key")).expect("a key")
}

/// What who knows only the published half can sign.
fn hmac_with_public_half(system: &System, good: &str) -> String {
    let keys: Value = reqwest::blocking::get(&system.addresses.jwks).and_then(Response::json).expect("keys");
    let public = BASE64_URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().expect("a public half")).expect("base64");
    let header =
        Header { kid: jsonwebtoken::decode_header(good).expect("a header").kid, ..Header::new(Algorithm::HS256) };
    let claims = good.split('.').nth(1).expect("claims");
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON");
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&public)).expect("it can be signed")
}

#[test]
fn a_token_of_20_kilobytes_breaks_a_limit_of_the_router() {
    let answer = System::shared().anonymous().with_token(&"x".repeat(20_000)).send("{ __typename }", json!({}));

    assert_eq!(answer.error(), Some("REQUEST_HEADER_FIELDS_TOO_LARGE"));
}

#[test]
fn the_router_refuses_bad_tokens() {
    let system = System::shared();
    let good = system.sign_in(STUDENT);
    let good = good.token().expect("a token");

    for (what, token) in bad_tokens(system, good) {
        let answer =
            system.anonymous().with_token(&token).send("{ me { id } courses(first: 1) { totalCount } }", json!({}));
        assert_eq!(answer.error(), Some("UNAUTHENTICATED"), "{what}: {answer}");
        // Where only a subgraph sees what is wrong, each field is refused for itself.
        let nothing = [json!(null), json!({ "me": null, "courses": null })];
        assert!(nothing.contains(&answer["data"]), "{what}: {answer}");
    }
}

#[test]
fn each_subgraph_refuses_bad_tokens_for_itself() {
    let system = System::shared();
    let good = system.sign_in(STUDENT);
    let good = good.token().expect("a token");

    for name in system.addresses.subgraphs.keys() {
        let subgraph = system.subgraph(name);
        assert_eq!(subgraph.with_token(good).data("{ __typename }", json!({}))["__typename"], "Query", "{name}");
        let huge = ("of 20 kB", "x".repeat(20_000));
        for (what, token) in bad_tokens(system, good).into_iter().chain([huge]) {
            let answer = subgraph.with_token(&token).send("{ __typename }", json!({}));
            assert_eq!(answer.error(), Some("UNAUTHENTICATED"), "{name}, {what}: {answer}");
        }
    }
}

/// A client that sends its token with every request can sign in, go on, and sign out, whatever became of the token.
#[test]
fn a_bad_token_costs_only_what_needs_a_viewer() {
    let system = System::shared();
    let good = system.sign_in(STUDENT);
    let good = good.token().expect("a token");
    let login = format!(
        "login(input: {{ email: \"{STUDENT}\", password: \"{PASSWORD}\" }}) {{
            session {{ accessToken refreshToken }} user {{ email courses(first: 1) {{ totalCount }} }} userErrors {{ code }}
        }}"
    );

    for (what, token) in bad_tokens(system, good).into_iter().chain([("expired", expired(system, good))]) {
        let visitor = system.anonymous().with_token(&token);
        // Where only a subgraph sees what is wrong, others refuse their fields.
        if visitor.send("{ __typename }", json!({})).error().is_none() {
            let answer = visitor.send(&format!("mutation {{ {login} }}"), json!({}));
            assert_eq!(answer["data"]["login"]["user"]["email"], STUDENT, "{what}");
            continue;
        }
        let signed_in = visitor.data(&format!("mutation {{ {login} }}"), json!({}))["login"].clone();
        assert_eq!(signed_in["user"], json!({ "email": STUDENT, "courses": { "totalCount": 0 } }), "{what}");

        let refresh = "mutation ($token: String!) {
            ... on Mutation { refreshSession(input: { refreshToken: $token }) { session { refreshToken } } }
        }";
        let refreshed = visitor.data(refresh, json!({ "token": signed_in["session"]["refreshToken"] }));
        let token = &refreshed["refreshSession"]["session"]["refreshToken"];
        assert!(token.is_string(), "{what}: {refreshed}");
        let log_out = "mutation ($token: String!) { logout(input: { refreshToken: $token }) { userErrors { code } } }";
        assert_eq!(visitor.data(log_out, json!({ "token": token }))["logout"]["userErrors"], json!([]), "{what}");

        // What needs a viewer.
        let own = format!("mutation {{ {} }}", login.replace("courses(first: 1)", "payments(first: 1)"));
        let answer = visitor.send(&own, json!({}));
        assert_eq!(answer.error(), Some("FORBIDDEN"), "{what}: {answer}");
        assert_eq!(answer["data"]["login"]["user"]["email"], STUDENT, "{what}: {answer}");
        for needs_viewer in [
            "query { me { id } }".to_owned(),
            "mutation { markAllNotificationsRead { count } }".to_owned(),
            "mutation { login: markAllNotificationsRead { count } }".to_owned(),
            format!("mutation {{ {login} markAllNotificationsRead {{ count }} }}"),
            format!("mutation {{ {login} ... {{ markAllNotificationsRead {{ count }} }} }}"),
        ] {
            let answer = visitor.send(&needs_viewer, json!({}));
            assert_eq!(answer.error(), Some("UNAUTHENTICATED"), "{what}: {needs_viewer}: {answer}");
            assert_eq!(answer["data"], json!(null), "{what}: {answer}");
        }
    }
}

/// What needs a viewer does not hide beside what does not.
#[test]
fn a_bad_token_costs_the_same_however_the_document_is_written() {
    let system = System::shared();
    let visitor = system.anonymous().with_token("rubbish");
    let login = format!("login(input: {{ email: \"{STUDENT}\", password: \"{PASSWORD}\" }})");
    let payload = "{ user { email } }";
    let own = "markAllNotificationsRead { count }";

    for (document, operation) in [
        (format!("mutation {{ ...In }} fragment In on Mutation {{ {login} {payload} }}"), None),
        (
            format!(
                "mutation {{ ...A }} fragment A on Mutation {{ ...B }} fragment B on Mutation {{ {login} {{ ...P }} }}
                 fragment P on LoginPayload {{ user {{ email }} }}"
            ),
            None,
        ),
        (format!("mutation {{ {login} @include(if: true) {payload} }}"), None),
        (format!("mutation ($yes: Boolean = true) {{ ... @include(if: $yes) {{ {login} {payload} }} }}"), None),
        (format!("mutation {{ {login} @skip(if: false) {payload} __typename }}"), None),
        (format!("mutation In {{ {login} {payload} }} query Me {{ me {{ id }} }}"), Some("In")),
        (format!("subscription Live {{ notificationAdded {{ id }} }} mutation In {{ {login} {payload} }}"), Some("In")),
    ] {
        let answer = visitor.send_request(&json!({ "query": document, "operationName": operation }));
        assert_eq!(answer["data"]["login"]["user"]["email"], STUDENT, "{document}: {answer}");
    }

    for (document, operation) in [
        (format!("mutation {{ {login} {payload} ...Own }} fragment Own on Mutation {{ {own} }}"), None),
        (
            format!(
                "mutation {{ ...A {login} {payload} }} fragment A on Mutation {{ ...B }} fragment B on Mutation {{ {own} }}"
            ),
            None,
        ),
        (format!("mutation {{ {login} @skip(if: true) {payload} {own} }}"), None),
        (format!("mutation ($no: Boolean = false) {{ {login} {payload} ... @skip(if: $no) {{ {own} }} }}"), None),
        (format!("mutation ($yes: Boolean = true) {{ {login} {payload} ... @include(if: $yes) {{ {own} }} }}"), None),
        (format!("mutation {{ {login} {payload} login: {own} }}"), None),
        (format!("mutation In {{ {login} {payload} }} query Me {{ me {{ id }} }}"), Some("Me")),
        (format!("mutation In {{ {login} {payload} }} mutation Own {{ {own} }}"), Some("Own")),
        (format!("query Q {{ __typename }} mutation In {{ {login} {payload} }}"), Some("Q")),
    ] {
        let answer = visitor.send_request(&json!({ "query": document, "operationName": operation }));
        assert_eq!(answer.error(), Some("UNAUTHENTICATED"), "{document}: {answer}");
        assert_eq!(answer["data"], json!(null), "{document}: {answer}");
    }

    // Not in this graph: if it will be, it must not defer the check.
    for document in [
        format!("mutation {{ {login} {payload} ... @defer {{ {own} }} }}"),
        format!("mutation {{ {login} {{ user {{ email ... @defer {{ payments {{ totalCount }} }} }} }} }}"),
    ] {
        let answer = visitor.send(&document, json!({}));
        assert_eq!(answer.error(), Some("GRAPHQL_VALIDATION_FAILED"), "{document}: {answer}");
        assert_eq!(answer["data"], json!(null), "{document}: {answer}");
    }
}

#[test]
fn a_bad_token_follows_nothing_beside_a_sign_in() {
    let system = System::shared();
    let login = format!("login(input: {{ email: \"{STUDENT}\", password: \"{PASSWORD}\" }}) {{ user {{ email }} }}");
    let document =
        format!("mutation In {{ {login} }} subscription Live {{ notificationAdded {{ id user {{ email }} }} }}");
    let request = json!({ "query": document, "operationName": "Live" });

    for transport in TRANSPORTS {
        let mut follower = Follower::send(&system.addresses.router, transport, Some("rubbish"), &request);
        let told = follower.next().to_string();
        assert!(!told.contains("\"data\":{"), "{transport}: {told}");
        assert!(told.contains("UNAUTHENTICATED") || told.contains("4403"), "{transport}: {told}");
    }
}

#[test]
fn a_bad_token_keeps_nobody_from_signing_up() {
    let register = "mutation { register(input: { email: \"\", password: \"\", name: \"\" }) { userErrors { field } } }";
    let data = System::shared().anonymous().with_token("rubbish").data(register, json!({}));

    assert_eq!(data["register"]["userErrors"].as_array().map(Vec::len), Some(3), "{data}");
}

fn expired(system: &System, good: &str) -> String {
    signed(system, good, "exp", json!(1_700_000_000))
}
