//! The accounts of all routers that share a Valkey or Redis server.
//!
//! Each call is one script on the server, by the server's clock.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use redis::{Client, Script, aio::MultiplexedConnection};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::account::{BudgetKey, Charged, WINDOW};
use crate::valkey::{self, Keyspace, Server, TIMEOUT};

const SCRIPT: &str = include_str!("account.lua");
const PREFIX: &str = "lyceum:cost:";

pub struct Valkey {
    server: Arc<Server<AccountKeyspace>>,
    /// The runtime that drives the connection.
    runtime: Handle,
    _connecting: AbortOnDropHandle<()>,
}

struct AccountKeyspace {
    script: Script,
}

/// The arguments of `account.lua`, in microseconds.
#[derive(Clone, Copy)]
struct ScriptArgs {
    name: &'static str,
    budget: u64,
    returned: u64,
    taken: u64,
}

/// Creates the client of a server at this URL, whose password no error repeats.
///
/// # Errors
/// If `url` is not a Valkey or Redis URL, or requires TLS without verification.
pub fn client(url: &str) -> Result<Client> {
    valkey::client(url, "LYCEUM_COST_BUDGET_URL (`--cost-budget-url`)")
}

impl Valkey {
    /// Connects, and reconnects, on the current runtime until dropped.
    pub fn connect(client: Client) -> Self {
        Self::connect_with(client, Script::new(SCRIPT), TIMEOUT)
    }

    fn connect_with(client: Client, script: Script, timeout: Duration) -> Self {
        let server = Arc::new(Server::new(client, AccountKeyspace { script }, timeout));
        let connecting = tokio::spawn(Arc::clone(&server).keep_connected());
        Self { server, runtime: Handle::current(), _connecting: AbortOnDropHandle::new(connecting) }
    }

    /// Charges `due` if the account covers it. `None` while the server is unavailable.
    pub async fn charge(&self, key: &BudgetKey, due: u64, budget: u64) -> Option<Charged> {
        let args = ScriptArgs { name: "charge", budget, returned: 0, taken: due };
        let charged = run(&self.server, &name(key), args).await;
        if charged.is_none() && self.server.connection().is_some() {
            // The server may still run the charge, so it is refunded.
            self.settle(key, due, 0, budget);
        }
        charged
    }

    /// Replaces a charge by the actual cost, in the background: the response must not wait.
    pub fn settle(&self, key: &BudgetKey, charged: u64, used: u64, budget: u64) {
        // The account cannot have more, and Lua's numbers are limited.
        let taken = used.min(budget.saturating_mul(2));
        let (server, key) = (Arc::clone(&self.server), name(key));
        let args = ScriptArgs { name: "settle", budget, returned: charged, taken };
        self.runtime.spawn(async move { run(&server, &key, args).await });
    }
}

async fn run(server: &Server<AccountKeyspace>, key: &str, args: ScriptArgs) -> Option<Charged> {
    server.run(|connection| server.keyspace.run(connection, key, args)).await
}

impl AccountKeyspace {
    async fn run(&self, mut connection: MultiplexedConnection, key: &str, args: ScriptArgs) -> Result<Charged> {
        let ScriptArgs { name, budget, returned, taken } = args;
        let mut invocation = self.script.key(key);
        invocation.arg(budget).arg(WINDOW.as_micros().to_string()).arg(returned).arg(taken).arg(name);
        let (is_covered, remaining) = invocation.invoke_async(&mut connection).await?;
        ensure!(remaining <= budget, "the remaining budget exceeds the budget");
        Ok(Charged { is_covered, remaining })
    }
}

impl Keyspace for AccountKeyspace {
    async fn check(&self, connection: MultiplexedConnection) -> Result<()> {
        let args = ScriptArgs { name: "settle", budget: 1, returned: 0, taken: 1 };
        self.run(connection, &format!("{PREFIX}probe"), args).await.map(drop)
    }

    fn log_available(&self) {
        info!("cost budgets are stored in Valkey");
    }

    fn log_unavailable(&self, error: &str) {
        warn!(error, "Valkey is unavailable, cost budgets are kept in memory");
    }
}

fn name(key: &BudgetKey) -> String {
    match key {
        BudgetKey::User(id) => format!("{PREFIX}user:{id}"),
        BudgetKey::Network(Some(network)) => format!("{PREFIX}network:{network}"),
        BudgetKey::Network(None) => format!("{PREFIX}network:unknown"),
    }
}

#[cfg(test)]
pub mod tests {
    use std::time::Instant;

