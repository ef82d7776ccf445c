//! The router with two small subgraphs of its own, and a third that is unavailable. The real graph is tested in
//! `lyceum`.

mod batches;
mod broken_documents;
mod cancellation;
mod circuit_breaker;
mod client_address;
mod connections;
mod contract;
mod cost;
mod hive_gaps;
mod hosts;
mod live;
mod origins;
mod page;
mod persisted_queries;
mod requests;
mod response_headers;
mod response_limit;
mod subscriptions;
mod support;
mod tokens;
mod transports;
mod websocket;
