//! `lyceum admin export`: all data of a user, for support.

use anyhow::{Context as _, Result};
use chrono::{SecondsFormat, Utc};
use clap::Args;
use db::DbPool;
use serde_json::{Value, json};
use service::SubgraphDefinition;

use super::data_dir::DatabaseAccess;
use crate::{subgraphs::DatabaseUrls, terminal::line};

/// The settings of `lyceum admin export`.
#[derive(Args)]
pub struct Settings {
    /// The e-mail address of the user.
    email: String,

    /// Defaults to the databases of the `lyceum up` that is running on the data directory.
    #[command(flatten)]
    urls: DatabaseUrls,

    #[command(flatten)]
    access: DatabaseAccess,
}

/// Prints what `exportMyData` collects.
pub async fn run(settings: &Settings) -> Result<()> {
    let identity = settings.open(&identity::DEFINITION).await?;
    let user = identity::admin::find(&identity, &settings.email).await?;
    let user = user.with_context(|| format!("no account has the e-mail address {}", settings.email))?.id;
    let data = json!({
        "exportedAt": Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
        "identity": parse(&identity::export::store::data_of(&identity, user).await?)?,
        "course": parse(&course::export::data_of(&settings.open(&course::DEFINITION).await?, user).await?)?,
        "enrollment": parse(&enrollment::export::data_of(&settings.open(&enrollment::DEFINITION).await?, user).await?)?,
        "payment": parse(&payment::export::data_of(&settings.open(&payment::DEFINITION).await?, user).await?)?,
        "notification": parse(&notification::export::data_of(&settings.open(&notification::DEFINITION).await?, user).await?)?,
    });
    line(serde_json::to_string_pretty(&data)?);
    Ok(())
}

fn parse(text: &str) -> Result<Value> {
    Ok(serde_json::from_str(text)?)
}

impl Settings {
    async fn open(&self, subgraph: &SubgraphDefinition) -> Result<DbPool> {
        self.access.open(subgraph, self.urls.get(subgraph)).await
    }
}
