//! The connection pool: round trips per statement, and the reuse of connections after failures.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use db::{DbPool, availability::is_unavailable};
use futures::future::join_all;
use sqlx::{PgPool, postgres::PgSslMode, query, query_scalar};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::{sleep, timeout},
};

const ROUNDS: u32 = 300;
const TIMEOUT: Duration = Duration::from_secs(10);
/// The `Sync` message of PostgreSQL's protocol, after which a client waits for responses: one per round trip.
const SYNC: u8 = b'S';

fn narrow(db: &PgPool) -> DbPool {
    DbPool::new(db.connect_options().as_ref().clone(), 1, TIMEOUT)
}

async fn marks(db: &PgPool) -> i64 {
    query_scalar("select count(*) from marks").fetch_one(db).await.expect("a number")
}

#[sqlx::test(migrations = false)]
async fn who_gives_up_on_a_beginning_leaves_nothing_open(db: PgPool) {
    query("create table marks (number int)").execute(&db).await.expect("a table");
    let narrow = narrow(&db);

    for round in 0..ROUNDS {
        let _ = timeout(Duration::from_micros(u64::from(round)), narrow.begin()).await;
        query("insert into marks values (1)").execute(&narrow).await.expect("it is confirmed");
    }

    assert_eq!(marks(&db).await, i64::from(ROUNDS), "what is confirmed is kept");
}

#[sqlx::test(migrations = false)]
async fn what_is_not_committed_is_taken_back(db: PgPool) {
    query("create table marks (number int)").execute(&db).await.expect("a table");
    let narrow = narrow(&db);

    let mut dropped = narrow.begin().await.expect("a transaction");
    query("insert into marks values (1)").execute(&mut *dropped).await.expect("it is inserted");
    drop(dropped);
    let mut failed = narrow.begin().await.expect("a transaction");
    query("insert into marks values (2)").execute(&mut *failed).await.expect("it is inserted");
    query("insert into marks values ('no number')").execute(&mut *failed).await.expect_err("it is none");
    drop(failed);
    let mut kept = narrow.begin().await.expect("a transaction");
    query("insert into marks values (3)").execute(&mut *kept).await.expect("it is inserted");
    kept.commit().await.expect("it is committed");

    let numbers: Vec<i32> = query_scalar("select number from marks").fetch_all(&narrow).await.expect("numbers");
    assert_eq!(numbers, [3]);
}

#[sqlx::test(migrations = false)]
async fn a_connection_that_the_server_has_closed_is_replaced(db: PgPool) {
    let narrow = narrow(&db);
    let process = "select pg_backend_pid()";
    let first: i32 = query_scalar(process).fetch_one(&narrow).await.expect("a number");
    let ended: bool =
        query_scalar("select pg_terminate_backend($1, 10000)").bind(first).fetch_one(&db).await.expect("it");
    assert!(ended);
    sleep(Duration::from_millis(100)).await;

    let second: i32 = query_scalar(process).fetch_one(&narrow).await.expect("another connection");
    assert_ne!(first, second);
}

#[sqlx::test(migrations = false)]
async fn an_error_of_a_statement_costs_no_connection(db: PgPool) {
    let narrow = narrow(&db);
    let process = "select pg_backend_pid()";
    let first: i32 = query_scalar(process).fetch_one(&narrow).await.expect("a number");

    query("select 1 / 0").execute(&narrow).await.expect_err("it is no number");
    query("no statement").execute(&narrow).await.expect_err("it is none");

    let second: i32 = query_scalar(process).fetch_one(&narrow).await.expect("a number");
    assert_eq!(first, second);
}

#[sqlx::test(migrations = false)]
async fn an_abandoned_statement_does_not_keep_its_connection(db: PgPool) {
    let narrow = narrow(&db);
    query("select 1").execute(&narrow).await.expect("a connection");

    let abandoned = timeout(Duration::from_millis(20), query("select pg_sleep(60)").execute(&narrow)).await;

    assert!(abandoned.is_err(), "nobody waits for it any more");
    query("select 1").execute(&narrow).await.expect("there is a connection in time");
}

