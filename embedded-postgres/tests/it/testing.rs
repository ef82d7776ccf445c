//! Directories and programs for the tests.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use embedded_postgres::{Installation, Server, ServerOptions};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// Opens the installation that `cargo xtask test` uses, too, so that it is fetched once.
pub async fn installation() -> Installation {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.lyceum");
    let bin = std::env::var_os("LYCEUM_POSTGRES_BIN").map(PathBuf::from);
    Installation::find_or_fetch(&home, bin, &|step| eprintln!("{step}")).await.expect("PostgreSQL 16")
}

/// Creates a directory that the servers' account can reach.
pub fn open_directory() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().expect("a temporary directory")
}

pub fn options(data_dir: &Path) -> ServerOptions {
    ServerOptions { data_dir: data_dir.to_owned(), port: 0, database: "school".into(), ephemeral: false }
}

/// Returns the error message of a start that must fail.
pub async fn rejection(options: ServerOptions) -> String {
    let error = Server::start(&installation().await, options).await.expect_err("this must not start");
    format!("{error:#}")
}

pub async fn connect(server: &Server) -> PgConnection {
    PgConnection::connect(&server.url()).await.expect("a connection")
}

pub async fn text(db: &mut PgConnection, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(db).await.expect("one text")
}
