//! What every subgraph needs and no subgraph owns.

pub mod batch;
pub mod budget;
pub mod client;
pub mod connection;
pub mod crash;
pub mod database;
pub mod ending;
pub mod error;
pub mod events;
pub mod hop;
pub mod ids;
pub mod list;
pub mod listen;
pub mod page;
pub mod peers;
pub mod platform;
pub mod report;
pub mod serve;
pub mod service;
pub mod testing;
pub mod text;
pub mod token;
pub mod trace;
pub mod transaction;
pub mod viewer;

pub use client::{Client, ClientExt};
pub use connection::Connection;
pub use ending::{EndSettings, Ending};
pub use error::{Code, Error, Refusal, UserError, answer};
pub use ids::{CourseId, EnrollmentId, NotificationId, PaymentId, UserId};
pub use page::PageArgs;
pub use peers::{Credentials, CredentialsExt, Peers};
pub use platform::Platform;
pub use service::Subgraph;
pub use viewer::{Viewer, ViewerExt};
