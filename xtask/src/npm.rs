//! The TypeScript parts: packages, build, scripts.

use std::path::PathBuf;

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::workspace::{find_program, root};
use crate::{files, process};

/// A folder with a `package.json`.
pub struct Package {
    directory: PathBuf,
}

impl Package {
    pub fn schema_check() -> Self {
        Self { directory: root().join("schema-check") }
    }

    pub fn web_playground() -> Self {
        Self { directory: root().join("web-playground") }
    }

    /// What `cargo xtask truth` compares the system with.
    pub fn truth() -> Self {
        Self { directory: root().join("truth") }
    }

    /// The clients that the tests of live updates use.
    pub fn test_clients() -> Self {
        Self { directory: root().join("lyceum/tests/clients") }
    }

    /// The gateways that `cargo xtask bench --gateways` measures beside ours.
    pub fn gateways() -> Self {
        Self { directory: root().join("bench/gateways") }
    }

    /// Installs exactly the locked packages, unless they are there.
    pub async fn install(&self) -> Result<()> {
        let installed = self.directory.join("node_modules/.package-lock.json");
        if files::is_stale(&installed, &[self.directory.join("package-lock.json")]) {
            process::run(self.npm()?.args(["ci", "--no-audit", "--no-fund"])).await?;
        }
        Ok(())
    }

    /// Runs one of the scripts in `package.json`, if it has that one.
    pub async fn script(&self, name: &str) -> Result<()> {
        process::run(self.npm()?.args(["run", "--silent", name])).await
    }

    /// Builds into `dist`, unless that is newer than all it is made of.
    pub async fn build(&self) -> Result<()> {
        let others = ["operations", "supergraph.graphql", "docs/permissions.json", "docs/errors.json"];
        let sources = [vec![self.directory.clone()], others.map(|other| root().join(other)).to_vec()].concat();
        if files::is_stale(&self.directory.join("dist/index.html"), &sources) {
            self.script("build").await?;
        }
        Ok(())
    }

    /// One of the programs that the packages bring.
    pub fn program(&self, path: &str) -> Result<Command> {
        let mut command = node("node")?;
        command.arg(self.directory.join(path)).current_dir(root());
        Ok(command)
    }

    fn npm(&self) -> Result<Command> {
        let mut command = node("npm")?;
        command.current_dir(&self.directory);
        Ok(command)
    }
}

fn node(name: &str) -> Result<Command> {
    match find_program(name) {
        Some(program) => Ok(Command::new(program)),
        None => bail!("there is no `{name}`: install Node.js 20.19 or newer (https://nodejs.org)"),
    }
}
