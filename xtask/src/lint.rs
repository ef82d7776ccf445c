//! `cargo xtask lint`

use anyhow::Result;

use crate::npm::Package;
use crate::process;
use crate::workspace::cargo;

pub async fn run() -> Result<()> {
    process::run(cargo().args(["fmt", "--all", "--check"])).await?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    process::run(cargo().args(clippy)).await?;
    let doc = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    process::run(cargo().args(doc).env("RUSTDOCFLAGS", "-D warnings")).await?;
    for package in [Package::schema_check(), Package::web_playground()] {
        package.install().await?;
        package.script("lint").await?;
    }
    Ok(())
}
