//! The payment subgraph, queried as by the router, over a real database.

mod catalogue;
mod course;
mod enrolled;
mod erasure;
mod fake_enrollments;
mod fake_provider;
mod fake_provider_process;
mod fixtures;
mod http_provider;
mod list;
mod online_shop;
mod payment;
mod provider;
mod purchase;
mod races;
mod refund;
mod republish;
mod sales;
mod shop;
mod user;
mod webhook;
