//! The databases, the subgraphs, the router, and NATS where it is wanted: each a process of its own,
//! and every connection between two of them over a link that can be cut.

use std::{
    collections::BTreeMap,
    fs::Permissions,
    iter::repeat_with,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use embedded_postgres::{Installation, ServerOptions};
use futures::future::join_all;
use serde_json::json;
use sqlx::{PgPool, postgres::PgPoolOptions};
use subgraph_testing::{Client, free_port};
use tempfile::TempDir;
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

use crate::{
    network::Link,
    processes::{Program, Victim},
};

pub const PASSWORD: &str = "chaos has a password";
const ADMIN: &str = "chaos-admin@lyceum.example";
const TEACHER: &str = "chaos-teacher@lyceum.example";
const SECRET: &str = "these processes sign with a secret of their own";
const SEAL_SECRET: &str = "these subgraphs seal values with another secret";
const TIMEOUT: Duration = Duration::from_mins(2);

/// Those of `supergraph.yaml`, in its order.
pub fn subgraph_names() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../../../supergraph.yaml").lines();
    let keys = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    keys.filter(|key| !key.starts_with(' '))
}

pub struct Cluster {
    pub victims: Vec<Victim>,
    pub links: Vec<Link>,
    /// Before the routers.
    front: Option<Link>,
    /// Processes that ended without having been killed from outside.
    pub died: Arc<AtomicUsize>,
    /// Not over links.
    pub databases: BTreeMap<&'static str, PgPool>,
    urls: BTreeMap<&'static str, String>,
    /// Where each subgraph's processes answer.
    ports: BTreeMap<&'static str, Vec<u16>>,
    router: String,
    http: reqwest::Client,
    directory: TempDir,
}

impl Cluster {
    /// With so many processes of each part.
    pub async fn start(bus: &str, replicas: usize) -> Result<Self> {
        let directory =
            tempfile::Builder::new().prefix("lyceum-chaos-").permissions(Permissions::from_mode(0o755)).tempdir()?;
        let died = Arc::new(AtomicUsize::new(0));
        let mut cluster = Self {
            victims: Vec::new(),
            links: Vec::new(),
            front: None,
            died,
            databases: BTreeMap::new(),
            urls: BTreeMap::new(),
            ports: BTreeMap::new(),
            router: String::new(),
            http: reqwest::Client::builder().timeout(Duration::from_secs(20)).build()?,
            directory,
        };
        cluster.start_databases().await?;
        let bus = if bus == "nats" { cluster.start_nats().await? } else { "local".to_owned() };
        cluster.start_graph(&bus, replicas).await?;
        cluster.wait_until_ready().await?;
        Ok(cluster)
    }

    async fn start_databases(&mut self) -> Result<()> {
        let bin = std::env::var_os("LYCEUM_POSTGRES_BIN").map(PathBuf::from);
        let installation =
            Installation::find_or_fetch(&workspace().join(".lyceum"), bin, &|step| crate::say(step)).await?;
        let installation = Arc::new(installation);
        for name in subgraph_names() {
            let options = ServerOptions {
                data_dir: self.directory.path().join("databases").join(name),
                port: free_port(),
                database: name.to_owned(),
                ephemeral: false,
            };
            let (victim, url) = Victim::database(name, Arc::clone(&installation), options).await?;
            let pool = PgPoolOptions::new().max_connections(2).connect_lazy(&url)?;
            self.victims.push(victim);
            self.databases.insert(name, pool);
            self.urls.insert(name, url);
        }
        Ok(())
    }

    async fn start_nats(&mut self) -> Result<String> {
        let port = free_port();
        let arguments = ["-js", "-sd", "nats", "-a", "127.0.0.1", "-p"].map(str::to_owned).into_iter();
        let program = Program {
            path: nats_server()?,
            arguments: arguments.chain([port.to_string()]).collect(),
            variables: Vec::new(),
            directory: self.directory.path().to_owned(),
            log: self.log("nats"),
        };
        self.victims.push(Victim::program("nats", program, Arc::clone(&self.died))?);
        Ok(format!("nats://127.0.0.1:{}", self.link("nats", port).await?))
    }

