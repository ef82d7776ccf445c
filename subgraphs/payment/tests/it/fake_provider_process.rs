//! The fake payment provider, as a process of its own.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use subgraph_testing::reqwest::{Client, Response};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use uuid::Uuid;

pub const API_SECRET: &str = "the provider knows the tests by this secret";
pub const WEBHOOK_SECRET: &str = "the provider of the tests signs with this secret";

/// A running provider, which is killed when dropped.
pub struct FakeProviderProcess {
    child: Child,
    http: Client,
    pub url: String,
}

impl FakeProviderProcess {
    /// Starts it at `listen`, with its charges in the file `state` if there is one.
    pub async fn start(listen: &str, webhook_url: &str, state: Option<&Path>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fake-payment-provider"));
        command.args(["--listen", listen, "--webhook-url", webhook_url, "--retry-ms", "50"]);
        if let Some(state) = state {
            command.arg("--state").arg(state);
        }
        command.env("LYCEUM_PAYMENT_PROVIDER_SECRET", API_SECRET).env("LYCEUM_PAYMENT_WEBHOOK_SECRET", WEBHOOK_SECRET);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the provider starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let url = lines.next_line().await.expect("a line").expect("its address");
        Self { child, http: Client::new(), url }
    }

    /// The address, to start it there again.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("an HTTP URL")
    }

    /// Sets all switches: those that are not named have their default.
    pub async fn switch(&self, switches: Value) {
        ok(&self.http.put(format!("{}/control", self.url)).json(&switches).send().await.expect("an answer"));
    }

    /// Decides a charge or its refund.
    pub async fn decide(&self, payment: Uuid, decision: Value) {
        let url = format!("{}/control/charges/{payment}", self.url);
        ok(&self.http.post(url).json(&decision).send().await.expect("an answer"));
    }

    /// Sends the held webhooks.
    pub async fn release(&self, reversed: bool) {
        let url = format!("{}/control/release", self.url);
        ok(&self.http.post(url).json(&json!({ "reversed": reversed })).send().await.expect("an answer"));
    }

    /// Its switches, charges, numbers of requests, and the answers to its webhooks.
    pub async fn state(&self) -> Value {
        let response = self.http.get(format!("{}/control", self.url)).send().await.expect("an answer");
        response.json().await.expect("JSON")
    }

    /// The number of requests to charge, to refund, and for a charge's state.
    pub async fn requests(&self) -> (u64, u64, u64) {
        let requests = &self.state().await["requests"];
        let count = |name: &str| requests[name].as_u64().expect("a number");
        (count("charges"), count("refunds"), count("queries"))
    }

    /// The number of charges that are completed.
    pub async fn completed(&self) -> usize {
        let state = self.state().await;
        let charges = state["charges"].as_array().expect("a list");
        charges.iter().filter(|charge| charge["status"] == "completed").count()
    }

    /// The statuses of the answers to its webhooks so far.
    pub async fn webhooks(&self) -> Vec<u64> {
        let state = self.state().await;
        state["webhooks"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect()
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) {
        let status = self.child.wait().await.expect("it ends");
        assert!(!status.success(), "it crashed");
    }
}

fn ok(response: &Response) {
    assert!(response.status().is_success(), "{}", response.status());
}
