//! Starts `lyceum up` as a user does, on free ports and with data that nobody keeps.

use std::{
    collections::BTreeMap,
    env,
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use auth::signature::{SIGNATURE, Secrets, SignedParts};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use serde::Deserialize;
use subgraph_testing::{blocking::Client, transcript};
use tempfile::TempDir;

pub const STUDENT: &str = "student1@lyceum.example";
pub const OTHER_STUDENT: &str = "student2@lyceum.example";
pub const THIRD_STUDENT: &str = "student3@lyceum.example";
pub const TEACHER: &str = "teacher1@lyceum.example";
pub const UNVERIFIED_TEACHER: &str = "teacher2@lyceum.example";
pub const ADMIN: &str = "admin@lyceum.example";
pub const PASSWORD: &str = "lyceum-sample";
/// What the router signs with, in every system of these tests.
pub const SECRET: &str = "these tests sign with a secret of their own";
/// The secret with which subgraphs that are processes of their own seal values.
pub const SEAL_SECRET: &str = "these tests seal values with another secret";

const OUTPUT: &str = "output";
const TIMEOUT: Duration = Duration::from_mins(2);

/// A running system.
pub struct System {
    process: Child,
    pub addresses: Addresses,
    directory: TempDir,
    log: PathBuf,
}

/// What `--addresses` writes.
#[derive(Clone, Debug, Deserialize)]
pub struct Addresses {
    pub router: String,
    pub jwks: String,
    pub metrics: Option<String>,
    pub subgraphs: BTreeMap<String, String>,
    pub databases: BTreeMap<String, String>,
    pub data: PathBuf,
}

impl System {
    /// The one that the tests share: seeded, and never changed in what others look at. It stops
    /// when this process is gone.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<System> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&["--temporary"]))
    }

    /// One of a test's own.
    pub fn start(arguments: &[&str]) -> Self {
        Self::launch(command(arguments))
    }

    /// The same of a command that was changed.
    pub fn launch(mut command: Command) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let file = directory.path().join("addresses.json");
        let log = transcript::path("log").unwrap_or_else(|| directory.path().join("log"));
        let mut process = command
            .arg("--addresses")
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(File::create(directory.path().join(OUTPUT)).expect("a file for the output"))
            .stderr(File::create(&log).expect("a file for the log"))
            .spawn()
            .expect("`lyceum` starts");
        let addresses = wait_for(&mut process, &file, &log);
        keep_server_logs(&addresses.data);
        Self { process, addresses, directory, log }
    }

    /// What it has said on standard output.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.directory.path().join(OUTPUT)).expect("the output can be read")
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log can be read")
    }

    /// The number of its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// The memory that its process has, without the servers of its databases.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("Linux says it");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("how much it has");
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes * 1024
    }

    /// The sockets that its process has, each of which is a file to the system.
    pub fn open_sockets(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).expect("Linux says it");
        let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Nobody signed in.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.addresses.router)
    }

    /// Nobody signed in, straight at a subgraph: each request is signed as the router would.
    pub fn subgraph(&self, name: &str) -> Client {
        at_subgraph(name, self.addresses.subgraphs[name].trim_end_matches("/graphql"))
    }

    /// Signs in one of the seeded people.
    pub fn sign_in(&self, email: &str) -> Client {
        self.anonymous().sign_in(email, PASSWORD)
    }

    /// Ends the process at once, leaving its children behind.
    pub fn kill(&mut self) {
        self.process.kill().expect("the process can be killed");
        self.process.wait().expect("the process ends");
    }

    /// Stops in order, and says how the process ended.
    pub fn stop(&mut self) -> Option<i32> {
        self.signal(nix::sys::signal::Signal::SIGTERM)
    }

    /// Sends a signal that ends the process, and says how it ended.
    pub fn signal(&mut self, signal: nix::sys::signal::Signal) -> Option<i32> {
        let pid = i32::try_from(self.process.id()).expect("a process id");
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
        self.process.wait().expect("the process ends").code()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        self.stop();
    }
}

/// `lyceum up` with free ports, ending with this process.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = lyceum();
    command.args(["up", "--free-ports", "--stop-with-stdin"]).args(arguments);
    if !arguments.contains(&"--data-dir") {
        // PostgreSQL's programs are there already.
        command.arg("--data-dir").arg(workspace().join(".lyceum"));
    }
    command
}

/// `lyceum`, with nothing of the environment that these tests run in.
pub fn lyceum() -> Command {
    let program = env::var_os("LYCEUM_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_lyceum").into());
    let mut command = Command::new(program);
    // All tests are one client.
    command.env("LYCEUM_THROTTLE", "false");
    command.env("LYCEUM_COST_BUDGET", "0").env("LYCEUM_ANONYMOUS_COST_BUDGET", "0");
    for (name, _) in env::vars_os().filter(|(name, _)| names_a_database(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.env("LYCEUM_SUBGRAPH_SECRET", SECRET).env("RUST_LOG", transcript::LOG_FILTER);
    command
}

/// Whether an environment variable says where a subgraph's database is.
fn names_a_database(variable: &str) -> bool {
    ["_DATABASE_URL", "_DATABASE_OWNER_URL"].iter().any(|suffix| variable.ends_with(suffix))
}

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace exists")
}

