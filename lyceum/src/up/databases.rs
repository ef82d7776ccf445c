//! The five `PostgreSQL` servers of `lyceum up`, and the databases that live elsewhere.

use std::collections::BTreeMap;

use anyhow::{Context as _, Error, Result, anyhow};
use embedded_postgres::{Installation, Server, ServerOptions};
use futures::future::{join_all, select_all, try_join_all};
use tokio::sync::Mutex;

use super::{Home, Settings};
use crate::{
    subgraphs::{DatabaseUrls, Name},
    terminal::Steps,
};

/// The databases of a running system.
pub struct Servers {
    running: Vec<(Name, Mutex<Server>)>,
    urls: DatabaseUrls,
}

/// Starts a server for each database that was not given.
pub async fn start(settings: &Settings, home: &Home, steps: &Steps) -> Result<Servers> {
    let missing: Vec<Name> = Name::ALL.into_iter().filter(|&name| settings.urls.get(name).is_none()).collect();
    let mut urls = settings.urls.clone();
    if missing.is_empty() {
        return Ok(Servers { running: Vec::new(), urls });
    }

    let installation = steps
        .run("PostgreSQL 16 at hand", async |step| {
            Installation::find_or_fetch(&home.programs, settings.postgres_bin.clone(), &|detail| step.at(detail)).await
        })
        .await?;
    let servers = steps
        .run("Databases running", async |_| {
            try_join_all(missing.iter().map(|&name| one(name, &installation, settings, home))).await
        })
        .await?;
    let running: Vec<_> = missing.into_iter().zip(servers).collect();
    for (name, server) in &running {
        urls.set(*name, server.url());
    }
    Ok(Servers { running: running.into_iter().map(|(name, server)| (name, Mutex::new(server))).collect(), urls })
}

async fn one(name: Name, installation: &Installation, settings: &Settings, home: &Home) -> Result<Server> {
    let options = ServerOptions {
        data_dir: home.data.join("databases").join(name.as_str()),
        port: if settings.free_ports { 0 } else { name.database_port() },
        database: name.as_str().to_owned(),
        ephemeral: settings.temporary,
    };
    Server::start(installation, options)
        .await
        .with_context(|| format!("the database of {} does not start; `--free-ports` takes other ports", name.as_str()))
}

impl Servers {
    /// Where each database is.
    pub fn database_urls(&self) -> DatabaseUrls {
        self.urls.clone()
    }

    /// The same, by name.
    pub fn urls(&self) -> BTreeMap<&'static str, String> {
        Name::ALL.into_iter().filter_map(|name| Some((name.as_str(), self.urls.get(name)?.to_owned()))).collect()
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
                tracing::warn!(database = name.as_str(), error = format!("{error:#}"), "did not stop in order");
            }
        }
    }
}
