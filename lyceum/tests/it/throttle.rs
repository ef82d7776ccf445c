//! Guessing passwords through the router, from many places.

use std::{thread, time::Duration};

use serde_json::json;
use subgraph_testing::{Reply, blocking::Client};

use crate::system::{OTHER_STUDENT, PASSWORD, STUDENT, System};

const LOGIN: &str = "mutation ($input: LoginInput!) { login(input: $input) { session { tokenType } user { id } userErrors { code message field } } }";

const UNKNOWN_PROXY: &str = "a proxy forwards client addresses, but no header is configured for them";

/// Somebody behind a proxy.
struct Place(Client);

impl Place {
    fn sign_in(&self, email: &str, password: &str) -> Reply {
        // No other place for having said so.
        let client = self.0.with_header("x-lyceum-client", &format!("192.0.2.{}", password.len()));
        client.send(LOGIN, json!({ "input": { "email": email, "password": password } }))
    }
}

fn retry_after(reply: &Reply) -> Option<u64> {
    let seconds = reply.headers.get("retry-after")?;
    Some(seconds.to_str().expect("text").parse().expect("seconds"))
}

#[test]
fn guessing_is_stopped_where_it_comes_from() {
    let arguments = ["--temporary", "--throttle", "true", "--client-address-header", "x-forwarded-for"];
    let system = System::start(&arguments);
    let [here, there] = ["203.0.113.1", "203.0.113.2"]
        .map(|address| Place(system.anonymous().with_header("x-forwarded-for", &format!("10.0.0.1, {address}"))));

    let wrong = here.sign_in(STUDENT, "wrong");
    let unknown = here.sign_in("nobody@lyceum.example", PASSWORD);
    assert_eq!(wrong.json, unknown.json);
    assert_eq!(wrong.json["data"]["login"]["userErrors"][0]["code"], "INVALID_CREDENTIALS", "{}", wrong.json);
    assert_eq!((retry_after(&wrong), retry_after(&unknown)), (None, None));

    let guess = |number| here.sign_in(STUDENT, &"x".repeat(number));
    let refused = (1..20).map(guess).find(|answer| answer.json.get("errors").is_some()).expect("guessing is stopped");
    assert_eq!(refused.error(), Some("RATE_LIMITED"), "{}", refused.json);
    assert_eq!(refused.json["data"], json!({ "login": null }));
    let seconds = retry_after(&refused).expect("how long to wait");
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert_eq!(refused.json["errors"][0]["extensions"]["retryAfter"], seconds);
    assert!(!refused.json.to_string().contains('@'), "{}", refused.json);

    assert_eq!(here.sign_in(STUDENT, PASSWORD).error(), Some("RATE_LIMITED"), "not even with the password");
    assert!(
        here.sign_in(OTHER_STUDENT, PASSWORD).json["data"]["login"]["session"].is_object(),
        "nobody else is kept out"
    );
    assert!(there.sign_in(STUDENT, PASSWORD).json["data"]["login"]["session"].is_object(), "nor is the owner");
    assert!(!system.log().contains(UNKNOWN_PROXY), "{}", system.log());
}

#[test]
fn a_proxy_that_nobody_has_configured_is_noticed_once() {
    let system = System::shared();
    let proxied = system.anonymous().with_header("x-forwarded-for", "203.0.113.1");

    for _ in 0..3 {
        proxied.data("{ __typename }", json!({}));
    }

    let lines = || system.log().matches(UNKNOWN_PROXY).count();
    for _ in 0..100 {
        if lines() > 0 {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(lines(), 1);
}
