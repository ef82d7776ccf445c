//! A database server for each subgraph, migrated and filled as an operator does it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result};
use embedded_postgres::{Server, ServerOptions};
use tokio::process::Command;

use super::certificates::{Authority, Certificate};
use crate::{database::installation, process, workspace::subgraphs};

/// Of the roles that the subgraphs work as.
const PASSWORD: &str = "the-ladder-has-a-password";

pub struct Databases {
    servers: BTreeMap<String, Server>,
    /// What a URL ends with.
    parameters: String,
}

impl Databases {
    pub async fn start(directory: &Path) -> Result<Self> {
        let installation = installation().await?;
        let mut servers = BTreeMap::new();
        for name in subgraphs()? {
            let data_dir = directory.join("databases").join(&name);
            let options = ServerOptions { data_dir, port: 0, database: name.clone(), ephemeral: true };
            servers.insert(name, Server::start(&installation, options).await?);
        }
        Ok(Self { servers, parameters: String::new() })
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.servers.keys().map(String::as_str)
    }

    pub fn server(&self, name: &str) -> &Server {
        &self.servers[name]
    }

    /// Has each server present a certificate of this authority; from now on, URLs demand it.
    pub async fn encrypt(&mut self, authority: &Authority) -> Result<()> {
        for (name, server) in &self.servers {
            present(server, name, &authority.issue()?).await?;
        }
        self.parameters = format!("?sslmode=verify-full&sslrootcert={}", authority.file().display());
        Ok(())
    }

    /// The URL of a database for the role that owns its tables.
    pub fn owner_url(&self, name: &str) -> String {
        format!("{}{}", self.servers[name].url(), self.parameters)
    }

    /// The same for the role that the subgraph works as.
    pub fn url(&self, name: &str) -> String {
        let url = self.servers[name].url_as(&role(name), PASSWORD);
        format!("{url}{}", self.parameters)
    }

    /// For programs that are not part of the system: not encrypted, as the owner.
    pub fn variables(&self) -> BTreeMap<String, String> {
        self.servers.iter().map(|(name, server)| (variable(name), server.url())).collect()
    }

    /// Makes the tables and the roles, and fills them with sample data.
    pub async fn fill(&self, lyceum: impl Fn() -> Command, scale: &str) -> Result<()> {
        let mut migrate = lyceum();
        migrate.arg("migrate");
        let mut seed = lyceum();
        seed.args(["seed", "--scale", scale]);
        for name in self.names() {
            let owner_url = self.owner_url(name);
            migrate.env(variable(name), self.url(name)).env(owner_variable(name), &owner_url);
            seed.env(variable(name), owner_url);
        }
        // Standard output is for the results.
        process::run_quietly(migrate.stdout(Stdio::null()), "lyceum migrate").await?;
        process::run_quietly(seed.stdout(Stdio::null()), "lyceum seed").await
    }

    pub async fn stop(self) -> Result<()> {
        for server in self.servers.into_values() {
            server.stop().await?;
        }
        Ok(())
    }
}

/// The role that a subgraph works as.
pub fn role(name: &str) -> String {
    format!("{name}_app")
}

/// The role's password.
pub fn password() -> &'static str {
    PASSWORD
}

/// `COURSE_DATABASE_URL`
pub fn variable(name: &str) -> String {
    format!("{}_DATABASE_URL", name.to_uppercase())
}

fn owner_variable(name: &str) -> String {
    format!("{}_DATABASE_OWNER_URL", name.to_uppercase())
}

/// Has a server present a certificate to new connections.
pub async fn present(server: &Server, database: &str, certificate: &Certificate) -> Result<()> {
    let chain = give(server.data_dir(), "server.crt", &certificate.chain)?;
    let key = give(server.data_dir(), "server.key", &certificate.key)?;
    // Each alone: no transaction may hold `alter system`.
    for statement in [
        format!("alter system set ssl_cert_file = '{}'", chain.display()),
        format!("alter system set ssl_key_file = '{}'", key.display()),
        "alter system set ssl = on".to_owned(),
        "select pg_reload_conf()".to_owned(),
    ] {
        server.run_script(database, &statement).await?;
    }
    Ok(())
}

/// Writes a file that the server may read, and nobody else.
fn give(directory: &Path, name: &str, content: &str) -> Result<PathBuf> {
    let owner = fs::metadata(directory).context("the server has a directory")?;
    let path = directory.join(name);
    fs::write(&path, content)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    chown(&path, Some(owner.uid()), Some(owner.gid()))?;
    Ok(path)
}
