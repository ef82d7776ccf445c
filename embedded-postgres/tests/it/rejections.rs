//! The error messages of servers that cannot be started.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use embedded_postgres::{Installation, Server, ServerOptions};

use crate::testing::{installation, open_directory, options, rejection};

#[tokio::test]
async fn a_taken_port() {
    let place = open_directory();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();

    let message = rejection(ServerOptions { port, ..options(&place.path().join("school")) }).await;

    assert!(message.contains(&format!("port {port} is in use")), "{message}");
    assert_eq!(place.path().read_dir().expect("the place").count(), 0, "nothing was made");
}

#[tokio::test]
async fn data_of_another_version() {
    let place = open_directory();
    let data = place.path().join("school");
    std::fs::create_dir(&data).expect("a directory");
    std::fs::write(data.join("PG_VERSION"), "15\n").expect("a version");

    let message = rejection(options(&data)).await;

    assert!(message.contains("contains data of PostgreSQL 15, and this is 16"), "{message}");
    assert!(message.contains("pg_dump"), "{message}");
}

#[tokio::test]
async fn a_directory_of_other_things() {
    let place = open_directory();
    std::fs::write(place.path().join("thesis.txt"), "years of work").expect("a file");

    let message = rejection(options(place.path())).await;

    assert!(message.contains("files that are not PostgreSQL's data"), "{message}");
    assert!(place.path().join("thesis.txt").exists());
}

#[tokio::test]
async fn damaged_data_shows_what_the_server_says() {
    let place = open_directory();
    let data = place.path().join("school");
    let installation = installation().await;
    Server::start(&installation, options(&data)).await.expect("a start").stop().await.expect("a stop");
    std::fs::remove_file(data.join("global/pg_control")).expect("an important file");

    let message = rejection(options(&data)).await;

    assert!(message.contains("did not start"), "{message}");
    assert!(message.contains("could not find the database system"), "{message}");
    assert!(message.contains("school.log"), "{message}");
}

#[tokio::test]
async fn a_directory_without_programs() {
    let place = open_directory();

    let message = open(place.path()).await;

    assert!(message.contains("has no PostgreSQL server"), "{message}");
    assert!(message.contains("LYCEUM_POSTGRES_BIN"), "{message}");
}

#[tokio::test]
async fn programs_of_another_version() {
    let place = open_directory();
    write_program(&place.path().join("initdb"), "exit 0");
    write_program(&place.path().join("postgres"), "echo 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'");

    let message = open(place.path()).await;

    assert!(message.contains("is PostgreSQL 15.18, and Lyceum needs 16"), "{message}");
}

#[tokio::test]
async fn programs_that_do_not_run() {
    let place = open_directory();
    write_program(&place.path().join("initdb"), "exit 0");
    write_program(&place.path().join("postgres"), "echo 'libssl.so.1.1 is missing' >&2; exit 127");

    let message = open(place.path()).await;

    assert!(message.contains("does not run on this machine"), "{message}");
    assert!(message.contains("libssl.so.1.1 is missing"), "{message}");
}

#[tokio::test]
async fn a_full_disk_while_the_data_is_made() {
    let place = open_directory();
    let programs = place.path().join("programs");
    std::fs::create_dir(&programs).expect("a directory");
    write_program(&programs.join("postgres"), "echo 'postgres (PostgreSQL) 16.14'");
    write_program(
        &programs.join("initdb"),
        "echo 'initdb: error: could not write file \"base/1/1255\": No space left on device' >&2; exit 1",
    );
    let installation = Installation::open(&programs).await.expect("programs");

    let error = Server::start(&installation, options(&place.path().join("school"))).await.expect_err("no space");

    let message = format!("{error:#}");
    assert!(message.contains("base/1/1255"), "{message}");
    assert!(message.contains("free some space"), "{message}");
    assert!(!place.path().join("school.partial").exists(), "what was made is gone");
}

async fn open(bin: &Path) -> String {
    let error = Installation::find_or_fetch(bin, Some(bin.to_owned()), &|_| {}).await.expect_err("unusable programs");
    format!("{error:#}")
}

fn write_program(path: &Path, script: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).expect("an executable script");
}
