//! `cargo xtask prepare`: what sqlx's macros learn about our queries from a real database.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::database::Database;
use crate::workspace::{compile, root, subgraphs};
use crate::{files, process, terminal};

pub async fn run(check: bool) -> Result<()> {
    let database = Database::start_migrated().await?;
    let prepared = prepare_all(&database, check).await;
    database.stop().await?;
    prepared
}

async fn prepare_all(database: &Database, check: bool) -> Result<()> {
    let mut stale = Vec::new();
    for name in subgraphs()? {
        let fresh = tempfile::tempdir()?;
        describe_queries(&name, database, fresh.path()).await?;
        stale.extend(renew(&name, fresh.path(), check)?);
    }
    ensure!(!check || stale.is_empty(), "run `cargo xtask prepare` and commit:\n{}", stale.join("\n"));
    Ok(())
}

/// Compiles the library of one subgraph with its database at hand; the macros write what they find.
async fn describe_queries(name: &str, database: &Database, directory: &Path) -> Result<()> {
    terminal::step(&format!("queries of {name}"));
    // A flag that no build had before makes cargo compile this crate, and this crate alone, anew;
    // and the next ordinary build does not take the result for its own.
    let build = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let mut command = compile("rustc");
    command.args(["--profile", "check", "--lib", "--locked", "--manifest-path"]);
    command.arg(root().join("subgraphs").join(name).join("Cargo.toml"));
    command.args(["--", "--cap-lints", "allow", "--cfg", &format!("sqlx_prepare=\"{build}\"")]);
    command.envs(database.addresses()?);
    command.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", directory).env("CARGO_INCREMENTAL", "0");
    process::run_quietly(&mut command, &format!("checking the queries of {name}")).await
}

fn renew(name: &str, fresh: &Path, check: bool) -> Result<Vec<String>> {
    let committed = root().join("subgraphs").join(name).join(".sqlx");
    let old = files::read_all(&committed)?;
    let new = files::read_all(fresh)?;
    let differences = files::differences(&old, &new);
    if !check {
        std::fs::create_dir_all(&committed)?;
        for file in old.keys().filter(|file| !new.contains_key(*file)) {
            std::fs::remove_file(committed.join(file))?;
        }
        for (file, bytes) in new.iter().filter(|(file, bytes)| old.get(*file) != Some(bytes)) {
            std::fs::write(committed.join(file), bytes).with_context(|| format!("cannot write {file}"))?;
        }
    }
    terminal::success(&format!("{name}: {} queries, {} changes", new.len(), differences.len()));
    Ok(differences.into_iter().map(|difference| format!("  subgraphs/{name}/.sqlx/{difference}")).collect())
}
