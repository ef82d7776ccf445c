//! `cargo xtask manifests`: what kustomize makes of `deploy/kubernetes`, against the schemas of Kubernetes.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::workspace::{home, root};
use crate::{debian, process, terminal};

/// Knows the schemas of the Kubernetes of the same number.
const VALIDATOR: &str = "kubernetes-validate==1.37.0";

pub async fn run() -> Result<()> {
    debian::ensure_kubectl().await?;
    let validator = validator().await?;

    terminal::step("kubectl kustomize deploy/kubernetes");
    let kubectl = std::env::var_os("KUBECTL").unwrap_or_else(|| "kubectl".into());
    let made = Command::new(kubectl).arg("kustomize").arg(root().join("deploy/kubernetes")).output().await?;
    ensure!(made.status.success(), "kustomize failed:\n{}", String::from_utf8_lossy(&made.stderr));
    let file = tempfile::NamedTempFile::with_suffix(".yaml")?;
    std::fs::write(&file, &made.stdout)?;
    process::run(Command::new(validator).arg("--strict").arg(file.path())).await
}

/// The validator, in a Python environment of its own.
async fn validator() -> Result<PathBuf> {
    let environment = home()?.join(VALIDATOR.replace("==", "-"));
    let program = environment.join("bin/kubernetes-validate");
    if !program.is_file() {
        let made = process::run(Command::new("python3").args(["-m", "venv"]).arg(&environment)).await;
        made.context("the validator needs Python 3 (Debian: `sudo apt-get install python3-venv`)")?;
        process::run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", VALIDATOR])).await?;
    }
    ensure!(program.is_file(), "{VALIDATOR} brings no program");
    Ok(program)
}
