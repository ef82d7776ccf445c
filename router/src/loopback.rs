//! The router's requests to its own endpoint on behalf of a client, for the operations of a WebSocket and of a batch:
//! so all limits, plugins and checks apply to each of them.

use std::net::{IpAddr, SocketAddr};

use hive_router::http::header::HOST;
use reqwest::{Client, RequestBuilder, redirect::Policy};
use subgraph_kit::client_ip;

use crate::subscription_proxy::KEY;

#[derive(Clone)]
pub struct Loopback {
    address: SocketAddr,
    client: Client,
    /// The key that proves that a request is the router's own, and may set a client's address.
    key: String,
}

impl Loopback {
    pub fn new(address: SocketAddr, key: String) -> reqwest::Result<Self> {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build()?;
        Ok(Self { address, client, key })
    }

    /// A request on behalf of the client with this address.
    pub fn post(&self, path: &str, client: Option<IpAddr>) -> RequestBuilder {
        let request = self.client.post(format!("http://{}{path}", self.address)).header(KEY, &self.key);
        // Whatever host the client used: this request is the router's own.
        let request = request.header(HOST, "localhost");
        match client {
            Some(client) => request.header(client_ip::HEADER, client.to_string()),
            None => request,
        }
    }
}
