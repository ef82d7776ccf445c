//! Guessing passwords through the router, from many places.

use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::system::{OTHER_STUDENT, PASSWORD, STUDENT, System, code};

const LOGIN: &str = "mutation ($input: LoginInput!) { login(input: $input) { session { tokenType } user { id } userErrors { code message field } } }";

/// Somebody behind a proxy.
struct Place<'a> {
    system: &'a System,
    address: &'static str,
}

struct Answer {
    retry_after: Option<u64>,
    json: Value,
}

impl Place<'_> {
    fn sign_in(&self, email: &str, password: &str) -> Answer {
        let response = Client::new()
            .post(format!("{}/graphql", self.system.addresses.router))
            .header("x-forwarded-for", format!("10.0.0.1, {}", self.address))
            // No other place for having said so.
            .header("x-lyceum-client", format!("192.0.2.{}", password.len()))
            .json(&json!({ "query": LOGIN, "variables": { "input": { "email": email, "password": password } } }))
            .send()
            .expect("the router answers");
        let header = response.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
        Answer {
            retry_after: header.map(|seconds| seconds.parse().expect("seconds")),
            json: response.json().expect("JSON"),
        }
    }
}

#[test]
fn guessing_is_stopped_where_it_comes_from() {
    let arguments = ["--temporary", "--throttle", "true", "--client-address-header", "x-forwarded-for"];
    let system = System::start(&arguments);
    let [here, there] = ["203.0.113.1", "203.0.113.2"].map(|address| Place { system: &system, address });

    let wrong = here.sign_in(STUDENT, "wrong");
    let unknown = here.sign_in("nobody@lyceum.example", PASSWORD);
    assert_eq!(wrong.json, unknown.json);
    assert_eq!(wrong.json["data"]["login"]["userErrors"][0]["code"], "INVALID_CREDENTIALS", "{}", wrong.json);
    assert_eq!((wrong.retry_after, unknown.retry_after), (None, None));

    let guess = |number| here.sign_in(STUDENT, &"x".repeat(number));
    let refused = (1..20).map(guess).find(|answer| answer.json.get("errors").is_some()).expect("guessing is stopped");
    assert_eq!(code(&refused.json), "RATE_LIMITED", "{}", refused.json);
    assert_eq!(refused.json["data"], json!({ "login": null }));
    let seconds = refused.retry_after.expect("how long to wait");
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert_eq!(refused.json["errors"][0]["extensions"]["retryAfter"], seconds);
    assert!(!refused.json.to_string().contains('@'), "{}", refused.json);

    assert_eq!(code(&here.sign_in(STUDENT, PASSWORD).json), "RATE_LIMITED", "not even with the password");
    assert!(
        here.sign_in(OTHER_STUDENT, PASSWORD).json["data"]["login"]["session"].is_object(),
        "nobody else is kept out"
    );
    assert!(there.sign_in(STUDENT, PASSWORD).json["data"]["login"]["session"].is_object(), "nor is the owner");
}
