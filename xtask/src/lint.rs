//! `cargo xtask lint`

use anyhow::Result;

use crate::npm::Package;
use crate::workspace::{cargo, compile};
use crate::{module_cycles, process};

pub async fn run() -> Result<()> {
    process::run(cargo().args(["fmt", "--all", "--check"])).await?;
    // No members of the workspace.
    for manifest in ["fuzz/Cargo.toml", "clients/rust/Cargo.toml"] {
        process::run(cargo().args(["fmt", "--manifest-path", manifest, "--check"])).await?;
    }
    module_cycles::check().await?;
    let clippy = ["--workspace", "--all-targets", "--features", "bench/gateways", "--locked", "--", "-D", "warnings"];
    process::run(compile("clippy").args(clippy)).await?;
    let doc = ["--workspace", "--no-deps", "--document-private-items", "--locked"];
    process::run(compile("doc").args(doc).env("RUSTDOCFLAGS", "-D warnings")).await?;
    let packages = [Package::schema_check(), Package::truth(), Package::web_playground(), Package::storefront()];
    for package in packages {
        package.install().await?;
        package.script("lint").await?;
    }
    Ok(())
}
