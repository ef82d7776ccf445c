//! Clients, each from a network address of its own, as the limits of a system see them.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use reqwest::Certificate;
use serde_json::{Value, json};
use subgraph_testing::Client;

const TIMEOUT: Duration = Duration::from_secs(20);
/// A connection that a process is about to close is not used again.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Of every user of the sample data.
pub const PASSWORD: &str = "lyceum-sample";
const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) {
    session { accessToken } user { id } userErrors { code } } }";

pub struct Visitors {
    url: String,
    authority: Option<Certificate>,
    count: AtomicU16,
}

impl Visitors {
    /// To a server at this URL, whose certificate this authority signs.
    pub fn new(url: &str, authority: Option<&str>) -> Result<Self> {
        let authority = authority.map(|pem| Certificate::from_pem(pem.as_bytes())).transpose()?;
        Ok(Self { url: url.to_owned(), authority, count: AtomicU16::new(0) })
    }

    /// One from an address that no other one has.
    pub fn client(&self) -> Result<Client> {
        self.client_with_timeout(TIMEOUT)
    }

    pub fn client_with_timeout(&self, timeout: Duration) -> Result<Client> {
        let [high, low] = self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(127, 1 + high, low, 1));
        let http = reqwest::Client::builder().timeout(timeout).pool_idle_timeout(POOL_IDLE_TIMEOUT);
        let http = self.authority.iter().cloned().fold(http, reqwest::ClientBuilder::add_root_certificate);
        Ok(Client::with_http(http.local_address(address).build()?, &self.url))
    }

    pub async fn sign_in(&self, email: &str) -> Result<Client> {
        self.client()?.try_sign_in(email, PASSWORD).await.with_context(|| format!("{email} cannot sign in"))
    }

    /// A new student.
    pub async fn register(&self, email: &str) -> Result<Client> {
        let input = json!({ "email": email, "password": PASSWORD, "name": "Somebody on the ladder" });
        let visitor = self.client()?;
        let data = visitor.try_data(REGISTER, &json!({ "input": input })).await?;
        let token = data.pointer("/register/session/accessToken").and_then(Value::as_str);
        Ok(visitor.with_token(token.with_context(|| format!("{email} cannot register: {data}"))?))
    }
}
