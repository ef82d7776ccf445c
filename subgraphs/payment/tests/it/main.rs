//! The payment subgraph, asked as the router asks it, over a real database.

mod catalogue;
mod fake_provider;
mod fixtures;
mod list;
mod payment;
mod provider;
mod purchase;
mod races;
mod refund;
mod republish;
mod shop;
mod user;
