//! A rung that runs: processes, engines, and where clients reach them.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use futures::future::{join_all, try_join_all};
use reqwest::Client;
use serde::Deserialize;
use subgraph_testing::free_port;
use tempfile::TempDir;
use tokio::{process::Command, time::sleep};

use super::{
    certificates::Authority,
    databases::{Databases, variable},
    engine::Engine,
    haproxy::{self, Frontend},
    nats::Nats,
    pgbouncer, refusals,
    rung::{Features, Rung},
    service::Service,
    valkey,
};
use crate::workspace::{root, subgraphs};

const SECRET: &str = "the ladder signs with a secret of its own";
const SEAL_SECRET: &str = "the ladder seals values with another secret";
const START_TIMEOUT: Duration = Duration::from_mins(3);
/// Longer than `HAProxy` takes to notice what has become ready, or is about to end.
pub const HEALTH_CHECK_DELAY: Duration = Duration::from_millis(1500);

/// What every rung is started with.
pub struct Settings {
    pub program: PathBuf,
    /// The size of the sample data.
    pub seed_scale: String,
    /// The budget of a user on the rung that shares budgets, in milliseconds of work.
    pub cost_budget: u32,
    pub pooler_is_usable: bool,
}

pub struct System {
    /// Where clients go.
    pub url: String,
    /// Who signs the certificates of servers, where there is TLS.
    pub authority: Option<Authority>,
    /// The URLs of the databases, by the variables of their subgraphs, for the owners of the tables.
    pub databases: BTreeMap<String, String>,
    pub services: Vec<Service>,
    pub haproxy: Option<Engine>,
    pub pooler: Option<Engine>,
    pub nats: Option<Nats>,
    pub valkey: Option<Engine>,
    /// What was refused before the start, where there is TLS.
    pub refused: Vec<String>,
    pub directory: TempDir,
    servers: Option<Databases>,
    http: Client,
}

/// What `lyceum up --addresses` writes.
#[derive(Deserialize)]
struct Addresses {
    router: String,
    databases: BTreeMap<String, String>,
}

/// A line of `lyceum admin doctor`.
#[derive(Deserialize)]
struct Finding {
    level: String,
    subject: String,
    check: String,
    message: String,
}

impl System {
    pub async fn start(rung: Rung, settings: &Settings) -> Result<Self> {
        let features = rung.features(settings.pooler_is_usable);
        let mut directory = tempfile::Builder::new();
        let directory = directory.prefix("lyceum-ladder-").permissions(Permissions::from_mode(0o755)).tempdir()?;
        let mut system = Self {
            url: String::new(),
            authority: None,
            databases: BTreeMap::new(),
            services: Vec::new(),
            haproxy: None,
            pooler: None,
            nats: None,
            valkey: None,
            refused: Vec::new(),
            directory,
            servers: None,
            http: Client::builder().timeout(Duration::from_secs(5)).build()?,
        };
        if features.processes {
            system.start_processes(features, settings).await?;
        } else {
            system.start_up(settings).await?;
        }
        Ok(system)
    }

    async fn start_up(&mut self, settings: &Settings) -> Result<()> {
        let file = self.directory.path().join("addresses.json");
        let mut up = Service::new("up", &settings.program, 0, self.log("up"));
        let addresses = file.display().to_string();
        let arguments = ["up", "--temporary", "--free-ports", "--seed-scale", &settings.seed_scale, "--addresses"];
        up.arguments = arguments.into_iter().chain([&*addresses]).map(str::to_owned).collect();
        up.variables = owned(&limits(0));
        up.start()?;
        let deadline = Instant::now() + START_TIMEOUT;
        while !file.is_file() {
            ensure!(Instant::now() < deadline, "`lyceum up` is not ready: see {}", up.log.display());
            sleep(Duration::from_millis(100)).await;
        }
        let addresses: Addresses = serde_json::from_slice(&fs::read(&file)?)?;
        let router: reqwest::Url = addresses.router.parse()?;
        up.port = router.port().context("the router has a port")?;
        // Clients have addresses of the older kind.
        self.url = addresses.router.replace("localhost", "127.0.0.1");
        self.databases = addresses.databases.iter().map(|(name, url)| (variable(name), url.clone())).collect();
        self.services.push(up);
        Ok(())
    }

