//! `cargo xtask schema`: the commands of `schema-check/`, with the planner of this workspace.

use std::fmt;

use anyhow::{Result, bail};

use crate::npm::Package;
use crate::process;
use crate::workspace::compile;

/// The program has failed, and has said why.
#[derive(Debug)]
pub struct Exited(pub u8);

impl fmt::Display for Exited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the schema check ended with exit code {}", self.0)
    }
}

impl std::error::Error for Exited {}

pub async fn run(arguments: &[String]) -> Result<()> {
    let package = Package::schema_check();
    package.install().await?;
    let mut command = package.program("bin/lyceum-schema.js")?;
    command.args(arguments);
    let is_check = arguments.first().is_some_and(|name| name == "check");
    if is_check && std::env::var_os("LYCEUM_PROGRAM").is_none() {
        process::run(compile("build").args(["--bin", "lyceum", "--locked"])).await?;
        // Cargo puts all programs of a workspace side by side.
        command.env("LYCEUM_PROGRAM", std::env::current_exe()?.with_file_name("lyceum"));
    }
    let status = process::status(&mut command).await?;
    match status.code().map(u8::try_from) {
        Some(Ok(0)) => Ok(()),
        Some(Ok(code)) => Err(Exited(code).into()),
        _ => bail!("the schema check was killed ({status})"),
    }
}
