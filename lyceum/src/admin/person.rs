//! The user that a command is about.

use anyhow::{Context as _, Result};
use clap::Args;
use db::{DbPool, database::DatabaseSettings};
use identity::{admin, user::User};

use super::data_dir::DataDirArg;
use crate::subgraphs;

#[derive(Args)]
pub struct Person {
    /// The e-mail address of the user, or their id.
    pub email: String,

    /// The URL of identity's database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Default: the database of the
    /// `lyceum up` that is running on the data directory.
    #[arg(long, env = "IDENTITY_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub identity_database_url: Option<String>,

    #[command(flatten)]
    pub data_dir: DataDirArg,
}

impl Person {
    pub async fn find(&self) -> Result<(DbPool, User)> {
        let one = DatabaseSettings { db_pool_min: 0, db_pool_max: 1, ..DatabaseSettings::default() };
        let db = subgraphs::open(&identity::DEFINITION, &self.database_url()?, &one).await?;
        let user = admin::find(&db, &self.email).await?;
        let user = user.with_context(|| format!("no account has the e-mail address or the id {}", self.email))?;
        Ok((db, user))
    }

    fn database_url(&self) -> Result<String> {
        match self.identity_database_url.as_ref().filter(|url| !url.is_empty()) {
            Some(url) => Ok(url.clone()),
            None => self.data_dir.running_database(&identity::DEFINITION),
        }
    }
}
