//! A subgraph in this process.

use std::net::IpAddr;

use anyhow::Result;
use async_graphql::Request;
use contracts::{UserId, claims::Role};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use http::HeaderMap;
use service::Subgraph;
use subgraph_kit::client_ip;
use uuid::Uuid;

use crate::{
    Client, Reply, claims, token, transcript,
    transport::{Events, Transport},
};

/// A subgraph under test, asked as a router asks it.
#[derive(Clone)]
pub struct TestApp {
    anonymous: Client,
}

impl TestApp {
    /// A test of `subgraph`, which must know the keys of `verifier()`.
    #[must_use]
    pub fn new(subgraph: Subgraph) -> Self {
        transcript::trace();
        Self { anonymous: Client::over(InProcess(subgraph)) }
    }

    /// Nobody signed in.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        self.anonymous.clone()
    }

    /// A student.
    #[must_use]
    pub fn student(&self, id: Uuid) -> Client {
        self.signed_in(id, Role::Student, false)
    }

    /// A verified teacher.
    #[must_use]
    pub fn teacher(&self, id: Uuid) -> Client {
        self.signed_in(id, Role::Teacher, true)
    }

    /// A teacher who waits for verification.
    #[must_use]
    pub fn unverified_teacher(&self, id: Uuid) -> Client {
        self.signed_in(id, Role::Teacher, false)
    }

    /// An admin.
    #[must_use]
    pub fn admin(&self) -> Client {
        self.signed_in(Uuid::from_u128(0xad), Role::Admin, false)
    }

    fn signed_in(&self, id: Uuid, role: Role, is_verified: bool) -> Client {
        self.anonymous.with_token(&token(&claims(UserId(id), role, is_verified)))
    }
}

impl Client {
    /// The same, at a network address, as the router would tell it.
    ///
    /// # Panics
    /// If `address` is none.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        let address: IpAddr = address.parse().expect("a network address");
        self.with_header(client_ip::HEADER.as_str(), &address.to_string())
    }

    /// The same, at a network address and with a `User-Agent`, as the router would tell them.
    ///
    /// # Panics
    /// If `address` is none.
    #[must_use]
    pub fn at_with(&self, address: &str, user_agent: &str) -> Self {
        self.at(address).with_another_value(client_ip::HEADER.as_str(), user_agent)
    }
}

/// Calls a subgraph.
struct InProcess(Subgraph);

impl Transport for InProcess {
    fn post(&self, headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'_, Result<Reply>> {
        async move {
            let request: Request = serde_json::from_slice(&body)?;
            let response = self.0.execute(&headers, request).await;
            Ok(Reply::of_call(serde_json::to_value(response)?))
        }
        .boxed()
    }

    fn subscribe(&self, headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'static, Result<Events>> {
        let subgraph = self.0.clone();
        async move {
            let responses = subgraph.subscribe(&headers, serde_json::from_slice(&body)?);
            Ok(responses.map(|response| Ok(serde_json::to_value(response)?)).boxed())
        }
        .boxed()
    }
}
