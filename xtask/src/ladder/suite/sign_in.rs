//! Guessing passwords is stopped, from where it comes.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::visitors::{PASSWORD, Visitors};

const LOGIN: &str = "mutation ($input: LoginInput!) { login(input: $input) {
    session { tokenType } userErrors { code } } }";
const VICTIM: &str = "student4@lyceum.example";
/// Of one process within five minutes, as `LYCEUM_SIGN_IN_LIMIT` has it by default.
const LIMIT: usize = 10;
/// Some seconds pass, too, and give back a guess or two.
const SPARE: usize = 3;

/// With so many processes of identity.
pub async fn run(visitors: &Visitors, processes: usize) -> Result<String> {
    let guesser = visitors.client()?;
    let send = async |client: &subgraph_testing::Client, password: &str| {
        client.try_send(LOGIN, &json!({ "input": { "email": VICTIM, "password": password } })).await
    };
    let most = LIMIT * processes + SPARE;
    let mut tried = 0;
    let refused = loop {
        let reply = send(&guesser, "wrong").await?;
        if reply.error() == Some("RATE_LIMITED") {
            break reply;
        }
        let code = reply.json.pointer("/data/login/userErrors/0/code").and_then(Value::as_str);
        ensure!(code == Some("INVALID_CREDENTIALS"), "a wrong password gets {reply}");
        tried += 1;
        ensure!(tried <= most, "{tried} guesses were not stopped");
    };
    ensure!(refused.headers.contains_key("retry-after"), "nobody says how long to wait");
    let elsewhere = send(&visitors.client()?, PASSWORD).await?;
    ensure!(elsewhere.json["data"]["login"]["session"].is_object(), "the owner is kept out: {elsewhere}");
    Ok(format!("stopped after {tried} guesses"))
}
