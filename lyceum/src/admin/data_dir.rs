//! The data directories of a `lyceum up`, running or stopped.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Args;
use db::{
    DbPool,
    database::{ConnectionSettings, DatabaseSettings},
};
use embedded_postgres::{resolve_data_dir, url_of_running};
use identity::TokenSettings;
use service::SubgraphDefinition;
use sqlx::PgConnection;

use crate::subgraphs;

/// How long a database has to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Args, Clone)]
pub struct DataDirArg {
    /// The directory in which `lyceum up` keeps databases and keys.
    #[arg(long, env = "LYCEUM_DATA_DIR", value_name = "DIRECTORY", default_value = ".lyceum")]
    pub data_dir: PathBuf,
}

/// How the commands reach a database.
#[derive(Args, Clone)]
pub struct DatabaseAccess {
    #[command(flatten)]
    pub data_dir: DataDirArg,

    #[command(flatten)]
    pub connections: ConnectionSettings,
}

#[derive(Args, Clone)]
pub struct IdentityDatabase {
    /// The URL of identity's database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Default: the database of the
    /// `lyceum up` that is running on the data directory.
    #[arg(long, env = "IDENTITY_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    identity_database_url: Option<String>,

    #[command(flatten)]
    pub access: DatabaseAccess,
}

#[derive(Args)]
pub struct KeySettings {
    /// The directory in which identity keeps its signing keys. Default: `keys` in the data directory.
    #[arg(long, env = "LYCEUM_KEYS_DIR", value_name = "DIRECTORY")]
    pub keys_dir: Option<PathBuf>,

    #[command(flatten)]
    pub tokens: TokenSettings,
}

impl DataDirArg {
    /// The database URL of the running `lyceum up`.
    pub fn running_database(&self, subgraph: &SubgraphDefinition) -> Result<String> {
        let name = subgraph.name;
        let directory = self.data_dir.join("databases").join(name);
        url_of_running(&directory, name)?.with_context(|| {
            format!(
                "no `lyceum up` is running on {}: start it, pass its `--data-dir`, or set {}_DATABASE_URL",
                self.data_dir.display(),
                name.to_uppercase()
            )
        })
    }
}

impl DatabaseAccess {
    /// The URL of a database: the given one, or that of the running `lyceum up`.
    pub fn url(&self, subgraph: &SubgraphDefinition, given: Option<&str>) -> Result<String> {
        match given.filter(|url| !url.is_empty()) {
            Some(url) => Ok(url.to_owned()),
            None => self.data_dir.running_database(subgraph),
        }
    }

    /// A migrated database, with one connection for one command.
    pub async fn open(&self, subgraph: &SubgraphDefinition, given: Option<&str>) -> Result<DbPool> {
        let connections = self.connections;
        let one = DatabaseSettings { db_pool_min: 0, db_pool_max: 1, connections, ..DatabaseSettings::default() };
        subgraphs::open(subgraph, &self.url(subgraph, given)?, &one).await
    }

    /// A connection to a database as it is.
    pub async fn connect(&self, subgraph: &SubgraphDefinition, given: Option<&str>) -> Result<PgConnection> {
        let connected = self.connections.connect(&self.url(subgraph, given)?, CONNECT_TIMEOUT).await;
        connected.with_context(|| format!("cannot connect to the database of {}", subgraph.name))
    }
}

impl IdentityDatabase {
    /// One connection, for one command.
    pub async fn open(&self) -> Result<DbPool> {
        self.access.open(&identity::DEFINITION, self.identity_database_url.as_deref()).await
    }
}

impl KeySettings {
    pub fn directory(&self, DataDirArg { data_dir }: &DataDirArg) -> Result<PathBuf> {
        match &self.keys_dir {
            Some(directory) => Ok(directory.clone()),
            None => Ok(resolve_data_dir(Path::new(data_dir))?.join("keys")),
        }
    }
}
