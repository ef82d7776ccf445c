//! The contenders: `lyceum up`, and gateways in front of subgraphs in separate processes.

use std::{fs, path::Path};

use anyhow::{Result, bail};
use bench::system::System;
use serde::{Serialize, Serializer};
use serde_json::json;
use tokio::process::Command;

use super::{
    process::{Process, free_port},
    subgraphs::{Accept, Subgraphs},
};

/// The contenders, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Up,
    Signing,
    Lyceum,
    HiveRouter,
    ApolloGateway,
    HiveGateway,
}

impl Name {
    pub const GATEWAYS: [Self; 5] =
        [Self::Signing, Self::Lyceum, Self::HiveRouter, Self::ApolloGateway, Self::HiveGateway];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "lyceum up, in process",
            Self::Signing => "lyceum router, signing",
            Self::Lyceum => "lyceum router",
            Self::HiveRouter => "hive-router",
            Self::ApolloGateway => "@apollo/gateway",
            Self::HiveGateway => "@graphql-hive/gateway",
        }
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A running contender.
pub struct Contender<'a> {
    pub name: Name,
    pub url: String,
    /// `None` where the whole system is one process.
    parts: Option<(Process, &'a Subgraphs)>,
}

/// CPU seconds.
#[derive(Clone, Copy)]
pub struct Cpu {
    pub gateway: f64,
    pub subgraphs: f64,
    pub databases: f64,
}

impl Cpu {
    pub fn since(self, before: Self) -> Self {
        Self {
            gateway: self.gateway - before.gateway,
            subgraphs: self.subgraphs - before.subgraphs,
            databases: self.databases - before.databases,
        }
    }
}

impl<'a> Contender<'a> {
    pub fn up(system: &System) -> Self {
        Self { name: Name::Up, url: system.addresses().router.clone(), parts: None }
    }

    /// Starts a gateway in front of these subgraphs.
    pub async fn start(
        name: Name,
        program: &Path,
        system: &System,
        subgraphs: &'a Subgraphs,
        logs: &Path,
    ) -> Result<Self> {
        let port = free_port()?;
        let mut command = match name {
            Name::Up => bail!("it is one process"),
            Name::Lyceum => lyceum(program, system, subgraphs, port, Accept::Everybody),
            Name::Signing => lyceum(program, system, subgraphs, port, Accept::SIGNED),
            Name::HiveRouter => hive_router(subgraphs, port, logs)?,
            Name::ApolloGateway => apollo_gateway(subgraphs, port, logs)?,
            Name::HiveGateway => hive_gateway(subgraphs, port, logs)?,
        };
        let file = name.as_str().replace('/', "-");
        let mut process = Process::start(&file, &mut command, port, logs)?;
        process.gateway_ready(logs).await?;
        Ok(Self { name, url: process.url.clone(), parts: Some((process, subgraphs)) })
    }

    /// The CPU seconds of the gateway, the subgraphs and the databases.
    pub fn cpu(&self, system: &System) -> Result<Cpu> {
        let used = system.cpu()?;
        Ok(match &self.parts {
            None => Cpu { gateway: used.system, subgraphs: 0.0, databases: used.databases },
            Some((gateway, subgraphs)) => {
                Cpu { gateway: gateway.cpu()?, subgraphs: subgraphs.cpu()?, databases: used.databases }
            }
        })
    }

    pub async fn stop(self) -> Result<()> {
        match self.parts {
            None => Ok(()),
            Some((process, _)) => process.stop().await,
        }
    }
}

fn lyceum(program: &Path, system: &System, subgraphs: &Subgraphs, port: u16, accept: Accept) -> Command {
    let mut command = Command::new(program);
    // One student would not send so many requests.
    command.args(["router", "--router-port", &port.to_string(), "--cost-budget", "0"]);
    command.args(["--jwks-url", &system.addresses().jwks, "--subgraph-urls", &subgraphs.urls()]);
    accept.tell(&mut command);
    command
}

fn hive_router(subgraphs: &Subgraphs, port: u16, directory: &Path) -> Result<Command> {
    let supergraph = directory.join("hive-router.graphql");
    subgraphs.write_supergraph(&supergraph)?;
    let config = json!({
        "http": { "host": "127.0.0.1", "port": port },
        "supergraph": { "source": "file", "path": supergraph },
        "headers": { "all": { "request": [{ "propagate": { "named": "authorization" } }] } },
        // Same as Lyceum's, which does not log each request.
        "log": { "level": "warn" },
    });
    let file = directory.join("hive-router.yaml");
    fs::write(&file, config.to_string())?;
    let mut command = Command::new(std::env::current_exe()?.with_file_name("plain_router"));
    command.env("ROUTER_CONFIG_FILE_PATH", file);
    Ok(command)
}

fn apollo_gateway(subgraphs: &Subgraphs, port: u16, directory: &Path) -> Result<Command> {
    let supergraph = directory.join("apollo-gateway.graphql");
    subgraphs.write_supergraph(&supergraph)?;
    let mut command = node();
    command.arg("apollo.js").arg(supergraph).arg(port.to_string());
    Ok(command)
}

fn hive_gateway(subgraphs: &Subgraphs, port: u16, directory: &Path) -> Result<Command> {
    let supergraph = directory.join("hive-gateway.graphql");
    subgraphs.write_supergraph(&supergraph)?;
    let mut command = node();
    command.arg("node_modules/@graphql-hive/gateway/dist/bin.js").arg("supergraph").arg(supergraph);
    command.args(["--config-path", "hive.config.js", "--host", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--fork", "1"]);
    Ok(command)
}

fn node() -> Command {
    let mut command = Command::new("node");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("gateways");
    command.current_dir(directory).env("NODE_ENV", "production");
    command
}
