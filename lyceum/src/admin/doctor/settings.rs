//! The settings of `lyceum admin doctor`.

use auth::{seal::SealSettings, signature::SecretSettings};
use clap::{Args, ValueEnum};
use db::database::DatabaseSettings;

use crate::{
    admin::data_dir::{DataDirArg, DatabaseAccess, KeySettings},
    subgraphs::{DatabaseUrls, DirectUrls},
};

/// The settings of the processes, read from the same variables.
#[derive(Args)]
pub struct Settings {
    /// The format of the findings: `text` has a line each, `json` is an array of objects, for programs.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,

    /// Defaults to the databases of the `lyceum up` that is running on the data directory.
    #[command(flatten)]
    pub(super) urls: DatabaseUrls,

    #[command(flatten)]
    pub(super) direct_urls: DirectUrls,

    #[command(flatten)]
    pub(super) database: DatabaseSettings,

    #[command(flatten)]
    pub(super) data_dir: DataDirArg,

    #[command(flatten)]
    pub(super) keys: KeySettings,

    /// The URL at which identity publishes the public keys of access tokens, to be compared with the signing keys.
    #[arg(long, env = "LYCEUM_JWKS_URL", hide_env_values = true, value_name = "URL")]
    pub(super) jwks_url: Option<String>,

    #[command(flatten)]
    pub(super) secret: SecretSettings,

    #[command(flatten)]
    pub(super) seal: SealSettings,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

impl Settings {
    /// Whether the system is a `lyceum up` on this machine.
    pub fn is_up(&self) -> bool {
        self.urls.is_none()
    }

    pub fn access(&self) -> DatabaseAccess {
        DatabaseAccess { data_dir: self.data_dir.clone(), connections: self.database.connections }
    }
}
