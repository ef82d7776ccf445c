//! Programs that the tests need and that Debian packages.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::workspace::find_program;
use crate::{process, terminal};

/// A program, and how to get it.
struct Needed {
    what_for: &'static str,
    /// An environment variable that names it.
    variable: &'static str,
    usual_place: &'static str,
    package: &'static str,
}

/// What the browser tests need.
pub async fn ensure_chromium() -> Result<()> {
    let chromium = Needed {
        what_for: "the browser tests need Chromium",
        variable: "CHROMIUM",
        usual_place: "/usr/bin/chromium",
        package: "chromium",
    };
    chromium.ensure().await
}

/// What the tests of events by way of NATS need.
pub async fn ensure_nats() -> Result<()> {
    let nats = Needed {
        what_for: "the tests of events need a NATS server",
        variable: "NATS_SERVER",
        usual_place: "/usr/sbin/nats-server",
        package: "nats-server",
    };
    nats.ensure().await
}

/// What puts the manifests together.
pub async fn ensure_kubectl() -> Result<()> {
    let kubectl = Needed {
        what_for: "the manifests need kubectl",
        variable: "KUBECTL",
        usual_place: "/usr/bin/kubectl",
        package: "kubernetes-client",
    };
    kubectl.ensure().await
}

/// What runs containers.
pub async fn ensure_docker() -> Result<()> {
    let needed =
        |usual_place, package| Needed { what_for: "containers need Docker", variable: "", usual_place, package };
    needed("/usr/sbin/dockerd", "docker.io").ensure().await?;
    needed("/usr/bin/docker-compose", "docker-compose").ensure().await
}

impl Needed {
    async fn ensure(&self) -> Result<()> {
        let Self { what_for, variable, usual_place, package } = self;
        let given = std::env::var_os(variable).map(PathBuf::from);
        if given.is_some_and(|path| path.is_file()) || Path::new(usual_place).is_file() {
            return Ok(());
        }
        if nix::unistd::geteuid().is_root() && find_program("apt-get").is_some() {
            terminal::note(&format!("{what_for}: installing Debian's package"));
            process::run(Command::new("apt-get").args(["update", "-qq"])).await?;
            let mut install = Command::new("apt-get");
            install.args(["install", "-y", "-qq", "--no-install-recommends", package]);
            return process::run(install.env("DEBIAN_FRONTEND", "noninteractive")).await;
        }
        bail!(
            "{what_for}: install it (Debian: `sudo apt-get install {package}`), or set {variable} to the path of the program"
        )
    }
}
