//! Random operations, compared with the reference implementation of `truth/`.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::npm::Package;

/// Asks a system for so many seconds. The databases are read as their owners.
pub async fn run(
    url: &str,
    databases: &BTreeMap<String, String>,
    authority: Option<&Path>,
    seconds: u64,
) -> Result<String> {
    let package = Package::truth();
    let program = || -> Result<Command> {
        let mut command = package.program("bin/lyceum-truth.js")?;
        command.envs(databases).stdin(Stdio::null());
        if let Some(authority) = authority {
            command.env("NODE_EXTRA_CA_CERTS", authority);
        }
        Ok(command)
    };
    run_to_end(program()?.arg("prepare")).await?;
    let mut compare = program()?;
    compare.args(["--system", &format!("http={url}"), "--seconds", &seconds.to_string(), "--quiet"]);
    let text = run_to_end(&mut compare).await?;
    let summary = text.lines().rev().find(|line| line.contains("operations")).unwrap_or("compared");
    Ok(summary.trim().to_owned())
}

async fn run_to_end(command: &mut Command) -> Result<String> {
    let output = command.kill_on_drop(true).output().await?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    ensure!(output.status.success(), "{text}");
    Ok(text)
}
