//! What every subgraph needs and no subgraph owns.

pub mod batch;
pub mod budget;
pub mod children;
pub mod client;
pub mod connection;
pub mod crash;
pub mod database;
pub mod ending;
mod entities;
pub mod error;
pub mod events;
pub mod fair_queue;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod hop;
pub mod http_server;
pub mod ids;
pub mod list;
pub mod listen;
pub mod metrics;
pub mod money;
pub mod objects;
pub mod page;
pub mod peers;
pub mod platform;
pub mod pool;
pub mod report;
mod response_limit;
pub mod roles;
pub mod scans;
pub mod seal;
pub mod secret;
pub mod serve;
pub mod service;
pub mod spans;
pub mod testing;
pub mod text;
pub mod token;
pub mod trace;
mod variables;
pub mod viewer;

pub use client::{Client, ClientExt};
pub use connection::Connection;
pub use ending::{EndSettings, Ending};
pub use error::{Code, Error, Refusal, UserError, answer};
pub use http_server::ClientTimeouts;
pub use ids::{CourseId, EnrollmentId, NotificationId, PaymentId, UserId};
pub use page::PageArgs;
pub use peers::{Credentials, CredentialsExt, Peers};
pub use platform::Platform;
pub use pool::DbPool;
pub use response_limit::ResponseSettings;
pub use scans::ScanExt;
pub use service::Subgraph;
pub use viewer::{Viewer, ViewerExt};
