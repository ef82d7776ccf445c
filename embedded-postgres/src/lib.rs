//! Real `PostgreSQL` servers as child processes: nothing to install, nothing left behind.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use embedded_postgres::{Installation, Server, ServerOptions, resolve_data_dir};
//!
//! let home = resolve_data_dir(".lyceum".as_ref())?;
//! let installation = Installation::find_or_fetch(&home, None, &|step| eprintln!("{step}")).await?;
//! let server = Server::start(
//!     &installation,
//!     ServerOptions {
//!         data_dir: home.join("identity"),
//!         port: 5433,
//!         database: "identity".into(),
//!         ephemeral: false,
//!     },
//! )
//! .await?;
//! eprintln!("{}", server.url());
//! server.stop().await
//! # }
//! ```

mod account;
mod cluster;
mod data_dir;
mod installation;
mod leftover;
mod log;
mod running;
mod server;
mod superuser;

pub use cluster::remove_abandoned;
pub use data_dir::resolve_data_dir;
pub use installation::{Installation, VERSION};
pub use running::url_of_running;
pub use server::{PortInUse, Server, ServerOptions};
