//! Programs that the tests need and that Debian packages.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::workspace::find_program;
use crate::{process, terminal};

/// A program, and how to get it.
struct Needed {
    what_for: &'static str,
    /// An environment variable that names it, where one does.
    variable: Option<&'static str>,
    usual_place: &'static str,
    package: &'static str,
}

/// What the browser tests need.
pub async fn ensure_chromium() -> Result<()> {
    let chromium = Needed {
        what_for: "the browser tests need Chromium",
        variable: Some("CHROMIUM"),
        usual_place: "/usr/bin/chromium",
        package: "chromium",
    };
    chromium.ensure().await
}

/// What the tests of events by way of NATS need.
pub async fn ensure_nats() -> Result<()> {
    let nats = Needed {
        what_for: "the tests of events need a NATS server",
        variable: Some("NATS_SERVER"),
        usual_place: "/usr/sbin/nats-server",
        package: "nats-server",
    };
    nats.ensure().await
}

/// What the tests of databases behind a connection pooler need.
pub async fn ensure_pgbouncer() -> Result<()> {
    let pgbouncer = Needed {
        what_for: "the tests of databases need PgBouncer",
        variable: Some("PGBOUNCER"),
        usual_place: "/usr/sbin/pgbouncer",
        package: "pgbouncer",
    };
    pgbouncer.ensure().await
}

/// What stands before several processes of one part.
pub async fn ensure_haproxy() -> Result<()> {
    let haproxy = Needed {
        what_for: "several processes of one part need HAProxy",
        variable: Some("HAPROXY"),
        usual_place: "/usr/sbin/haproxy",
        package: "haproxy",
    };
    haproxy.ensure().await
}

/// What the tests of cost budgets in Valkey need: its protocol's other server, since older Debians have no Valkey.
pub async fn ensure_redis() -> Result<()> {
    let redis = Needed {
        what_for: "the tests of shared cost budgets need a Redis server",
        variable: Some("REDIS_SERVER"),
        usual_place: "/usr/bin/redis-server",
        package: "redis-server",
    };
    redis.ensure().await
}

/// What the tests of mail need.
pub async fn ensure_smtp_server() -> Result<()> {
    let server = Needed {
        what_for: "the tests of mail need an SMTP server",
        variable: Some("SMTP_PYTHON"),
        usual_place: "/usr/bin/aiosmtpd",
        package: "python3-aiosmtpd",
    };
    server.ensure().await
}

/// What sends requests as fast as they are answered.
pub async fn ensure_wrk() -> Result<()> {
    let wrk = Needed { what_for: "measurements need wrk", variable: None, usual_place: "/usr/bin/wrk", package: "wrk" };
    wrk.ensure().await
}

/// What counts instructions where the processor does not tell them.
pub async fn ensure_valgrind() -> Result<()> {
    let valgrind = Needed {
        what_for: "counting what operations cost needs Valgrind",
        variable: None,
        usual_place: "/usr/bin/valgrind",
        package: "valgrind",
    };
    valgrind.ensure().await
}

/// What puts the manifests together.
pub async fn ensure_kubectl() -> Result<()> {
    let kubectl = Needed {
        what_for: "the manifests need kubectl",
        variable: Some("KUBECTL"),
        usual_place: "/usr/bin/kubectl",
        package: "kubernetes-client",
    };
    kubectl.ensure().await
}

/// What watches over the system, and checks what it is told to.
pub async fn ensure_prometheus() -> Result<()> {
    if find_program("prometheus").is_some() && find_program("promtool").is_some() {
        return Ok(());
    }
    let prometheus = Needed {
        what_for: "the dashboards and alerts need Prometheus",
        variable: None,
        usual_place: "/usr/bin/prometheus",
        package: "prometheus",
    };
    prometheus.ensure().await
}

/// What runs containers.
pub async fn ensure_docker() -> Result<()> {
    // Docker's own packages put it elsewhere.
    if find_program("dockerd").is_some() {
        return Ok(());
    }
    let docker = Needed {
        what_for: "containers need Docker",
        variable: None,
        usual_place: "/usr/sbin/dockerd",
        package: "docker.io",
    };
    docker.ensure().await
}

/// What runs the containers of a `compose.yml`, where `docker` itself cannot.
pub async fn ensure_compose() -> Result<()> {
    let compose = Needed {
        what_for: "compose.yml needs Docker Compose",
        variable: None,
        usual_place: "/usr/bin/docker-compose",
        package: "docker-compose",
    };
    compose.ensure().await
}

/// Whether what is missing can be installed here.
pub fn can_install() -> bool {
    nix::unistd::geteuid().is_root() && find_program("apt-get").is_some()
}

impl Needed {
    async fn ensure(&self) -> Result<()> {
        let Self { what_for, variable, usual_place, package } = self;
        let given = variable.and_then(std::env::var_os).map(PathBuf::from);
        if given.is_some_and(|path| path.is_file()) || Path::new(usual_place).is_file() {
            return Ok(());
        }
        if can_install() {
            terminal::note(&format!("{what_for}: installing Debian's package"));
            process::run(Command::new("apt-get").args(["update", "-qq"])).await?;
            let mut install = Command::new("apt-get");
            install.args(["install", "-y", "-qq", "--no-install-recommends", package]);
            return process::run(install.env("DEBIAN_FRONTEND", "noninteractive")).await;
        }
        let or_set = variable.map_or_else(String::new, |name| format!(", or set {name} to the path of the program"));
        bail!("{what_for}: install it (Debian: `sudo apt-get install {package}`){or_set}")
    }
}
