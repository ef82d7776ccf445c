//! A server of our own, gone when we are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use embedded_postgres::{Installation, Server, ServerOptions};
use tokio::process::Command;

use crate::terminal::{Waiting, success};
use crate::workspace::{find_program, home, root, subgraphs, without_our_package};
use crate::{process, terminal};

/// A temporary server, and what programs need to know of it.
pub struct Database {
    server: Server,
    installation: Installation,
    data_dir: PathBuf,
}

impl Database {
    /// An empty server on a free port.
    pub async fn start() -> Result<Self> {
        let installation = installation().await?;
        let place = home()?.join("test");
        embedded_postgres::remove_abandoned(&place).await?;
        let waiting = Waiting::for_(&format!("starting PostgreSQL {}", installation.version()));
        let data_dir = place.join(std::process::id().to_string());
        let options =
            ServerOptions { data_dir: data_dir.clone(), port: 0, database: "lyceum_test".into(), ephemeral: true };
        let server = Server::start(&installation, options).await?;
        waiting.done();
        Ok(Self { server, installation, data_dir })
    }

    /// A server with every database, each brought up to date by its migrations.
    pub async fn start_migrated() -> Result<Self> {
        let database = Self::start().await?;
        for name in subgraphs()? {
            database.server.create_database(&name).await?;
            for file in migrations(&name)? {
                let script = std::fs::read_to_string(&file)?;
                let applied = database.server.run_script(&name, &script).await;
                applied.with_context(|| format!("{} failed", file.display()))?;
            }
        }
        success("migrated");
        Ok(database)
    }

    /// What tests read: the server, and the programs to start more of them.
    pub fn variables(&self) -> Vec<(String, String)> {
        let bin = self.installation.bin().to_string_lossy().into_owned();
        vec![("DATABASE_URL".into(), self.server.url()), ("LYCEUM_POSTGRES_BIN".into(), bin)]
    }

    /// The addresses of the databases.
    pub fn addresses(&self) -> Result<Vec<(String, String)>> {
        Ok(subgraphs()?.into_iter().map(|name| (variable(&name), self.server.url_of(&name))).collect())
    }

    /// The number of its process.
    pub fn process_id(&self) -> Result<u32> {
        let file = self.data_dir.join("postmaster.pid");
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        text.lines().next().and_then(|id| id.parse().ok()).context("the server's process id is unknown")
    }

    /// What must not be seen.
    pub fn password(&self) -> Result<String> {
        let settings = self.psql_variables()?;
        let password = settings.into_iter().find(|(name, _)| name == "PGPASSWORD").context("a password")?;
        Ok(password.1)
    }

    pub async fn stop(self) -> Result<()> {
        self.server.stop().await
    }

    /// `psql` and its kin without arguments go to this server.
    fn psql_variables(&self) -> Result<Vec<(String, String)>> {
        let url = self.server.url();
        let (user, rest) = url.split_once("://").and_then(|(_, rest)| rest.split_once(':')).context("an address")?;
        let (password, _) = rest.split_once('@').context("an address")?;
        let settings = [
            ("PGHOST", "127.0.0.1".to_owned()),
            ("PGPORT", self.server.port().to_string()),
            ("PGUSER", user.to_owned()),
            ("PGPASSWORD", password.to_owned()),
            ("PGDATABASE", "postgres".to_owned()),
        ];
        Ok(settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

/// The programs of `PostgreSQL`.
pub async fn installation() -> Result<Installation> {
    let bin = std::env::var_os("LYCEUM_POSTGRES_BIN").filter(|bin| !bin.is_empty()).map(PathBuf::from);
    Installation::find_or_fetch(&home()?, bin, &terminal::note).await
}

/// `IDENTITY_DATABASE_URL`, as the subgraphs and their `sqlx.toml` name it.
fn variable(subgraph: &str) -> String {
    format!("{}_DATABASE_URL", subgraph.to_uppercase())
}

fn migrations(database: &str) -> Result<Vec<PathBuf>> {
    let directory = root().join("migrations").join(database);
    let entries = directory.read_dir().with_context(|| format!("cannot read {}", directory.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    Ok(files)
}

/// `cargo xtask db`: prints the addresses and stays.
pub async fn serve() -> Result<()> {
    let database = Database::start_migrated().await?;
    print_exports(&database)?;
    terminal::note("Ctrl-C stops it and deletes its data.");
    std::future::pending().await
}

#[expect(clippy::print_stdout, reason = "meant for `eval` and for pasting")]
fn print_exports(database: &Database) -> Result<()> {
    for (name, value) in database.variables().into_iter().chain(database.addresses()?) {
        println!("export {name}={value}");
    }
    Ok(())
}

/// `cargo xtask db -- command`: runs the command with the addresses set.
pub async fn run(command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("a command")?;
    if find_program(program).is_none() && !Path::new(program).is_file() {
        bail!("`{program}` was not found");
    }
    let database = Database::start_migrated().await?;
    // Listening to it keeps Ctrl-C from ending us: it is the command's.
    let ignore = tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    let status = without_our_package(&mut Command::new(program))
        .args(arguments)
        .envs(database.variables())
        .envs(database.addresses()?)
        .envs(database.psql_variables()?)
        .kill_on_drop(true)
        .status();
    let status = process::until_terminated(status).await;
    ignore.abort();
    database.stop().await?;
    let status = status?;
    ensure!(status.success(), "{program} failed ({status})");
    Ok(())
}
