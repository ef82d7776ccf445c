//! The notification subgraph, queried as by the router, over a real database.

mod events;
mod fixtures;
mod live;
mod notification;
mod reading;
mod user;
