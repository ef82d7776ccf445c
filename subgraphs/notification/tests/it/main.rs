//! The notification subgraph, asked as the router asks it, over a real database.

mod arrivals;
mod events;
mod notification;
mod people;
mod reading;
mod user;
