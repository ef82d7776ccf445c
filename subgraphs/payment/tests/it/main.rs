//! The payment subgraph, queried as by the router, over a real database.

mod catalogue;
mod course;
mod enrolled;
mod erasure;
mod fake_enrollments;
mod fake_provider;
mod fixtures;
mod list;
mod payment;
mod provider;
mod purchase;
mod races;
mod refund;
mod republish;
mod sales;
mod shop;
mod user;
