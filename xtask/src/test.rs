//! `cargo xtask test`

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::database::Database;
use crate::debian::{ensure_chromium, ensure_nats, ensure_pgbouncer, ensure_redis, ensure_smtp_server};
use crate::npm::{self, Package};
use crate::workspace::compile;
use crate::{counts, process, secret_scan, terminal, truth};

pub async fn run(arguments: &[String], long: bool) -> Result<()> {
    let everything = arguments.is_empty();
    npm::build_pages().await?;
    Package::test_clients().install().await?;
    for client in Package::clients() {
        client.install().await?;
    }
    // Tests of the workspace run it, too.
    Package::schema_check().install().await?;

    let database = Database::start().await?;
    let scratch = scratch()?;
    let mut failed = Vec::new();
    if everything {
        note(&mut failed, ensure_chromium().await);
        note(&mut failed, ensure_nats().await);
        note(&mut failed, ensure_redis().await);
        note(&mut failed, ensure_pgbouncer().await);
        note(&mut failed, ensure_smtp_server().await);
        note(&mut failed, Package::schema_check().test().await);
        note(&mut failed, Package::web_playground().test().await);
        note(&mut failed, Package::storefront().test().await);
        Package::truth().install().await?;
        note(&mut failed, Package::truth().test().await);
    }
    let transcripts = scratch.path().join("transcripts");
    std::fs::create_dir(&transcripts)?;
    note(&mut failed, test_workspace((arguments, long), &database, &scratch, &transcripts).await);
    let password = database.password()?;
    // The next one takes its place.
    database.stop().await?;
    if everything {
        note(&mut failed, truth::short(&transcripts).await);
        note(&mut failed, counts::run(true).await);
    }
    note(&mut failed, secret_scan::check(&transcripts, everything, &[password]));
    scratch.close()?;
    summary(&failed)
}

async fn test_workspace(
    (arguments, long): (&[String], bool),
    database: &Database,
    scratch: &TempDir,
    transcripts: &Path,
) -> Result<()> {
    let mut command = compile("test");
    command.arg("--locked");
    if arguments.is_empty() {
        command.args(["--workspace", "--no-fail-fast"]);
    }
    command.args(arguments).envs(database.variables()).env("TMPDIR", scratch.path());
    command.env(secret_scan::VARIABLE, transcripts);
    if long {
        command.env("LYCEUM_LONG_CLIENTS", "1");
    }
    process::run_tests(&mut command).await
}

/// Tests that are cut off leave files behind: here, where we remove them. Servers that root starts
/// run as another user, who must be able to reach it.
fn scratch() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("lyceum-test-").permissions(Permissions::from_mode(0o755)).tempdir()?)
}

fn note(failed: &mut Vec<String>, done: Result<()>) {
    if let Err(error) = done {
        terminal::failure(&error);
        failed.push(format!("{error:#}"));
    }
}

fn summary(failed: &[String]) -> Result<()> {
    if failed.is_empty() {
        terminal::success("all tests passed");
        return Ok(());
    }
    bail!("some tests failed:\n  {}", failed.join("\n  "))
}