#[sqlx::test(migrations = false)]
async fn a_statement_is_one_round_trip(db: PgPool) {
    let options = db.connect_options().as_ref().clone();
    let syncs = Arc::<AtomicUsize>::default();
    let port = counting_proxy(options.get_host().to_owned(), options.get_port(), Arc::clone(&syncs)).await;
    let pool = DbPool::new(options.host("127.0.0.1").port(port).ssl_mode(PgSslMode::Disable), 1, TIMEOUT);
    let ask =
        || async { query_scalar::<_, i32>("select 1 where $1").bind(true).fetch_one(&pool).await.expect("a row") };
    // The first one also prepares the statement.
    ask().await;
    let before = syncs.load(Ordering::SeqCst);

    for _ in 0..20 {
        ask().await;
    }

    assert_eq!(syncs.load(Ordering::SeqCst) - before, 20);
}

/// A server while it restarts: nothing listens at its port, which nobody else can get meanwhile.
struct RestartingServer {
    socket: TcpSocket,
}

impl RestartingServer {
    fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port is free");
        Self { socket }
    }

    fn port(&self) -> u16 {
        self.socket.local_addr().expect("it is bound").port()
    }

    /// It accepts connections, and does not answer yet.
    fn open(self) -> TcpListener {
        self.socket.listen(128).expect("it listens")
    }
}

/// The server is ready: it answers as the database's does.
fn serve(listener: TcpListener, db: &PgPool) {
    let options = db.connect_options();
    tokio::spawn(async move {
        let address = (options.get_host(), options.get_port());
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(address).await.expect("PostgreSQL answers");
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
}

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(6);

#[sqlx::test(migrations = false)]
async fn only_the_first_request_waits_for_an_unavailable_server(db: PgPool) {
    let restarting = RestartingServer::new();
    let options = db.connect_options().as_ref().clone().host("127.0.0.1").port(restarting.port());
    let pool = DbPool::new(options.ssl_mode(PgSslMode::Disable), 2, ACQUIRE_TIMEOUT);
    let ask = async || {
        let start = Instant::now();
        let outcome = query("select 1").execute(&pool).await.map(drop);
        (outcome, start.elapsed())
    };
    let assert_unavailable = |outcome: Result<(), sqlx::Error>| {
        let error = outcome.expect_err("it is unavailable");
        assert!(is_unavailable(&error), "{error:?}");
    };

    // Nothing listens.
    let (outcome, took) = ask().await;
    assert_unavailable(outcome);
    assert!(took >= ACQUIRE_TIMEOUT, "it may be restarting: {took:?}");
    for _ in 0..20 {
        let (outcome, took) = ask().await;
        assert_unavailable(outcome);
        assert!(took < ACQUIRE_TIMEOUT / 3, "{took:?}");
    }

    // It listens, and does not answer. All who ask at the same time wait for the same attempt.
    let listener = restarting.open();
    let start = Instant::now();
    join_all((0..10).map(async |_| assert_unavailable(ask().await.0))).await;
    assert!(start.elapsed() < ACQUIRE_TIMEOUT, "{:?}", start.elapsed());

    serve(listener, &db);
    let (outcome, _) = ask().await;
    outcome.expect("it is back immediately");
    join_all((0..10).map(async |_| ask().await.0.expect("it is back for everybody"))).await;
}

/// Starts a proxy that counts the clients' `Sync` messages.
async fn counting_proxy(host: String, port: u16, syncs: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let own = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect((host.as_str(), port)).await.expect("PostgreSQL answers");
            let ((from_client, mut to_client), (mut from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
            tokio::spawn(pass_on(from_client, to_server, Arc::clone(&syncs)));
        }
    });
    own
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, syncs: Arc<AtomicUsize>) -> std::io::Result<()> {
    // The startup message has no type byte.
    let mut is_first = true;
    loop {
        let kind = if is_first { None } else { Some(from.read_u8().await?) };
        let length = from.read_u32().await?;
        let mut rest = vec![0; length as usize - size_of::<u32>()];
        from.read_exact(&mut rest).await?;
        is_first = false;
        if kind == Some(SYNC) {
            syncs.fetch_add(1, Ordering::SeqCst);
        }
        if let Some(kind) = kind {
            to.write_u8(kind).await?;
        }
        to.write_u32(length).await?;
        to.write_all(&rest).await?;
    }
}
