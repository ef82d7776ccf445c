//! The user that a command is about.

use anyhow::{Context as _, Result};
use clap::Args;
use db::DbPool;
use identity::{admin, user::User};

use super::data_dir::IdentityDatabase;

#[derive(Args)]
pub struct Person {
    /// The e-mail address of the user, or their id.
    pub email: String,

    #[command(flatten)]
    pub database: IdentityDatabase,
}

impl Person {
    pub async fn find(&self) -> Result<(DbPool, User)> {
        let db = self.database.open().await?;
        let user = admin::find(&db, &self.email).await?;
        let user = user.with_context(|| {
            format!("no account has the e-mail address or the id {}: `lyceum admin users` searches", self.email)
        })?;
        Ok((db, user))
    }
}
