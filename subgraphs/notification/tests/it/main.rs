//! The notification subgraph, asked as the router asks it, over a real database.

mod events;
mod live;
mod notification;
mod people;
mod reading;
mod user;
