//! NATS as others run it: with users, with TLS, as a cluster.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use async_nats::jetstream;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use reqwest::blocking;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    certificates::Authority,
    processes::{Database, Part, Plan},
    system::{PASSWORD, Process, at_subgraph, free_port},
};

const TIMEOUT: Duration = Duration::from_mins(1);

/// Two services with events between them, over running databases.
struct Services {
    plan: Plan,
    databases: Vec<Database>,
}

impl Services {
    fn new() -> Self {
        let plan = Plan::new(&["identity", "notification"]);
        let mut databases = Database::new(&plan, &["identity", "notification"]);
        databases.iter_mut().for_each(Database::start);
        Self { plan, databases }
    }

    /// Starts one of them.
    fn start(&self, index: usize, settings: &[(&str, &str)]) -> Part {
        let part = self.plan.start(["identity", "notification"][index], &self.databases[index].url, settings);
        part.wait_until("ready", Part::is_ready);
        part
    }

    fn register(&self, name: &str) {
        let identity = at_subgraph("identity", &format!("http://127.0.0.1:{}", self.plan.port("identity")));
        let register = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
        let input = json!({ "email": format!("{name}@nats.example"), "password": PASSWORD, "name": name });
        assert!(identity.data(register, json!({ "input": input }))["register"]["user"]["id"].is_string(), "{name}");
    }

    /// Starts both, and expects that an event gets from one to the other.
    fn expect_delivery(&self, name: &str, settings: &[(&str, &str)]) {
        let (_identity, notification) = (self.start(0, settings), self.start(1, settings));
        self.register(name);
        // Those that stood still before come, too.
        notification.wait_until("told of the event", |part| part.lines_with("Registration") > 0);
    }

    /// Starts one, and expects that it serves, and says why events stand still.
    fn expect_standstill(&self, name: &str, settings: &[(&str, &str)], reason: &str) {
        let identity = self.start(0, settings);
        self.register(name);
        identity.wait_until("aware of it", |_| self.says("events between services stand still: NATS is unavailable"));
        identity.wait_until("told why", |part| part.lines_with(reason) > 0);
        assert!(identity.is_ready());
    }

    fn says(&self, text: &str) -> bool {
        let url = format!("http://127.0.0.1:{}/ready", self.plan.port("identity"));
        blocking::get(url).and_then(blocking::Response::text).is_ok_and(|body| body.contains(text))
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.plan.home.path().join(name);
        fs::write(&path, content).expect("a file");
        path.display().to_string()
    }

    /// Runs a server with this configuration.
    fn server(&self, port: u16, configuration: &str) -> Process {
        let store = self.plan.home.path().join(format!("nats-{port}"));
        run(port, &store, configuration)
    }
}

fn run(port: u16, store: &Path, configuration: &str) -> Process {
    let configuration =
        format!("listen: 127.0.0.1:{port}\njetstream {{ store_dir: \"{}\" }}\n{configuration}", store.display());
    let file = PathBuf::from(format!("{}.conf", store.display()));
    fs::write(&file, configuration).expect("a file");
    let program = std::env::var("NATS_SERVER").unwrap_or_else(|_| "/usr/sbin/nats-server".to_owned());
    let mut command = Command::new(program);
    let log = fs::File::create(format!("{}.log", store.display())).expect("a log");
    command.arg("-c").arg(file).stderr(log).stdin(Stdio::null());
    Process(command.spawn().expect("`nats-server` starts: Debian has it as a package"))
}

