//! What a request of each kind of attack takes, at the most: bytes of the answer and of memory, and statements. How others
//! fare meanwhile is what `cargo xtask attack` shows.

#[path = "../attack/attacks.rs"]
#[expect(dead_code, reason = "connections are not requests")]
mod requests;

use std::{path::PathBuf, slice};

use subgraph_testing::{Reply, blocking::Client};

use self::requests::{ALL, How, Request};
use crate::{
    statements::{log_statements, statements},
    system::System,
};

const TIMES: u64 = 10;
/// For all of them.
const MAX_GROWTH_BYTES: u64 = 24 * 1_024 * 1_024;
/// Each password takes 19 MiB while it is hashed.
const MAX_GROWTH_BYTES_OF_PASSWORDS: u64 = 48 * 1_024 * 1_024;
const WITH_PASSWORDS: [&str; 2] = ["passwords", "accounts"];

/// What becomes of a request: the code of its first error, if it has one, and the most statements and bytes of its answer.
/// A search that finds nothing takes one statement more: whether ids without their row's time have come since.
struct Outcome(&'static str, &'static str, usize, usize);

const OUTCOMES: [Outcome; 27] = [
    Outcome("C1", "TOKEN_LIMIT_EXCEEDED", 0, 200),
    Outcome("C1 small", "", 1, 200),
    Outcome("C1 aliases", "", 28, 1_000),
    Outcome("C2", "COST_ESTIMATED_TOO_EXPENSIVE", 0, 500),
    Outcome("C2 allowed", "", 2, 500_000),
    Outcome("C4", "COST_ESTIMATED_TOO_EXPENSIVE", 0, 500),
    Outcome("C4 allowed", "", 3, 200),
    Outcome("C5", "COST_ESTIMATED_TOO_EXPENSIVE", 0, 500),
    Outcome("C5 allowed", "", 3, 200),
    Outcome("C6", "", 2, 100_000),
    Outcome("C9", "GRAPHQL_VALIDATION_FAILED", 0, 500),
    Outcome("names", "", 1, 200),
    Outcome("fragments", "TOKEN_LIMIT_EXCEEDED", 0, 200),
    Outcome("fields", "", 2, 2_000),
    Outcome("directives", "TOKEN_LIMIT_EXCEEDED", 0, 200),
    Outcome("conditions", "MAX_ALIASES_EXCEEDED", 0, 200),
    Outcome("addresses", "MAX_ALIASES_EXCEEDED", 0, 200),
    Outcome("nested JSON", "BAD_USER_INPUT", 0, 200),
    Outcome("variables", "", 0, 100),
    Outcome("cursors", "BAD_USER_INPUT", 0, 500),
    Outcome("introspection", "", 0, 60_000),
    Outcome("totals", "", 2, 200),
    Outcome("child totals", "", 2, 5_000),
    Outcome("passwords", "", 3, 200),
    Outcome("accounts", "", 8, 200),
    Outcome("tokens", "UNAUTHENTICATED", 1, 500),
    Outcome("no JSON", "BAD_USER_INPUT", 0, 500),
];

#[test]
fn a_request_of_any_kind_takes_no_more_than_it_may() {
    let system = System::start(&["--temporary"]);
    let logs = log_statements(&system);
    let anonymous = system.anonymous();

    for attack in ALL {
        let How::Requests(make) = attack.how else { continue };
        let Outcome(id, code, most_statements, most_bytes) =
            OUTCOMES.into_iter().find(|outcome| outcome.0 == attack.id).unwrap_or_else(|| panic!("{}", attack.id));
        let (before, memory) = (counts(&logs), system.resident_bytes());
        let answers: Vec<_> =
            (0..TIMES).map(|number| send(anonymous.clone(), &system.addresses.router, make(number))).collect();
        let growth = system.resident_bytes().saturating_sub(memory);
        let done = statements_since(&before, &logs);

        for answer in &answers {
            assert_eq!(answer.error().unwrap_or_default(), code, "{id}: {answer}");
            assert!(answer.text.len() <= most_bytes, "{id}: {} bytes", answer.text.len());
        }
        assert!(done.len() <= most_statements * answers.len(), "{id}: {done:#?}");
        let most = if WITH_PASSWORDS.contains(&id) { MAX_GROWTH_BYTES_OF_PASSWORDS } else { MAX_GROWTH_BYTES };
        assert!(growth <= most, "{id}: {growth} bytes of memory");
    }
}

/// How many statements each log has.
fn counts(logs: &[PathBuf]) -> Vec<usize> {
    logs.iter().map(|log| statements(slice::from_ref(log)).len()).collect()
}

fn statements_since(before: &[usize], logs: &[PathBuf]) -> Vec<String> {
    let new = |(log, &seen)| statements(slice::from_ref(log)).split_off(seen);
    logs.iter().zip(before).flat_map(new).collect()
}

fn send(mut client: Client, router: &str, request: Request) -> Reply {
    if request.is_gzip {
        client = client.with_header("content-encoding", "gzip");
    }
    if let Some(token) = request.token {
        client = client.with_token(&token);
    }
    match request.document {
        Some(document) => get(router, &document),
        None => client.post(request.body),
    }
}

/// Sends a document in the address.
fn get(router: &str, document: &str) -> Reply {
    let get = reqwest::blocking::Client::new().get(format!("{router}/graphql")).query(&[("query", document)]);
    let response = get.header("apollo-require-preflight", "1").send().expect("an answer");
    Reply::new(response.status(), response.headers().clone(), response.text().expect("text"))
}
