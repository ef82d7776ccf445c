//! A Valkey server, or one of Redis, whose protocol is the same.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use subgraph_testing::free_port;

use super::engine::Engine;

/// Debian 12 has Redis only.
const PROGRAMS: [&str; 2] = ["/usr/bin/valkey-server", "/usr/bin/redis-server"];

/// Starts it, without a disk: it has what clients have spent within a minute, and nothing else.
pub async fn start(directory: &Path) -> Result<Engine> {
    let given = std::env::var_os("REDIS_SERVER").map(PathBuf::from);
    let known = given.into_iter().chain(PROGRAMS.map(PathBuf::from));
    let program = known.into_iter().find(|path| path.is_file()).context("there is no Valkey")?;
    let port = free_port();
    let text = port.to_string();
    let arguments = ["--port", &text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    let mut engine = Engine::new("valkey", &program, &arguments, port, directory.join("valkey.log"));
    engine.start().await?;
    Ok(engine)
}
