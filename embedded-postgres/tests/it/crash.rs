//! Recovery: whatever is killed, the next start succeeds and finds the data.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use embedded_postgres::Server;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::testing::{connect, installation, open_directory, options, rejection, text};

/// The variable with the data directory for [`owner`], which runs in a process of its own.
const OWNED: &str = "LYCEUM_TEST_OWNED_DATA";

/// Not a test: the process that other tests kill.
#[tokio::test]
#[ignore = "other tests run it in a process of its own"]
async fn owner() {
    let data = PathBuf::from(std::env::var_os(OWNED).expect("a data directory"));
    let server = Server::start(&installation().await, options(&data)).await.expect("a start");
    server
        .run_script("school", "create table if not exists pupils (name text); insert into pupils values ('Ada');")
        .await
        .expect("a row");
    std::fs::write(data.with_extension("up"), "").expect("a sign for the test");
    std::future::pending::<()>().await;
}

fn start_owner(data: &Path) -> Child {
    let owner = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "crash::owner", "--ignored"])
        .env(OWNED, data)
        .stdout(Stdio::null())
        .spawn()
        .expect("a second process");
    wait_for("the owner's server", || data.with_extension("up").exists());
    owner
}

fn wait_for(what: &str, is_true: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_true() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn server_pid(data: &Path) -> Pid {
    let file = std::fs::read_to_string(data.join("postmaster.pid")).expect("a pid file");
    Pid::from_raw(file.lines().next().expect("a line").parse().expect("a pid"))
}

fn is_alive(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    if cfg!(target_os = "linux") { !status.is_empty() && !status.contains(") Z ") } else { kill(pid, None).is_ok() }
}

#[tokio::test]
async fn a_start_after_its_owner_was_killed_replaces_the_orphan() {
    let place = open_directory();
    let data = place.path().join("school");
    let mut owner = start_owner(&data);
    let orphan = server_pid(&data);
    owner.kill().expect("kill -9");
    owner.wait().expect("its end");
    assert!(is_alive(orphan), "nobody stopped the server");

    let server = Server::start(&installation().await, options(&data)).await.expect("a start");

    assert!(!is_alive(orphan), "there is one server, not two");
    assert_eq!(text(&mut connect(&server).await, "select name from pupils").await, "Ada");
    server.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_start_beside_a_living_owner_is_rejected() {
    let place = open_directory();
    let data = place.path().join("school");
    let mut owner = start_owner(&data);

    let message = rejection(options(&data)).await;

    assert!(message.contains(&format!("in use by process {}", owner.id())), "{message}");
    assert!(is_alive(server_pid(&data)), "the other's server was left alone");
    owner.kill().expect("kill -9");
    owner.wait().expect("its end");
    let orphan = server_pid(&data);
    kill(orphan, Signal::SIGQUIT).expect("the end of the server");
    wait_for("the server's end", || !is_alive(orphan));
}

#[tokio::test]
async fn a_start_after_everything_was_killed_recovers() {
    let place = open_directory();
    let data = place.path().join("school");
    let mut owner = start_owner(&data);
    owner.kill().expect("kill -9");
    owner.wait().expect("its end");
    let orphan = server_pid(&data);
    kill(orphan, Signal::SIGKILL).expect("kill -9");
    wait_for("the server's end", || !is_alive(orphan));

    let server = Server::start(&installation().await, options(&data)).await.expect("a start");

    assert_eq!(text(&mut connect(&server).await, "select name from pupils").await, "Ada");
    server.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_stale_pid_that_belongs_to_a_stranger_now_blocks_nothing() {
    let place = open_directory();
    let data = place.path().join("school");
    let installation = installation().await;
    Server::start(&installation, options(&data)).await.expect("a start").stop().await.expect("a stop");
    let mut stranger = Command::new("sleep").arg("60").spawn().expect("a stranger");
    std::fs::write(data.join("postmaster.pid"), format!("{}\n{}\n", stranger.id(), data.display()))
        .expect("a stale file");

    let server = Server::start(&installation, options(&data)).await.expect("a start");

    assert!(stranger.try_wait().expect("its state").is_none(), "the stranger lives");
    stranger.kill().expect("kill -9");
    stranger.wait().expect("its end");
    server.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_is_begun_anew() {
    let place = open_directory();
    let data = place.path().join("school");
    let partial = place.path().join("school.partial");
    std::fs::create_dir(&partial).expect("a half made directory");
    std::fs::write(partial.join("PG_VERSION"), "16\n").expect("half of the files");

    let server = Server::start(&installation().await, options(&data)).await.expect("a start");

    assert!(!partial.exists());
    server.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_server_that_dies_is_noticed() {
    let place = open_directory();
    let data = place.path().join("school");
    let installation = installation().await;
    let mut server = Server::start(&installation, options(&data)).await.expect("a start");

    kill(server_pid(&data), Signal::SIGKILL).expect("kill -9");
    let status = server.wait().await.expect("its end");

    assert!(!status.success());
    drop(server);
    let server = Server::start(&installation, options(&data)).await.expect("a start right after");
    server.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_session_that_outlives_its_server_ends_before_the_next_one_starts() {
    let place = open_directory();
    let data = place.path().join("school");
    let installation = installation().await;
    let mut server = Server::start(&installation, options(&data)).await.expect("a start");
    let mut db = connect(&server).await;
    let session = text(&mut db, "select pg_backend_pid()::text").await;
    let session = Pid::from_raw(session.parse().expect("a pid"));
    let busy = tokio::spawn(async move { sqlx::raw_sql("do $$ begin loop end loop; end $$").execute(&mut db).await });
    tokio::time::sleep(Duration::from_millis(200)).await;

    kill(server_pid(&data), Signal::SIGKILL).expect("kill -9");
    server.wait().await.expect("its end");
    drop(server);
    assert!(is_alive(session), "it has something to do");
    let server = Server::start(&installation, options(&data)).await.expect("a start");

    assert!(!is_alive(session), "two servers at once write over each other's data");
    busy.await.expect("no panic").expect_err("its server has gone");
    server.stop().await.expect("a clean stop");
}
