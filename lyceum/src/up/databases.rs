//! The five `PostgreSQL` servers of `lyceum up`, and the databases that live elsewhere.

use std::collections::BTreeMap;

use anyhow::{Context as _, Error, Result, anyhow};
use auth::signature::Secret;
use db::roles::AppRole;
use embedded_postgres::{Installation, Server, ServerOptions};
use futures::future::{join_all, select_all, try_join_all};
use tokio::sync::Mutex;

use super::{DataDirs, Settings};
use crate::{
    subgraphs::{DatabaseUrls, Name},
    terminal::Steps,
};

/// The databases of a running system.
pub struct Servers {
    running: Vec<(Name, Mutex<Server>)>,
    urls: DatabaseUrls,
    owners: DatabaseUrls,
}

/// The role of the subgraphs on a server of ours.
const APP_ROLE: &str = "lyceum_app";

/// Starts a server for each database that was not given.
pub async fn start(settings: &Settings, dirs: &DataDirs, steps: &Steps) -> Result<Servers> {
    let missing: Vec<Name> = Name::ALL.into_iter().filter(|&name| settings.urls.get(name).is_none()).collect();
    let mut urls = settings.urls.clone();
    let mut owners = DatabaseUrls::from(settings.owners.clone()).or(&urls);
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
            try_join_all(missing.iter().map(|&name| one(name, &installation, settings, dirs))).await
        })
        .await?;
    let running: Vec<_> = missing.into_iter().zip(servers).collect();
    for (name, server) in &running {
        owners.set(*name, server.url());
        // Good until the next start, which sets another one.
        let password = Secret::random();
        urls.set(*name, server.url_as(APP_ROLE, password.reveal()));
    }
    let running = running.into_iter().map(|(name, server)| (name, Mutex::new(server))).collect();
    Ok(Servers { running, urls, owners })
}

async fn one(name: Name, installation: &Installation, settings: &Settings, dirs: &DataDirs) -> Result<Server> {
    let options = ServerOptions {
        data_dir: dirs.data.join("databases").join(name.as_str()),
        port: if settings.free_ports { 0 } else { name.database_port() },
        database: name.as_str().to_owned(),
        ephemeral: settings.temporary,
    };
    Server::start(installation, options)
        .await
        .with_context(|| format!("the database of {} does not start; `--free-ports` takes other ports", name.as_str()))
}

impl Servers {
    /// Where each database is for its subgraph.
    pub fn urls(&self) -> &DatabaseUrls {
        &self.urls
    }

    /// What a subgraph works as.
    pub fn app_role(&self, name: Name) -> Result<Option<AppRole>> {
        let Some(url) = self.urls.get(name) else { return Ok(None) };
        let role = AppRole::in_url(url)?;
        let is_ours = self.running.iter().any(|(running, _)| *running == name);
        Ok(Some(if is_ours { role.with_random_password() } else { role }))
    }

    /// Where each database is for its owner.
    pub fn owners(&self) -> &DatabaseUrls {
        &self.owners
    }

    /// The same, by name: for people and scripts, who may do more than a subgraph.
    pub fn owners_by_name(&self) -> BTreeMap<&'static str, String> {
        Name::ALL.into_iter().filter_map(|name| Some((name.as_str(), self.owners.get(name)?.to_owned()))).collect()
    }

    /// Waits for a server to end that nobody stopped.
    pub async fn died(&self) -> Error {
        if self.running.is_empty() {
            std::future::pending::<()>().await;
        }
        let ends = self.running.iter().map(|(name, server)| {
            Box::pin(async move {
                let _ = server.lock().await.wait().await;
                anyhow!("the database of {} has stopped; see its log", name.as_str())
            })
        });
        select_all(ends).await.0
    }

    /// Stops them, each after its connections have been closed.
    pub async fn stop(self) {
        let stopped = join_all(
            self.running.into_iter().map(|(name, server)| async move { (name, server.into_inner().stop().await) }),
        );
        for (name, stopped) in stopped.await {
            if let Err(error) = stopped {
                tracing::warn!(database = name.as_str(), error = format!("{error:#}"), "did not shut down cleanly");
            }
        }
    }
}