    async fn start_processes(&mut self, features: Features, settings: &Settings) -> Result<()> {
        let mut databases = Databases::start(self.directory.path()).await?;
        if features.tls {
            let authority = Authority::new(self.directory.path().join("tls"))?;
            self.refused = refusals::of_databases(&databases, &authority, &settings.program).await?;
            databases.encrypt(&authority).await?;
            if features.pooler {
                self.pooler = Some(pgbouncer::start(self.directory.path(), &databases, &authority).await?);
            }
            if features.nats > 0 {
                self.nats = Some(Nats::start(self.directory.path(), features.nats, &authority).await?);
            }
            self.authority = Some(authority);
        }
        if features.valkey {
            self.valkey = Some(valkey::start(self.directory.path()).await?);
        }
        databases.fill(|| lyceum(&settings.program), &settings.seed_scale).await?;
        self.databases = databases.variables();
        let layout = Layout::new(if features.replicas { 2 } else { 1 })?;
        if features.replicas {
            self.haproxy = Some(self.start_haproxy(&layout).await?);
        }
        self.add_services(&layout, &databases, features, settings)?;
        self.servers = Some(databases);
        for service in &mut self.services {
            service.start()?;
        }
        try_join_all(self.services.iter().map(|service| service.wait_until_ready(&self.http))).await?;
        self.url = self.scheme() + &format!("://127.0.0.1:{}", layout.routers.address());
        sleep(HEALTH_CHECK_DELAY).await;
        Ok(())
    }

    async fn start_haproxy(&self, layout: &Layout) -> Result<Engine> {
        let directory = self.directory.path();
        let certificate = match &self.authority {
            Some(authority) => {
                let certificate = authority.issue()?;
                let file = directory.join("haproxy.pem");
                fs::write(&file, format!("{}{}", certificate.chain, certificate.key))?;
                Some(file)
            }
            None => None,
        };
        let file = directory.join("haproxy.cfg");
        fs::write(&file, haproxy::configuration(&layout.frontends(), certificate.as_deref()))?;
        let program = std::env::var("HAPROXY").unwrap_or_else(|_| "/usr/sbin/haproxy".to_owned());
        let arguments = ["-db", "-f", &*file.to_string_lossy()].map(str::to_owned);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let port = layout.routers.address();
        let mut engine = Engine::new("haproxy", Path::new(&program), &arguments, port, self.log("haproxy"));
        engine.start().await?;
        Ok(engine)
    }

    fn add_services(
        &mut self,
        layout: &Layout,
        databases: &Databases,
        features: Features,
        settings: &Settings,
    ) -> Result<()> {
        let mut common = owned(&limits(if features.valkey { settings.cost_budget } else { 0 }));
        common.extend(self.shared_variables(layout));
        for (name, group) in &layout.subgraphs {
            let mut variables = common.clone();
            variables.push(("LYCEUM_SEAL_SECRET".to_owned(), SEAL_SECRET.to_owned()));
            variables.extend(self.database_variables(name, databases)?);
            for (index, port) in group.ports.iter().enumerate() {
                let title = format!("{name}-{}", index + 1);
                let mut service = Service::new(&title, &settings.program, *port, self.log(&title));
                let listen = format!("127.0.0.1:{port}");
                service.arguments = ["subgraph", name, "--listen", &listen].map(str::to_owned).into();
                service.variables.clone_from(&variables);
                self.services.push(service);
            }
        }
        if features.replicas {
            common.extend(owned(&[
                ("LYCEUM_CLIENT_ADDRESS_HEADER", "x-forwarded-for".to_owned()),
                ("LYCEUM_TRUSTED_PROXIES", "1".to_owned()),
            ]));
        }
        if let Some(valkey) = &self.valkey {
            common.push(("LYCEUM_COST_BUDGET_URL".to_owned(), format!("redis://127.0.0.1:{}/0", valkey.port)));
        }
        for (index, port) in layout.routers.ports.iter().enumerate() {
            let title = format!("router-{}", index + 1);
            let mut service = Service::new(&title, &settings.program, *port, self.log(&title));
            service.arguments = ["router", "--router-port", &port.to_string()].map(str::to_owned).into();
            service.variables.clone_from(&common);
            self.services.push(service);
        }
        Ok(())
    }