#[test]
fn nats_knows_its_users_by_password_or_token_or_certificate() {
    let services = Services::new();
    let (authority, port) = (Authority::new(), free_port());
    let ca = services.file("authority.pem", &authority.certificate);
    let certificate = authority.issue("127.0.0.1");
    let (chain, key) = (services.file("nats.crt", &certificate.chain), services.file("nats.key", &certificate.key));
    let tls = format!("tls {{ cert_file: \"{chain}\", key_file: \"{key}\"");
    let user = r#"authorization { users = [{ user: lyceum, password: "p@ss:word" }] }"#;

    // The first of the servers is not there.
    let with_password =
        |password: &str| format!("nats://lyceum:{password}@127.0.0.1:{},tls://127.0.0.1:{port}", free_port());
    let server = services.server(port, &format!("{tls} }}\n{user}"));
    let bus = with_password("p%40ss%3Aword");
    services.expect_delivery("password", &[("LYCEUM_EVENT_BUS", &bus), ("LYCEUM_NATS_CA_FILE", &ca)]);
    services.expect_delivery("system", &[("LYCEUM_EVENT_BUS", &bus), ("SSL_CERT_FILE", &ca)]);
    services.expect_standstill("authority", &[("LYCEUM_EVENT_BUS", &bus)], "UnknownIssuer");
    let wrong = with_password("wrong");
    let settings = [("LYCEUM_EVENT_BUS", &*wrong), ("LYCEUM_NATS_CA_FILE", &*ca)];
    services.expect_standstill("wrong", &settings, "authorization violation");
    drop(server);

    let server = services.server(port, r#"authorization { token: "s3cret token" }"#);
    let bus = format!("nats://s3cret%20token@127.0.0.1:{port}");
    services.expect_delivery("token", &[("LYCEUM_EVENT_BUS", &bus)]);
    // A server that does not speak TLS, and should.
    let demanded = format!("tls://s3cret%20token@127.0.0.1:{port}");
    services.expect_standstill("plain", &[("LYCEUM_EVENT_BUS", &demanded)], "NATS is unavailable");
    drop(server);

    let _server = services.server(port, &format!("{tls}, ca_file: \"{ca}\", verify: true }}"));
    let bus = format!("tls://127.0.0.1:{port}");
    let client = authority.issue("lyceum");
    let (chain, key) = (services.file("client.crt", &client.chain), services.file("client.key", &client.key));
    let trusted = [("LYCEUM_EVENT_BUS", &*bus), ("LYCEUM_NATS_CA_FILE", &*ca)];
    let known = [("LYCEUM_NATS_CERTIFICATE_FILE", &*chain), ("LYCEUM_NATS_KEY_FILE", &*key)];
    services.expect_delivery("certificate", &[trusted, known].concat());
    services.expect_standstill("nobody", &trusted, "NATS is unavailable");
}

#[test]
fn a_missing_file_for_nats_ends_a_process_at_once() {
    let plan = Plan::new(&["identity"]);
    for variable in ["LYCEUM_NATS_CREDENTIALS_FILE", "LYCEUM_NATS_CA_FILE"] {
        let settings = [("LYCEUM_EVENT_BUS", "nats://127.0.0.1:1"), (variable, "/nowhere/file")];
        let mut identity = plan.start("identity", "postgres://lyceum@127.0.0.1:1/identity", &settings);

        assert_eq!(identity.ended(), Some(1), "{variable}");
        assert!(identity.lines_with("cannot use /nowhere/file") > 0, "{variable}");
    }
}

/// A JWT of NATS, signed by the key of its issuer.
fn jwt(issuer: &KeyPair, subject: &KeyPair, nats: &Value) -> String {
    let claims = json!({
        "jti": subject.public_key(),
        "iat": 1_700_000_000,
        "iss": issuer.public_key(),
        "name": "lyceum",
        "sub": subject.public_key(),
        "nats": nats,
    });
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = issuer.sign(signed.as_bytes()).expect("a signature");
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn nats_knows_its_users_by_their_credentials_file() {
    let services = Services::new();
    let [operator, account, system, user] =
        [KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_account(), KeyPair::new_user()];
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1,
        "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1,
    });
    let accounts = [
        jwt(&operator, &account, &json!({ "type": "account", "version": 2, "limits": limits })),
        jwt(&operator, &system, &json!({ "type": "account", "version": 2 })),
    ];
    let configuration = format!(
        "operator: {}\nsystem_account: {}\nresolver: MEMORY\nresolver_preload: {{ {}: {}, {}: {} }}",
        jwt(&operator, &operator, &json!({ "type": "operator", "version": 2 })),
        system.public_key(),
        account.public_key(),
        accounts[0],
        system.public_key(),
        accounts[1],
    );
    let user_claims =
        json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {} });
    let credentials = format!(
        "-----BEGIN NATS USER JWT-----\n{}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        jwt(&account, &user, &user_claims),
        user.seed().expect("a seed"),
    );
    let file = services.file("lyceum.creds", &credentials);
    let port = free_port();
    let bus = format!("nats://127.0.0.1:{port}");
    let _server = services.server(port, &configuration);

    services.expect_delivery("credentials", &[("LYCEUM_EVENT_BUS", &bus), ("LYCEUM_NATS_CREDENTIALS_FILE", &file)]);
    services.expect_standstill("stranger", &[("LYCEUM_EVENT_BUS", &bus)], "authorization violation");
}

