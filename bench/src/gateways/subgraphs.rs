//! The subgraphs, each as a separate process, over the databases of a system.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};
use bench::system::Addresses;
use futures::future::try_join_all;
use regex::Regex;
use tokio::process::Command;

use super::process::{Process, free_port};

const SUPERGRAPH: &str = include_str!("../../../supergraph.graphql");
const SEAL_SECRET: &str = "what the subgraphs of a measurement seal with";

/// The running subgraphs. Dropping them ends their processes.
pub struct Subgraphs {
    running: Vec<(String, Process)>,
}

/// The requests that subgraphs accept.
#[derive(Clone, Copy, Debug)]
pub enum Accept {
    /// All of this machine, for gateways that cannot sign.
    Everybody,
    /// The router's, which are signed with this secret.
    Signed(&'static str),
}

impl Accept {
    pub const SIGNED: Self = Self::Signed("what the router of a measurement signs with");

    /// Configures a subgraph or Lyceum's router.
    pub fn tell(self, command: &mut Command) {
        match self {
            Self::Everybody => command.arg("--insecure-dev"),
            Self::Signed(secret) => command.env("LYCEUM_SUBGRAPH_SECRET", secret),
        };
    }
}

impl Subgraphs {
    pub async fn start(program: &Path, system: &Addresses, accept: Accept, logs: &Path) -> Result<Self> {
        let ports = system.databases.keys().map(|name| Ok((name.as_str(), free_port()?)));
        let ports = ports.collect::<Result<Vec<_>>>()?;
        let urls: Vec<_> = ports.iter().map(|(name, port)| format!("{name}=http://127.0.0.1:{port}/graphql")).collect();
        let start = async |&(name, port): &(&str, u16)| {
            let mut command = Command::new(program);
            command.args(["subgraph", name, "--listen", &format!("127.0.0.1:{port}")]);
            command.args(["--event-bus", "local", "--jwks-url", &system.jwks, "--subgraph-urls", &urls.join(",")]);
            // With the same keys, tokens of `up` are valid.
            command.arg("--keys-dir").arg(system.data.join("keys"));
            command.env("LYCEUM_SEAL_SECRET", SEAL_SECRET);
            command.env(format!("{}_DATABASE_URL", name.to_uppercase()), &system.databases[name]);
            accept.tell(&mut command);
            let mut process = Process::start(name, &mut command, port, logs)?;
            process.subgraph_ready(logs).await?;
            anyhow::Ok((name.to_owned(), process))
        };
        Ok(Self { running: try_join_all(ports.iter().map(start)).await? })
    }

    /// The URLs as `NAME=URL,…`.
    pub fn urls(&self) -> String {
        let urls = self.running.iter().map(|(name, process)| format!("{name}={}/graphql", process.url));
        urls.collect::<Vec<_>>().join(",")
    }

    /// Writes the supergraph with these URLs.
    pub fn write_supergraph(&self, file: &Path) -> Result<()> {
        let mut supergraph = SUPERGRAPH.to_owned();
        for (name, process) in &self.running {
            let address = Regex::new(&format!(r#"(@join__graph\(name: "{name}", url: ")[^"]*"#))?;
            let replaced = address.replace(&supergraph, format!("${{1}}{}/graphql", process.url));
            supergraph = replaced.into_owned();
        }
        fs::write(file, supergraph).context("cannot write the supergraph")
    }

    /// The CPU seconds of all subgraphs.
    pub fn cpu(&self) -> Result<f64> {
        self.running.iter().map(|(_, process)| process.cpu()).sum()
    }

    pub async fn stop(self) -> Result<()> {
        try_join_all(self.running.into_iter().map(|(_, process)| process.stop())).await?;
        Ok(())
    }
}