/// The files of `operations/`, and of the folders in it, that clients send.
pub fn documents() -> Vec<PathBuf> {
    let files = documents_in(&workspace().join("operations"));
    assert!(files.len() >= 12, "a dozen operations");
    files
}

fn documents_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of operations");
    // What services send to one another is for a subgraph, without the router.
    let paths = entries.map(|entry| entry.expect("an entry").path()).filter(|path| !path.ends_with("services"));
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = paths.partition(|path| path.is_dir());
    let documents = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "graphql"));
    documents.chain(folders.iter().flat_map(|folder| documents_in(folder))).collect()
}

/// The databases' logs go when their system does: a second name keeps them.
fn keep_server_logs(data: &Path) {
    // A system over somebody else's databases has no logs of them.
    let Ok(entries) = std::fs::read_dir(data.join("databases")) else { return };
    let files = entries.map(|entry| entry.expect("an entry").path());
    for log in files.filter(|file| file.extension().is_some_and(|end| end == "log")) {
        let Some(kept) = transcript::path("server") else { return };
        if std::fs::hard_link(&log, &kept).is_err() {
            std::fs::copy(&log, &kept).expect("the log is readable");
        }
    }
}

fn wait_for(process: &mut Child, file: &Path, log: &Path) -> Addresses {
    let started = Instant::now();
    loop {
        if let Ok(text) = std::fs::read(file) {
            return serde_json::from_slice(&text).expect("the addresses are JSON");
        }
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        if let Some(status) = process.try_wait().expect("the process can be asked") {
            panic!("`lyceum up` ended with {status}:\n{}", log());
        }
        assert!(started.elapsed() < TIMEOUT, "`lyceum up` is not ready yet:\n{}", log());
        sleep(Duration::from_millis(20));
    }
}

/// A process that ends with its test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `lyceum router` as a process of its own, before the subgraphs of a system.
pub struct LoneRouter {
    _process: Process,
    pub port: u16,
}

impl LoneRouter {
    pub fn start(system: &System) -> Self {
        Self::before(&system.addresses)
    }

    /// The subgraphs may be away.
    pub fn before(addresses: &Addresses) -> Self {
        let port = free_port();
        let subgraphs: Vec<_> = addresses.subgraphs.iter().map(|(name, url)| format!("{name}={url}")).collect();
        let process = Command::new(env!("CARGO_BIN_EXE_lyceum"))
            .args(["router", "--router-port", &port.to_string(), "--jwks-url", &addresses.jwks])
            .args(["--subgraph-urls", &subgraphs.join(",")])
            .env("LYCEUM_SUBGRAPH_SECRET", SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(transcript::path("log").map_or_else(Stdio::null, |log| File::create(log).expect("a file").into()))
            .env("RUST_LOG", transcript::LOG_FILTER)
            .spawn()
            .expect("the router starts");
        wait_until_ready(&format!("127.0.0.1:{port}"));
        Self { _process: Process(process), port }
    }

    pub fn visitor(&self) -> Client {
        Client::new(&format!("http://127.0.0.1:{}", self.port))
    }
}

/// Waits for a process that runs alone.
pub fn wait_until_ready(address: &str) {
    let (url, started) = (format!("http://{address}/ready"), Instant::now());
    while !reqwest::blocking::get(&url).is_ok_and(|answer| answer.status().is_success()) {
        assert!(started.elapsed() < TIMEOUT, "{address} is not ready");
        sleep(Duration::from_millis(20));
    }
}

/// What `look` finds at last: services hear of each other in their own time.
pub fn until<T>(what: &str, timeout: Duration, look: impl Fn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < timeout, "{what}");
        sleep(Duration::from_millis(50));
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// The host and the port of a URL.
pub fn authority(url: &str) -> String {
    let (_, rest) = url.split_once("://").expect("a URL");
    rest.split('/').next().expect("an authority").to_owned()
}

/// Nobody signed in, at the subgraph of this address, as if they were the router.
pub fn at_subgraph(name: &str, address: &str) -> Client {
    let name = name.to_owned();
    Client::with_signature(address, move |headers, body| (SIGNATURE, signature(&name, headers, body)))
}

/// What the router would sign a request to a subgraph with.
pub fn signature(subgraph: &str, headers: &HeaderMap, body: &[u8]) -> HeaderValue {
    let secrets: Secrets = SECRET.parse().expect("it is long enough");
    secrets.sign(SignedParts { subgraph, method: &Method::POST, path: "/graphql", headers, body })
}
