//! A service's own PostgreSQL database: connections, migrations, roles, notifications.

pub mod address;
pub mod availability;
pub mod database;
pub mod explain;
mod failpoint;
pub mod listen;
mod pool;
pub mod pool_metrics;
pub mod roles;

pub use address::Address;
pub use database::connect;
pub use explain::explain;
pub use failpoint::fail_point;
pub use pool::{DbConnection, DbPool, Transaction};
