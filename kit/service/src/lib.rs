//! A subgraph as a service: execution of requests, HTTP server, queries to peers, and shutdown.

mod credentials;
mod definition;
mod documents;
pub mod erasure;
pub mod http_server;
mod own_teacher;
pub mod peers;
pub mod serve;
mod service_context;
mod shutdown;
mod subgraph;
mod variables;

pub use credentials::{Credentials, CredentialsExt};
pub use definition::{Open, SubgraphArgs, SubgraphDefinition};
pub use erasure::{ErasedUsers, Eraser, Erasures};
pub use http_server::ClientTimeouts;
pub use own_teacher::OwnTeacherOrAdmin;
pub use peers::Peers;
pub use service_context::ServiceContext;
pub use shutdown::{Shutdown, ShutdownSettings};
pub use subgraph::{Schema, SchemaBuilder, Subgraph, build, sdl};