    async fn start_graph(&mut self, bus: &str, replicas: usize) -> Result<()> {
        let mut ports = BTreeMap::new();
        let mut graphs = Vec::new();
        for name in subgraph_names() {
            let replicas = repeat_with(free_port).take(replicas).collect::<Vec<_>>();
            self.links.push(link(format!("the way to {name}"), &replicas).await?);
            let port = self.links.last().expect("it was added").port;
            graphs.push(format!("{name}=http://127.0.0.1:{port}/graphql"));
            ports.insert(name, port);
            self.ports.insert(name, replicas);
        }
        let common = [
            ("LYCEUM_SUBGRAPH_SECRET", SECRET.to_owned()),
            ("LYCEUM_SUBGRAPH_URLS", graphs.join(",")),
            ("LYCEUM_JWKS_URL", format!("http://127.0.0.1:{}/.well-known/jwks.json", ports["identity"])),
            ("LYCEUM_KEYS_DIR", self.directory.path().join("keys").display().to_string()),
            ("LYCEUM_EVENT_BUS", bus.to_owned()),
            ("LYCEUM_THROTTLE", "false".to_owned()),
            ("LYCEUM_ACCESS_TOKEN_SECONDS", "7200".to_owned()),
            ("LYCEUM_DRAIN_SECONDS", "3".to_owned()),
        ];
        let common: Vec<_> = common.map(|(name, value)| (name.to_owned(), value)).into();

        for name in subgraph_names() {
            let database = self.linked_url(name).await?;
            let variable = format!("{}_DATABASE_URL", name.to_uppercase());
            let seal_secret = ("LYCEUM_SEAL_SECRET".to_owned(), SEAL_SECRET.to_owned());
            let variables: Vec<_> = common.iter().cloned().chain([seal_secret, (variable, database)]).collect();
            for port in &self.ports[name] {
                let listen = format!("127.0.0.1:{port}");
                let arguments = vec!["subgraph".to_owned(), name.to_owned(), "--listen".to_owned(), listen];
                let program = self.lyceum(arguments, variables.clone(), name);
                self.victims.push(Victim::program(name, program, Arc::clone(&self.died))?);
            }
        }

        let routers = repeat_with(free_port).take(replicas).collect::<Vec<_>>();
        for port in &routers {
            let arguments = vec!["router".to_owned(), "--router-port".to_owned(), port.to_string()];
            let program = self.lyceum(arguments, common.clone(), "router");
            self.victims.push(Victim::program("router", program, Arc::clone(&self.died))?);
        }
        let front = link("the way to the routers".to_owned(), &routers).await?;
        self.router = format!("http://127.0.0.1:{}", front.port);
        self.front = Some(front);
        Ok(())
    }

    /// The processes that are no databases.
    pub fn programs(&self) -> impl Iterator<Item = &Victim> {
        self.victims.iter().filter(|victim| victim.name == "router" || subgraph_names().any(|name| name == victim.name))
    }

    /// What a subgraph says of itself.
    pub async fn readiness(&self, name: &str) -> Result<u16> {
        let answer = self.http.get(format!("http://127.0.0.1:{}/ready", self.ports[name][0])).send().await?;
        Ok(answer.status().as_u16())
    }

    /// The database of a subgraph.
    pub fn database(&self, name: &str) -> &Victim {
        let name = format!("{name}'s database");
        self.victims.iter().find(|victim| victim.name == name).expect("each subgraph has one")
    }

    /// The way to the database of a subgraph.
    pub fn way_to_database(&self, name: &str) -> &Link {
        let name = format!("the way to {name}'s database");
        self.links.iter().find(|link| link.name == name).expect("each subgraph has one")
    }

    /// Waits until every process says that it can serve.
    pub async fn wait_for_all(&self) -> Result<()> {
        let distributors = self.links.iter().chain(&self.front).filter(|link| link.size() > 1);
        let all = join_all(distributors.map(|link| link.wait_for(link.size())));
        timeout(TIMEOUT, all).await.context("not every process is ready in time")?;
        Ok(())
    }

    fn lyceum(&self, arguments: Vec<String>, variables: Vec<(String, String)>, name: &str) -> Program {
        Program { path: lyceum(), arguments, variables, directory: workspace(), log: self.log(name) }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.log"))
    }

    async fn link(&mut self, name: &str, target: u16) -> Result<u16> {
        let link = Link::to(format!("the way to {name}"), target).await?;
        let port = link.port;
        self.links.push(link);
        Ok(port)
    }

    async fn linked_url(&mut self, name: &'static str) -> Result<String> {
        let mut url: reqwest::Url = self.urls[name].parse()?;
        let target = url.port().context("a database has a port")?;
        let port = self.link(&format!("{name}'s database"), target).await?;
        url.set_port(Some(port)).ok().context("a port")?;
        Ok(url.into())
    }

