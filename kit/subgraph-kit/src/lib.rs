//! The kit of every subgraph's resolvers: errors, viewers, lists, batches, limits.

pub mod batch;
pub mod children;
pub mod client_ip;
pub mod connection;
pub mod cursor;
pub mod entities;
pub mod error;
pub mod fair_queue;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod list;
pub mod node;
pub mod objects;
pub mod order;
pub mod page;
pub mod report;
pub mod response_limit;
pub mod row;
pub mod scans;
pub mod table;
pub mod text;
pub mod timeouts;
pub mod viewer;

pub use client_ip::{ClientIp, ClientIpExt, UserAgent};
pub use connection::Connection;
pub use error::{Error, Rejection, UserError, into_payload};
pub use page::ConnectionArgs;
pub use response_limit::ResponseSettings;
pub use scans::ScanExt;
pub use table::{Table, TableExt};
pub use viewer::{Viewer, ViewerExt};
