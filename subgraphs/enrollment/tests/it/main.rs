//! The enrollment subgraph, asked as the router asks it, over a real database.

mod course;
mod enrollment;
mod payment;
mod people;
mod schema;
mod status;
mod user;