    /// Waits until every part of the graph answers.
    pub async fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + TIMEOUT;
        let probe = "{ me { id } courses(first: 1) { nodes { id enrollmentCount } } }";
        let mut last = String::new();
        while Instant::now() < deadline {
            match self.anonymous().try_data(probe, &json!({})).await {
                Ok(_) => return Ok(()),
                Err(error) => last = format!("{error:#}"),
            }
            sleep(Duration::from_millis(50)).await;
        }
        for name in subgraph_names().chain(["router"]) {
            let log = std::fs::read_to_string(self.log(name)).unwrap_or_default();
            let end: Vec<_> = log.lines().rev().take(5).collect();
            crate::say(format!("{name}: {}", end.into_iter().rev().collect::<Vec<_>>().join("\n    ")));
        }
        bail!("the graph does not answer: {last}")
    }

    /// Nobody signed in, who asks the router with an HTTP client of their own.
    pub fn client(&self, http: reqwest::Client) -> Client {
        Client::with_http(http, &self.router)
    }

    pub fn anonymous(&self) -> Client {
        self.client(self.http.clone())
    }

    /// A new person, signed in.
    pub async fn register(&self, email: &str, role: &str) -> Result<(Client, String)> {
        let document = "mutation ($input: RegisterInput!) { register(input: $input) {
            session { accessToken } user { id } userErrors { code } } }";
        let input = json!({ "email": email, "password": PASSWORD, "name": "Somebody in chaos", "role": role });
        let data = self.anonymous().try_data(document, &json!({ "input": input })).await?;
        let token =
            data["register"]["session"]["accessToken"].as_str().with_context(|| format!("no session: {data}"))?;
        let id = data["register"]["user"]["id"].as_str().context("an id")?;
        Ok((self.anonymous().with_token(token), id.to_owned()))
    }

    async fn sign_in(&self, email: &str) -> Result<Client> {
        self.anonymous().try_sign_in(email, PASSWORD).await
    }

    pub async fn teacher(&self) -> Result<Client> {
        self.register(TEACHER, "TEACHER").await?;
        self.admin_command(&["verify-teacher", TEACHER]).await?;
        self.sign_in(TEACHER).await
    }

    pub async fn admin(&self) -> Result<Client> {
        self.register(ADMIN, "STUDENT").await?;
        self.admin_command(&["grant", ADMIN]).await?;
        self.sign_in(ADMIN).await
    }

    /// Asks the system itself whether it adds up.
    pub async fn reconcile(&self) -> Result<()> {
        self.admin_command(&["reconcile", ADMIN, "--router", &self.router, "--usual", "0"]).await
    }

    async fn admin_command(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(lyceum());
        command.arg("admin").args(arguments).current_dir(workspace());
        command.env("IDENTITY_DATABASE_URL", &self.urls["identity"]);
        command.env("LYCEUM_KEYS_DIR", self.directory.path().join("keys"));
        let output = command.output().await?;
        let said = || [output.stdout.as_slice(), &output.stderr].concat();
        ensure!(output.status.success(), "`lyceum admin {}`: {}", arguments[0], String::from_utf8_lossy(&said()));
        Ok(())
    }

    pub async fn stop(self) -> Result<()> {
        for pool in self.databases.values() {
            pool.close().await;
        }
        // Those that others need were started first.
        for victim in self.victims.into_iter().rev() {
            victim.stop().await;
        }
        Ok(self.directory.close()?)
    }
}

/// To one process straight, among several by what they say of themselves.
async fn link(name: String, targets: &[u16]) -> std::io::Result<Link> {
    match targets {
        [target] => Link::to(name, *target).await,
        targets => Link::among(name, targets).await,
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace exists")
}

fn lyceum() -> PathBuf {
    std::env::var_os("LYCEUM_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_lyceum").into(), PathBuf::from)
}

fn nats_server() -> Result<PathBuf> {
    let given = std::env::var_os("NATS_SERVER").map(PathBuf::from);
    let usual = ["/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"].map(PathBuf::from);
    let found = given.into_iter().chain(usual).find(|path| path.is_file());
    found.context(
        "there is no `nats-server`: install it (Debian: `apt-get install nats-server`), or name it in NATS_SERVER",
    )
}
