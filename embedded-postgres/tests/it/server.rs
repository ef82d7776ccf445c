//! The life cycle of a server without failures.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use embedded_postgres::{Server, ServerOptions, resolve_data_dir};
use sqlx::Connection;

use crate::testing::{connect, installation, open_directory, options, text};

#[tokio::test]
async fn a_restart_finds_its_data() {
    let place = open_directory();
    let data = place.path().join("school");
    let installation = installation().await;
    let server = Server::start(&installation, options(&data)).await.expect("a first start");
    server
        .run_script("school", "create table pupils (name text); insert into pupils values ('Ada');")
        .await
        .expect("a row");
    let first_url = server.url();
    server.stop().await.expect("a clean stop");

    let server = Server::start(&installation, options(&data)).await.expect("a second start");

    let mut db = connect(&server).await;
    assert_eq!(text(&mut db, "select name from pupils").await, "Ada");
    assert_eq!(password(&first_url), password(&server.url()));
    db.close().await.expect("a clean end");
    server.stop().await.expect("a clean stop");
}

fn password(url: &str) -> &str {
    url.split(['@']).next().expect("user and password")
}

#[tokio::test]
async fn text_is_unicode_sorted_by_code_point() {
    let place = open_directory();
    let server = Server::start(&installation().await, options(&place.path().join("school"))).await.expect("a start");
    let mut db = connect(&server).await;

    assert_eq!(text(&mut db, "show server_encoding").await, "UTF8");
    assert_eq!(text(&mut db, "select lower('ПРИВЕТ Ä')").await, "привет ä");
    assert_eq!(text(&mut db, "select min(x) from unnest(array['a', 'B']) x").await, "B");
    assert_eq!(text(&mut db, "show listen_addresses").await, "127.0.0.1");
    assert_eq!(text(&mut db, "show unix_socket_directories").await, "");
    sqlx::raw_sql("create extension pg_trgm").execute(&mut db).await.expect("pg_trgm is there");
    server.stop().await.expect("a clean stop, with a session open");
}

#[tokio::test]
async fn the_log_does_not_repeat_what_is_in_a_row() {
    let place = open_directory();
    let data = place.path().join("school");
    let server = Server::start(&installation().await, options(&data)).await.expect("a start");
    let twice = "create table pupils (name text unique); insert into pupils values ('Ada');
                 prepare insertion as insert into pupils select 'A' || 'da'; execute insertion;";

    server.run_script("school", twice).await.expect_err("there is one Ada already");
    server.stop().await.expect("a clean stop");

    let log = std::fs::read_to_string(data.with_extension("log")).expect("a log");
    assert!(log.contains("duplicate key value violates unique constraint"), "{log}");
    assert!(!log.contains("(name)=(Ada)"), "{log}");
}

