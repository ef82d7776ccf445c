//! The `PostgreSQL` servers of `lyceum up`, and databases on other servers.

use std::collections::BTreeMap;

use anyhow::{Error, Result, anyhow};
use auth::signature::Secret;
use db::roles::AppRole;
use embedded_postgres::{Installation, PortInUse, Server, ServerOptions};
use futures::future::{join_all, select_all};
use service::SubgraphDefinition;
use tokio::sync::Mutex;

use super::{data_dirs::DataDirs, settings::Settings};
use crate::{
    subgraphs::{ALL, DatabaseUrls},
    terminal::Steps,
};

/// The databases of a running system.
pub struct Servers {
    running: Vec<(&'static SubgraphDefinition, Mutex<Server>)>,
    urls: DatabaseUrls,
    owners: DatabaseUrls,
}

/// The application role of the subgraphs on a server of ours.
const APP_ROLE: &str = "lyceum_app";

/// Starts a server for each database without a URL.
pub async fn start(settings: &Settings, dirs: &DataDirs, steps: &Steps) -> Result<Servers> {
    let missing: Vec<_> = ALL.into_iter().filter(|subgraph| settings.urls.get(subgraph).is_none()).collect();
    let mut urls = settings.urls.clone();
    let mut owners = settings.owners.0.clone().or(&urls);
    if missing.is_empty() {
        return Ok(Servers { running: Vec::new(), urls, owners });
    }

    let installation = steps
        .run("PostgreSQL 16 at hand", async |step| {
            Installation::find_or_fetch(&dirs.programs, settings.postgres_bin.clone(), &|detail| step.at(detail)).await
        })
        .await?;
    let servers = steps
        .run("Databases running", async |_| {
            // Each to its end: one that is cut off leaves what it has begun on the disk.
            let started = join_all(missing.iter().map(|subgraph| one(subgraph, &installation, settings, dirs))).await;
            started.into_iter().collect::<Result<Vec<_>>>()
        })
        .await?;
    let running: Vec<_> = missing.into_iter().zip(servers).collect();
    for (subgraph, server) in &running {
        owners.set(subgraph, server.url());
        // Valid until the next start, which sets another one.
        let password = Secret::random();
        urls.set(subgraph, server.url_as(APP_ROLE, password.reveal()));
    }
    let running = running.into_iter().map(|(subgraph, server)| (subgraph, Mutex::new(server))).collect();
    Ok(Servers { running, urls, owners })
}

async fn one(
    subgraph: &SubgraphDefinition,
    installation: &Installation,
    settings: &Settings,
    dirs: &DataDirs,
) -> Result<Server> {
    let SubgraphDefinition { name, database_port, .. } = *subgraph;
    let options = ServerOptions {
        data_dir: dirs.data.join("databases").join(name),
        port: if settings.free_ports { 0 } else { database_port },
        database: name.to_owned(),
        ephemeral: settings.temporary,
    };
    Server::start(installation, options).await.map_err(|error| {
        let advice = if error.is::<PortInUse>() { ": `--free-ports` takes another port" } else { "" };
        error.context(format!("the database of {name} does not start{advice}"))
    })
}

impl Servers {
    /// The database URLs for the subgraphs.
    pub fn urls(&self) -> &DatabaseUrls {
        &self.urls
    }

    /// The application role of a subgraph.
    pub fn app_role(&self, subgraph: &SubgraphDefinition) -> Result<Option<AppRole>> {
        let Some(url) = self.urls.get(subgraph) else { return Ok(None) };
        let role = AppRole::in_url(url)?;
        let is_ours = self.running.iter().any(|(running, _)| *running == subgraph);
        Ok(Some(if is_ours { role.with_random_password() } else { role }))
    }

    /// The database URLs for the owners.
    pub fn owners(&self) -> &DatabaseUrls {
        &self.owners
    }

    /// The owners' URLs by name, for people and scripts, who may do more than a subgraph.
    pub fn owners_by_name(&self) -> BTreeMap<&'static str, String> {
        let named = ALL.into_iter().filter_map(|it| Some((it.name, self.owners.get(it)?.to_owned())));
        named.collect()
    }

    /// Completes when a server exits that was not stopped.
    pub async fn died(&self) -> Error {
        if self.running.is_empty() {
            std::future::pending::<()>().await;
        }
        let ends = self.running.iter().map(|(subgraph, server)| {
            Box::pin(async move {
                let _ = server.lock().await.wait().await;
                anyhow!("the database of {} has stopped: see its log", subgraph.name)
            })
        });
        select_all(ends).await.0
    }

    /// Stops the servers, each after its connections have been closed.
    pub async fn stop(self) {
        let stopped = join_all(
            self.running
                .into_iter()
                .map(|(subgraph, server)| async move { (subgraph, server.into_inner().stop().await) }),
        );
        for (subgraph, stopped) in stopped.await {
            if let Err(error) = stopped {
                tracing::warn!(database = subgraph.name, error = format!("{error:#}"), "did not shut down cleanly");
            }
        }
    }
}
