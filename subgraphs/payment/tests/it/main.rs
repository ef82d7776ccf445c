//! The payment subgraph, asked as the router asks it, over a real database.

mod payment;
mod people;
mod schema;
mod user;