#[tokio::test]
async fn nobody_gets_in_without_the_password() {
    let place = open_directory();
    let server = Server::start(&installation().await, options(&place.path().join("school"))).await.expect("a start");
    let guess = server.url().replace(password(&server.url()), "postgres://lyceum:guess");

    let refused = sqlx::PgConnection::connect(&guess).await.expect_err("a wrong password");

    assert!(refused.to_string().contains("password authentication failed"), "{refused}");
    let secret = server.data_dir().join("lyceum.password").metadata().expect("the password's file");
    assert_eq!(secret.mode() & 0o777, 0o600);
    assert!(!format!("{server:?}").contains(password(&server.url())));
    server.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn what_lies_beside_the_data_is_ours_alone() {
    let place = open_directory();
    let data = place.path().join("school");
    for extension in ["lock", "log"] {
        std::fs::write(data.with_extension(extension), "from before").expect("a file");
    }
    let server = Server::start(&installation().await, options(&data)).await.expect("a start");

    for extension in ["lock", "log"] {
        let mode = data.with_extension(extension).metadata().expect("a file").mode();
        assert_eq!(mode & 0o777, 0o600, "{extension}");
    }
    server.stop().await.expect("a clean stop");
}

/// The variables of our environment that a server does not need.
fn our_variables() -> Vec<String> {
    let needed = ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PWD", "SHLVL"];
    let is_ours = |name: &String| !needed.contains(&name.as_str()) && !name.starts_with("LC_");
    let ours: Vec<_> = std::env::vars().map(|(name, _)| name).filter(is_ours).collect();
    assert!(!ours.is_empty(), "whoever runs tests has told them something");
    ours
}

#[tokio::test]
async fn a_program_that_a_session_runs_does_not_get_our_environment() {
    let place = open_directory();
    let server = Server::start(&installation().await, options(&place.path().join("school"))).await.expect("a start");

    let seen = "create table environment (line text); copy environment from program 'env | cut -d = -f 1'";
    server.run_script("school", seen).await.expect("an environment");

    let mut db = connect(&server).await;
    let names = text(&mut db, "select string_agg(line, ' ') from environment").await;
    let names: Vec<_> = names.split(' ').collect();
    assert!(names.contains(&"PATH"), "{names:?}");
    for name in our_variables() {
        assert!(!names.contains(&name.as_str()), "{name}");
    }
    server.stop().await.expect("a clean stop");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_servers_process_shows_nothing_of_our_environment() {
    let place = open_directory();
    let server = Server::start(&installation().await, options(&place.path().join("school"))).await.expect("a start");

    let shown = std::fs::read(format!("/proc/{}/environ", server.pid().expect("a process"))).expect("an environment");
    let shown: Vec<_> =
        shown.split(|&byte| byte == 0).filter_map(|set| set.split(|&byte| byte == b'=').next()).collect();
    for name in our_variables() {
        assert!(!shown.contains(&name.as_bytes()), "{name}");
    }
    server.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn an_ephemeral_server_leaves_nothing() {
    let place = open_directory();
    let ephemeral = ServerOptions { ephemeral: true, ..options(&place.path().join("school")) };
    let installation = installation().await;
    let server = Server::start(&installation, ephemeral.clone()).await.expect("a start");
    assert_eq!(text(&mut connect(&server).await, "show fsync").await, "off");
    server.stop().await.expect("a clean stop");
    assert_eq!(place.path().read_dir().expect("the place").count(), 0);

    drop(Server::start(&installation, ephemeral).await.expect("another start"));
    assert_eq!(place.path().read_dir().expect("the place").count(), 0);
}

#[tokio::test]
async fn one_server_can_hold_several_databases() {
    let place = open_directory();
    let server = Server::start(&installation().await, options(&place.path().join("school"))).await.expect("a start");

    server.create_database("Ann's \"own\"").await.expect("a strange name");
    server.create_database("Ann's \"own\"").await.expect("is there already");
    server.create_database("other").await.expect("a second");

    server.run_script("other", "create table t (); create table u ();").await.expect("a script");
    assert!(server.url_of("other").ends_with("/other"));
    server.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn two_first_starts_at_once_do_not_mix() {
    let place = open_directory();
    let installation = installation().await;
    let data = place.path().join("school");

    let (one, other) =
        tokio::join!(Server::start(&installation, options(&data)), Server::start(&installation, options(&data)));

    assert!(one.is_ok() != other.is_ok(), "one wins: {one:?} {other:?}");
    one.or(other).expect("the winner").stop().await.expect("a clean stop");
}

#[test]
fn a_place_that_servers_reach_stays_what_it_is() {
    let open = open_directory();

    assert_eq!(resolve_data_dir(&open.path().join("a/b")).expect("a place"), open.path().join("a/b"));
}

#[test]
fn for_root_a_closed_place_is_moved_to_an_open_one() {
    let closed = open_directory();
    std::fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).expect("a closed directory");
    let wanted = closed.path().join("data");

    let chosen = resolve_data_dir(&wanted).expect("a place");

    let expected = if nix::unistd::geteuid().is_root() {
        std::path::Path::new("/var/lib/lyceum").join(wanted.strip_prefix("/").expect("an absolute path"))
    } else {
        wanted
    };
    assert_eq!(chosen, expected);
}