    use redis::{AsyncCommands as _, cmd};
    use subgraph_testing::redis::{RedisServer, USER, encoded_password};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        time::sleep,
    };

    use super::*;
    use crate::valkey::{
        RETRY_DELAY,
        tests::{BUSY_TIMEOUT, lines, log, until},
    };

    const CLOCK: &str = "clock";

    /// A test's own server, whose clock only the test advances.
    pub struct Redis(RedisServer);

    impl Redis {
        pub fn start() -> Self {
            Self(RedisServer::start())
        }

        pub async fn connect(&self) -> Valkey {
            let script = SCRIPT.replace("redis.call('TIME')", &format!("redis.call('HMGET', '{CLOCK}', 's', 'us')"));
            assert_ne!(script, SCRIPT, "the script reads the time");
            self.pass(Duration::from_hours(500_000)).await;
            let valkey = self.connect_with(Script::new(&script));
            until("it is connected", || valkey.is_connected()).await;
            valkey
        }

        fn connect_with(&self, script: Script) -> Valkey {
            Valkey::connect_with(client(&self.0.url()).expect("a URL"), script, BUSY_TIMEOUT)
        }

        pub async fn pass(&self, time: Duration) {
            let mut connection = self.connection().await;
            let [seconds, micros]: [Option<u64>; 2] =
                cmd("HMGET").arg(CLOCK).arg("s").arg("us").query_async(&mut connection).await.expect("the clock");
            let now = Duration::from_secs(seconds.unwrap_or(0)) + Duration::from_micros(micros.unwrap_or(0)) + time;
            let fields = [("s", now.as_secs()), ("us", now.subsec_micros().into())];
            let () = connection.hset_multiple(CLOCK, &fields).await.expect("the clock is set");
        }

        async fn connection(&self) -> MultiplexedConnection {
            let client = client(&self.0.url()).expect("a URL");
            client.get_multiplexed_async_connection().await.expect("it responds")
        }
    }

    impl Valkey {
        fn is_connected(&self) -> bool {
            self.server.connection().is_some()
        }
    }

    fn alice() -> BudgetKey {
        BudgetKey::User("alice".to_owned())
    }

    #[tokio::test]
    async fn an_account_is_forgotten_when_it_is_full_again() {
        let server = Redis::start();
        let valkey = server.connect().await;
        let mut connection = server.connection().await;
        let name = name(&alice());

        valkey.charge(&alice(), 30_000_000, 60_000_000).await.expect("it responds");
        let left: i64 = connection.pttl(&name).await.expect("a response");
        assert!((1..=30_000).contains(&left), "{left} ms");
        valkey.settle(&alice(), 30_000_000, 0, 60_000_000);
        let started = Instant::now();
        while connection.exists(&name).await.expect("a response") {
            assert!(started.elapsed() < Duration::from_secs(20), "it is still there");
        }
    }

    #[tokio::test]
    async fn what_is_stored_and_no_account_is_a_full_one() {
        let server = Redis::start();
        let valkey = server.connect().await;
        let () = server.connection().await.set(name(&alice()), "-1 and more").await.expect("it is stored");

        let charged = valkey.charge(&alice(), 10, 1_000).await.expect("it responds");

        assert!(charged.is_covered);
        assert_eq!(charged.remaining, 990);
    }

    #[tokio::test]
    async fn time_is_the_servers_own() {
        let server = Redis::start();
        let valkey = server.connect_with(Script::new(SCRIPT));
        until("it is connected", || valkey.is_connected()).await;

        valkey.charge(&alice(), 60_000_000, 60_000_000).await.expect("it responds");
        sleep(Duration::from_millis(50)).await;
        let later = valkey.charge(&alice(), 0, 60_000_000).await.expect("it responds").remaining;

        assert!((50_000..30_000_000).contains(&later), "{later}");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_server_that_is_gone_and_it_is_used_again_when_it_is_back() {
        let mut server = Redis::start();
        let valkey = server.connect_with(Script::new(SCRIPT));
        until("it is connected", || valkey.is_connected()).await;

        server.0.kill();
        assert!(valkey.charge(&alice(), 1, 1_000).await.is_none());
        assert!(!valkey.is_connected());
        server.0.start_again();
        until("it is connected again", || valkey.is_connected()).await;
        // The restarted server does not have the script, either.
        assert!(valkey.charge(&alice(), 1, 1_000).await.is_some());
    }

    #[tokio::test]
    async fn a_server_that_hangs_is_given_up_after_a_few_short_waits() {
        let server = Redis::start();
        let client = client(&server.0.url()).expect("a URL");
        let valkey = Valkey::connect_with(client, Script::new(SCRIPT), Duration::from_millis(300));
        until("it is connected", || valkey.is_connected()).await;
        let mut connection = server.connection().await;

        let () = cmd("CLIENT").arg("PAUSE").arg(5_000).query_async(&mut connection).await.expect("it pauses");
        let started = Instant::now();
        for _ in 0..100 {
            assert!(valkey.charge(&alice(), 1, 1_000).await.is_none());
        }

        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
        until("it is connected again", || valkey.is_connected()).await;
    }

    #[tokio::test]
    async fn a_server_can_be_reached_by_a_unix_socket() {
        let server = Redis::start();
        let url = format!("redis+unix://{}?db=3&pass={}", server.0.socket().display(), encoded_password());
        let valkey = Valkey::connect_with(client(&url).expect("a URL"), Script::new(SCRIPT), BUSY_TIMEOUT);

        until("it is connected", || valkey.is_connected()).await;
        assert!(valkey.charge(&alice(), 1, 1_000).await.is_some());
    }

    #[tokio::test]
    async fn nonsense_is_no_answer() {
        let server = Redis::start();
        for nonsense in
            ["return 'nonsense'", "return { 1, 1001 }", "return { 1, -1 }", "return redis.error_reply('no')"]
        {
            let script = format!("if ARGV[1] == '1' then return {{ 1, 0 }} end {nonsense}");
            let valkey = server.connect_with(Script::new(&script));
            until("it is connected", || valkey.is_connected()).await;

            assert!(valkey.charge(&alice(), 1, 1_000).await.is_none(), "{nonsense}");
            assert!(!valkey.is_connected(), "{nonsense}");
        }
    }

    #[tokio::test]
    async fn a_server_that_cannot_write_is_not_used() {
        let server = Redis::start();
        let mut connection = server.connection().await;
        let () = cmd("REPLICAOF").arg("127.0.0.1").arg(1).query_async(&mut connection).await.expect("it obeys");
        let valkey = server.connect_with(Script::new(SCRIPT));

        assert!(valkey.server.connect().await.is_err());
        assert!(!valkey.is_connected());
    }

    #[tokio::test]
    async fn the_rights_that_the_documentation_names_are_enough() {
        let server = Redis::start();
        let client = client(&format!("redis://{USER}:any@127.0.0.1:{}/1", server.0.port())).expect("a URL");
        let valkey = Valkey::connect_with(client, Script::new(SCRIPT), BUSY_TIMEOUT);

        valkey.server.connect().await.expect("it has the rights");
        until("it is connected", || valkey.is_connected()).await;
        assert!(valkey.charge(&alice(), 1_000, 1_000).await.is_some());
        assert!(valkey.charge(&alice(), 0, 1_000).await.is_some());
    }

    #[tokio::test]
    async fn the_log_says_once_that_the_server_is_lost_and_once_that_it_is_back() {
        const LOST: &str = "Valkey is unavailable";
        const BACK: &str = "cost budgets are stored in Valkey";
        let (log, _guard) = log();
        let mut server = Redis::start();
        let valkey = server.connect_with(Script::new(SCRIPT));
        until("it is connected", || lines(&log, BACK) == 1).await;
        let lost = lines(&log, LOST);

        server.0.kill();
        for _ in 0..100 {
            assert!(valkey.charge(&alice(), 1, 1_000).await.is_none());
        }
        // Time for failing attempts to reconnect.
        sleep(RETRY_DELAY + Duration::from_millis(500)).await;
        assert_eq!(lines(&log, LOST), lost + 1);
        server.0.start_again();
        until("it is connected again", || lines(&log, BACK) == 2).await;
        assert_eq!(lines(&log, LOST), lost + 1);
    }

    #[tokio::test]
    async fn the_log_has_no_password_even_if_the_server_repeats_it() {
        let (log, _guard) = log();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let echo = tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.expect("a connection");
                let mut sent = vec![0; 4096];
                let length = connection.read(&mut sent).await.expect("a command");
                connection.write_all(b"-ERR no such thing: ").await.expect("a response");
                let sent = String::from_utf8_lossy(&sent[..length]).replace(['\r', '\n'], " ");
                connection.write_all(format!("{sent}\r\n").as_bytes()).await.expect("a response");
            }
        });
        let server = Redis::start();
        let wrong_password = format!("redis://:{}wrong@127.0.0.1:{}", encoded_password(), server.0.port());
        let echoed = format!("redis://:{}@127.0.0.1:{port}", encoded_password());

        for (index, url) in [wrong_password, echoed].iter().enumerate() {
            let _valkey = Valkey::connect(client(url).expect("a URL"));
            until("it is logged", || lines(&log, "WARN") == index + 1).await;
        }
        echo.abort();
    }

    #[test]
    fn a_bad_url_is_reported_by_its_settings_name_and_without_its_password() {
        for url in [
            "valkey",
            "http://:hunter2@valkey:6379",
            "redis://:hunter2@valkey:port",
            "rediss://:hunter2@valkey/#insecure",
        ] {
            let error = format!("{:?}", client(url).expect_err("it is no good"));

            assert!(error.contains("LYCEUM_COST_BUDGET_URL"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        for url in ["redis://valkey", "rediss://:hunter2@valkey:6379/1", "valkey://lyceum:hunter2@[::1]:6380"] {
            let client = client(url).unwrap_or_else(|error| panic!("{url}: {error:#}"));

            assert!(!format!("{client:?}").contains("hunter2"));
        }
    }
}
