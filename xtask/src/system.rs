//! The whole of Lyceum, started for tests that come from outside.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::database::Database;
use crate::process::Running;
use crate::terminal::{self, Waiting};
use crate::workspace::cargo;

const PATIENCE: Duration = Duration::from_mins(3);

/// A `lyceum up` on a free port, with data of its own.
pub struct System {
    port: u16,
    running: Running,
}

impl System {
    pub async fn start(database: &Database, data: &Path) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        terminal::step(&format!("lyceum up --port {port}"));
        let mut command = cargo();
        command.args(["run", "--quiet", "--package", "lyceum", "--locked", "--", "up", "--port", &port.to_string()]);
        command.arg("--data-dir").arg(data.join("system"));
        command.envs(database.create_system("page").await?);
        let mut system = Self { port, running: Running::start(&mut command)? };
        system.wait_until_ready().await?;
        Ok(system)
    }

    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let waiting = Waiting::for_("waiting for its first answer");
        let deadline = Instant::now() + PATIENCE;
        while !answers(self.port).await {
            ensure!(!self.running.has_ended()?, "`lyceum up` ended before it answered");
            ensure!(Instant::now() < deadline, "`lyceum up` does not answer on port {}", self.port);
            sleep(Duration::from_millis(200)).await;
        }
        waiting.done();
        Ok(())
    }
}

async fn answers(port: u16) -> bool {
    timeout(Duration::from_secs(5), ask(port)).await.is_ok_and(|status| status.is_ok_and(|line| line.contains(" 200")))
}

async fn ask(port: u16) -> Result<String> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    connection.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut start = [0; 16];
    let length = connection.read(&mut start).await?;
    Ok(String::from_utf8_lossy(&start[..length]).into_owned())
}
