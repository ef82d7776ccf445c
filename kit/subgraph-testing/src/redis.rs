//! A Redis server, whose protocol Valkey shares.

use std::{
    env,
    io::Write as _,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::free_port;

/// Of the server's default user.
pub const PASSWORD: &str = "hunter2 of the tests";
/// Has no password, and the rights that docs/cost.md names.
pub const USER: &str = "lyceum";
/// Has no password, and the rights that docs/operations.md names for persisted queries.
pub const DOCUMENTS_USER: &str = "documents";
const TIMEOUT: Duration = Duration::from_mins(1);

/// A server of a test's own, which comes and goes, always at the same address. It ends with its test.
pub struct RedisServer {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl RedisServer {
    /// Starts it.
    ///
    /// # Panics
    /// If there is no `redis-server`.
    #[must_use]
    pub fn start() -> Self {
        let port = free_port();
        let directory = TempDir::new().expect("a temporary directory");
        Self { process: spawn(port, &directory), port, directory }
    }

    /// As `kill -9` does.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }

    /// Starts it after its end.
    pub fn start_again(&mut self) {
        self.process = spawn(self.port, &self.directory);
    }

    /// A database of it, for the default user.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/2", encoded_password(), self.port)
    }

    /// The port where it listens, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The Unix socket where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(&self.directory)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The password in the form that URLs have.
#[must_use]
pub fn encoded_password() -> String {
    PASSWORD.replace(' ', "%20")
}

fn socket(directory: &TempDir) -> PathBuf {
    directory.path().join("socket")
}

fn spawn(port: u16, directory: &TempDir) -> Child {
    let program = env::var("REDIS_SERVER").unwrap_or_else(|_| "/usr/bin/redis-server".to_owned());
    let mut command = Command::new(program);
    command.args(["-", "--dir"]).arg(directory.path()).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut process = command.spawn().expect("`redis-server` starts: Debian has it as a package");
    let rights = "~lyceum:cost:* +evalsha +script|load +select +time +get +set +del";
    let documents_rights = "~lyceum:{documents}:* +evalsha +script|load +select +time +del +expire +get +incrby +hset +hget \
                            +hdel +hlen +hstrlen +hincrby +zadd +zrem +zcard +zrange +zrangebyscore";
    let users = format!("user {USER} on nopass {rights}\nuser {DOCUMENTS_USER} on nopass {documents_rights}");
    let settings = format!(
        "bind 127.0.0.1\nport {port}\nunixsocket {}\nsave \"\"\nrequirepass \"{PASSWORD}\"\n{users}\n",
        socket(directory).display(),
    );
    let mut input = process.stdin.take().expect("it reads its settings");
    input.write_all(settings.as_bytes()).expect("it reads its settings");
    drop(input);
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < TIMEOUT, "`redis-server` does not listen");
        sleep(Duration::from_millis(5));
    }
    process
}
