//! `cargo xtask manifests`: what kustomize makes of `deploy/kubernetes`, against the schemas of Kubernetes.

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::workspace::root;
use crate::{debian, process, python, terminal};

/// Knows the schemas of the Kubernetes of the same number.
const VALIDATOR: &str = "kubernetes-validate==1.37.0";

pub async fn run() -> Result<()> {
    debian::ensure_kubectl().await?;
    let validator = python::program(VALIDATOR, "kubernetes-validate", "the validator").await?;

    terminal::step("kubectl kustomize deploy/kubernetes");
    let kubectl = std::env::var_os("KUBECTL").unwrap_or_else(|| "kubectl".into());
    let made = Command::new(kubectl).arg("kustomize").arg(root().join("deploy/kubernetes")).output().await?;
    ensure!(made.status.success(), "kustomize failed:\n{}", String::from_utf8_lossy(&made.stderr));
    let file = tempfile::NamedTempFile::with_suffix(".yaml")?;
    std::fs::write(&file, &made.stdout)?;
    process::run(Command::new(validator).arg("--strict").arg(file.path())).await
}
