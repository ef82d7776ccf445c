//! The notification subgraph, asked as the router asks it, over a real database.

mod events;
mod fixtures;
mod live;
mod notification;
mod reading;
mod user;
