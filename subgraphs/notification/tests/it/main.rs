//! The notification subgraph, asked as the router asks it, over a real database.

mod arrivals;
mod notification;
mod people;
mod reading;
mod told;
mod user;
