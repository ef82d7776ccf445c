//! The signing key is replaced under load: nothing is restarted, and nobody is turned away.

use std::{
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use reqwest::blocking::Response;
use serde_json::{Value, json};
use subgraph_testing::{Reply, blocking::Client};

use crate::system::System;

/// The router looks for new keys every 10 seconds.
const PUBLICATION_SECONDS: &str = "15";
const TIMEOUT: Duration = Duration::from_mins(2);
const CLIENTS: usize = 4;

/// The tokens that clients use, and what came of it.
struct Load {
    first: String,
    newest: Mutex<String>,
    answers: AtomicUsize,
    failures: Mutex<Vec<Reply>>,
    is_over: AtomicBool,
}

impl Load {
    fn newest(&self) -> String {
        self.newest.lock().expect("a lock").clone()
    }

    /// Asks with the first token and the newest one in turn.
    fn ask(&self, router: &Client) {
        while !self.is_over.load(Ordering::Relaxed) {
            for token in [&self.first, &self.newest()] {
                let answer = router.with_token(token).send("{ me { id enrollments { totalCount } } }", json!({}));
                if answer.json.get("errors").is_some() || answer["data"]["me"].is_null() {
                    self.failures.lock().expect("a lock").push(answer);
                }
                self.answers.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn failures(&self) -> Vec<Reply> {
        self.failures.lock().expect("a lock").clone()
    }
}

#[test]
fn a_key_is_replaced_under_load_without_one_failed_request() {
    let system = System::start(&["--temporary", "--empty", "--key-publication-seconds", PUBLICATION_SECONDS]);
    let router = system.anonymous();
    let (first, mut refresh_token) = register(&router);
    let old_key = key_of(&first);
    let load = Load {
        newest: Mutex::new(first.clone()),
        first,
        answers: AtomicUsize::new(0),
        failures: Mutex::default(),
        is_over: AtomicBool::new(false),
    };

    scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| load.ask(&router));
        }
        let started = Instant::now();
        let mut is_rotated = false;
        let mut with_new_key = 0;
        while with_new_key < 5 && started.elapsed() < TIMEOUT {
            sleep(Duration::from_secs(1));
            if !is_rotated && started.elapsed() > Duration::from_secs(2) {
                rotate(&system);
                is_rotated = true;
            }
            let (token, next) = refresh(&router, &refresh_token);
            with_new_key += u32::from(key_of(&token) != old_key);
            refresh_token = next;
            *load.newest.lock().expect("a lock") = token;
        }
        load.is_over.store(true, Ordering::Relaxed);
    });

    let answers = load.answers.load(Ordering::Relaxed);
    eprintln!("{answers} answers while the key was replaced");
    assert_eq!(load.failures(), [], "of {answers} answers");
    assert!(answers > 100, "{answers} answers are no load");
    assert_ne!(key_of(&load.newest()), old_key, "the new key does not sign");
    let published: Value = reqwest::blocking::get(&system.addresses.jwks).and_then(Response::json).expect("keys");
    assert_eq!(published["keys"].as_array().map(Vec::len), Some(2), "the old key is still needed");
}

fn rotate(system: &System) {
    let output = Command::new(env!("CARGO_BIN_EXE_lyceum"))
        .args(["admin", "rotate-key", "--key-publication-seconds", PUBLICATION_SECONDS, "--data-dir"])
        .arg(&system.addresses.data)
        .env_remove("LYCEUM_KEYS_DIR")
        .env_remove("LYCEUM_SIGNING_KEY")
        .output()
        .expect("`lyceum` runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn register(router: &Client) -> (String, String) {
    let document =
        "mutation ($input: RegisterInput!) { register(input: $input) { session { accessToken refreshToken } } }";
    let input = json!({ "email": "ada@rotation.example", "password": "correct horse", "name": "Ada" });
    tokens(&router.data(document, json!({ "input": input }))["register"]["session"])
}

fn refresh(router: &Client, token: &str) -> (String, String) {
    let document = "mutation ($token: String!) { refreshSession(input: { refreshToken: $token }) {
        session { accessToken refreshToken }
    } }";
    tokens(&router.data(document, json!({ "token": token }))["refreshSession"]["session"])
}

fn tokens(session: &Value) -> (String, String) {
    let text = |name: &str| session[name].as_str().unwrap_or_else(|| panic!("no {name}: {session}")).to_owned();
    (text("accessToken"), text("refreshToken"))
}

/// The name of the key that signed a token.
fn key_of(token: &str) -> String {
    let header = token.split('.').next().expect("a header");
    let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).expect("base64")).expect("JSON");
    header["kid"].as_str().expect("a key's name").to_owned()
}
