//! The notification subgraph, queried as by the router, over a real database.

mod deleting;
mod events;
mod fixtures;
mod live;
mod notification;
mod reading;
mod settings;
mod subjects;
mod user;
