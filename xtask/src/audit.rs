//! `cargo xtask audit`: what is known against the crates and npm packages that we depend on.

use anyhow::{Result, ensure};

use crate::npm::{Audit, Package};
use crate::workspace::{cargo, find_program};
use crate::{process, terminal};

pub async fn run() -> Result<()> {
    audit_npm().await?;
    audit_crates().await
}

async fn audit_npm() -> Result<()> {
    let mut found = Vec::new();
    for package in Package::all() {
        match package.audit().await? {
            Audit::Serious(advisories) => found.extend(advisories),
            // The others would be told the same.
            Audit::Unavailable(reason) => {
                terminal::note(&format!("npm packages were not audited: the registry is unavailable: {reason}"));
                return Ok(());
            }
        }
    }
    ensure!(found.is_empty(), "npm packages have serious advisories:\n  {}", found.join("\n  "));
    Ok(())
}

/// As `deny.toml` says. Where the advisories cannot be fetched, the other checks are left.
async fn audit_crates() -> Result<()> {
    if find_program("cargo-deny").is_none() {
        terminal::note("crates were not audited: run `cargo install cargo-deny --locked`");
        return Ok(());
    }
    terminal::step("cargo deny fetch db");
    if process::status(cargo().args(["deny", "fetch", "db"])).await?.success() {
        return process::run(cargo().args(["deny", "check"])).await;
    }
    terminal::note("advisories of crates were not checked: cannot fetch their database");
    process::run(cargo().args(["deny", "--offline", "check", "bans", "licenses", "sources"])).await
}