    /// What router and subgraphs have in common.
    fn shared_variables(&self, layout: &Layout) -> Vec<(String, String)> {
        let scheme = self.scheme();
        let url = |(name, group): &(String, Group)| format!("{name}={scheme}://127.0.0.1:{}/graphql", group.address());
        let urls: Vec<_> = layout.subgraphs.iter().map(url).collect();
        let keys = self.directory.path().join("keys");
        let mut variables = owned(&[
            ("LYCEUM_SUBGRAPH_SECRET", SECRET.to_owned()),
            ("LYCEUM_SUBGRAPH_URLS", urls.join(",")),
            ("LYCEUM_JWKS_URL", format!("{scheme}://127.0.0.1:{}/.well-known/jwks.json", layout.identity_address())),
            ("LYCEUM_KEYS_DIR", keys.display().to_string()),
            ("LYCEUM_DRAIN_SECONDS", "3".to_owned()),
        ]);
        match (&self.nats, &self.authority) {
            (Some(nats), Some(authority)) => variables.extend(nats.variables(authority)),
            _ => variables.push(("LYCEUM_EVENT_BUS".to_owned(), "local".to_owned())),
        }
        if let Some(authority) = &self.authority {
            variables.push(("SSL_CERT_FILE".to_owned(), authority.file().display().to_string()));
            variables.push(("LYCEUM_DB_REQUIRE_TLS".to_owned(), "true".to_owned()));
        }
        variables
    }

    fn database_variables(&self, name: &str, databases: &Databases) -> Result<Vec<(String, String)>> {
        let direct = databases.url(name);
        let Some(pooler) = &self.pooler else { return Ok(vec![(variable(name), direct)]) };
        let mut url: reqwest::Url = direct.parse()?;
        url.set_port(Some(pooler.port)).ok().context("a port")?;
        let direct_variable = format!("{}_DATABASE_DIRECT_URL", name.to_uppercase());
        Ok(vec![(variable(name), url.into()), (direct_variable, direct)])
    }

    fn scheme(&self) -> String {
        if self.authority.is_some() { "https" } else { "http" }.to_owned()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.log"))
    }

    /// A command of this system's `lyceum`, for the administrator.
    pub fn command(&self, settings: &Settings) -> Command {
        let mut command = lyceum(&settings.program);
        command.envs(&self.databases);
        // Only `up` keeps its keys elsewhere, and no command that we use needs them.
        command.env("LYCEUM_KEYS_DIR", self.directory.path().join("keys"));
        command
    }

    /// What `lyceum admin doctor` says: of each database's connections, and whether there is a problem.
    pub async fn ask_doctor(&self, settings: &Settings) -> Result<(BTreeMap<String, String>, Result<String>)> {
        let mut command = lyceum(&settings.program);
        for service in &self.services {
            command.envs(service.variables.iter().cloned());
        }
        let output = command.args(["admin", "doctor", "--format", "json"]).output().await?;
        let findings: Vec<Finding> = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`lyceum admin doctor`: {}", String::from_utf8_lossy(&output.stderr)))?;
        let connections = findings.iter().filter(|finding| finding.check == "connections");
        let connections = connections.map(|finding| (finding.subject.clone(), finding.message.clone())).collect();
        let problems: Vec<_> = findings.iter().filter(|finding| finding.level == "problem").collect();
        let texts =
            problems.iter().map(|finding| format!("{} of {}: {}", finding.check, finding.subject, finding.message));
        let text = texts.collect::<Vec<_>>().join("\n");
        let outcome = if problems.is_empty() { Ok(format!("{} checks", findings.len())) } else { Err(anyhow!(text)) };
        Ok((connections, outcome))
    }