/// Three servers that store each event three times.
struct Cluster {
    ports: [u16; 3],
    routes: [u16; 3],
    running: [Option<Process>; 3],
    runtime: Runtime,
}

impl Cluster {
    fn start(services: &Services) -> Self {
        let (ports, routes) = ([free_port(), free_port(), free_port()], [free_port(), free_port(), free_port()]);
        let runtime = Runtime::new().expect("a runtime");
        let mut cluster = Self { ports, routes, running: [None, None, None], runtime };
        (0..3).for_each(|index| cluster.start_one(services, index));
        cluster
    }

    fn start_one(&mut self, services: &Services, index: usize) {
        let routes = self.routes.map(|port| format!("nats://127.0.0.1:{port}")).join(", ");
        let configuration = format!(
            "server_name: n{index}\ncluster {{ name: lyceum, listen: 127.0.0.1:{}, routes: [{routes}] }}",
            self.routes[index]
        );
        self.running[index] = Some(services.server(self.ports[index], &configuration));
    }

    fn bus(&self) -> String {
        self.ports.map(|port| format!("nats://127.0.0.1:{port}")).join(",")
    }

    /// The number of servers that store the stream, and which of them leads, once all that run have all of it.
    fn stream(&self) -> Option<(usize, usize)> {
        let alive = self.ports.iter().zip(&self.running).filter(|(_, running)| running.is_some());
        let urls = alive.map(|(port, _)| format!("nats://127.0.0.1:{port}").parse().expect("a URL"));
        let urls: Vec<async_nats::ServerAddr> = urls.collect();
        self.runtime.block_on(async {
            let client = async_nats::connect(urls).await.ok()?;
            let stream = jetstream::new(client).get_stream("lyceum").await.ok()?;
            let info = stream.cached_info();
            let cluster = info.cluster.as_ref()?;
            cluster.replicas.iter().all(|replica| replica.current && !replica.offline).then_some(())?;
            let leader = cluster.leader.as_deref()?.strip_prefix('n')?.parse().ok()?;
            Some((info.config.num_replicas, leader))
        })
    }

    fn leader(&self) -> usize {
        let start = Instant::now();
        loop {
            if let Some((_, leader)) = self.stream() {
                return leader;
            }
            assert!(start.elapsed() < TIMEOUT, "the stream has no leader");
            sleep(Duration::from_millis(100));
        }
    }
}

#[test]
fn a_cluster_of_nats_loses_one_server_and_no_event() {
    let services = Services::new();
    let mut cluster = Cluster::start(&services);
    let bus = cluster.bus();
    let three = [("LYCEUM_EVENT_BUS", &*bus), ("LYCEUM_NATS_REPLICAS", "3")];
    let identity = services.start(0, &three);
    let notification = services.start(1, &three);
    services.register("whole");
    notification.wait_until("told of the event", |part| part.lines_with("Registration") == 1);

    for round in 1..=3 {
        let leader = cluster.leader();
        cluster.running[leader] = None;
        services.register(&format!("without{round}"));
        notification.wait_until("told of the event", |part| part.lines_with("Registration") == 1 + round);
        cluster.start_one(&services, leader);
    }
    identity.wait_until("calm", |_| !services.says("stand still"));
    drop((identity, notification));

    // Another number of replicas in the settings of one process is no reason to give up any.
    let _identity = services.start(0, &[("LYCEUM_EVENT_BUS", &bus), ("LYCEUM_NATS_REPLICAS", "1")]);
    let notification = services.start(1, &[("LYCEUM_EVENT_BUS", &bus)]);
    services.register("fewer");
    notification.wait_until("told of the event", |part| part.lines_with("Registration") == 1);
    cluster.leader();
    assert_eq!(cluster.stream().map(|(replicas, _)| replicas), Some(3));
}