    /// The largest memory of a process, by what it is.
    pub fn peak_memory(&self) -> BTreeMap<String, u64> {
        let mut peaks = BTreeMap::new();
        for service in &self.services {
            let kind = service.name.split('-').next().unwrap_or_default().to_owned();
            let peak = peaks.entry(kind).or_default();
            *peak = service.peak_memory().unwrap_or_default().max(*peak);
        }
        peaks
    }

    /// Ends one process in order, and starts it as `program`.
    pub async fn replace(&mut self, index: usize, program: &Path) -> Result<()> {
        let service = &mut self.services[index];
        service.stop().await?;
        program.clone_into(&mut service.program);
        service.start()?;
        service.wait_until_ready(&self.http).await?;
        sleep(HEALTH_CHECK_DELAY).await;
        Ok(())
    }

    pub async fn stop(mut self) -> Result<()> {
        let stopped = join_all(self.services.iter_mut().map(Service::stop)).await;
        let nats = self.nats.iter_mut().flat_map(|nats| &mut nats.servers);
        let others = [&mut self.haproxy, &mut self.pooler, &mut self.valkey].into_iter().flatten();
        for engine in others.chain(nats) {
            engine.kill().await?;
        }
        if let Some(servers) = self.servers.take() {
            servers.stop().await?;
        }
        stopped.into_iter().collect()
    }
}

/// The processes of one part, and where others reach them.
struct Group {
    ports: Vec<u16>,
    balancer: Option<u16>,
}

struct Layout {
    subgraphs: Vec<(String, Group)>,
    routers: Group,
}

impl Group {
    fn new(replicas: usize) -> Self {
        let ports = (0..replicas).map(|_| free_port()).collect();
        Self { ports, balancer: (replicas > 1).then(free_port) }
    }

    fn address(&self) -> u16 {
        self.balancer.unwrap_or(self.ports[0])
    }
}

impl Layout {
    fn new(replicas: usize) -> Result<Self> {
        let subgraphs = subgraphs()?.into_iter().map(|name| Ok((name, Group::new(replicas))));
        Ok(Self { subgraphs: subgraphs.collect::<Result<_>>()?, routers: Group::new(replicas) })
    }

    fn identity_address(&self) -> u16 {
        let identity = self.subgraphs.iter().find(|(name, _)| name == "identity");
        identity.map_or(0, |(_, group)| group.address())
    }

    fn frontends(&self) -> Vec<Frontend> {
        let frontend = |name: &str, group: &Group, forwards_address| Frontend {
            name: name.to_owned(),
            port: group.address(),
            servers: group.ports.clone(),
            forwards_address,
        };
        let subgraphs = self.subgraphs.iter().map(|(name, group)| frontend(name, group, false));
        [frontend("routers", &self.routers, true)].into_iter().chain(subgraphs).collect()
    }
}

fn lyceum(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Of one operation, and of all of a minute; 0 is no limit, for a suite that asks more than a person.
fn limits(budget: u32) -> [(&'static str, String); 5] {
    [
        ("LYCEUM_COST_LIMIT", "0".to_owned()),
        ("LYCEUM_ANONYMOUS_COST_LIMIT", "0".to_owned()),
        ("LYCEUM_COST_BUDGET", budget.to_string()),
        ("LYCEUM_ANONYMOUS_COST_BUDGET", "0".to_owned()),
        ("LYCEUM_ACCESS_TOKEN_SECONDS", "7200".to_owned()),
    ]
}

fn owned(variables: &[(&str, String)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
