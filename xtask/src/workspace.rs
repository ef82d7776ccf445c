//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::process::Command;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// What `lyceum up` and the tests keep: data, and the programs of `PostgreSQL`.
pub fn home() -> Result<PathBuf> {
    embedded_postgres::resolve_data_dir(&root().join(".lyceum"))
}

/// The names of the subgraphs, which are also those of their databases.
pub fn subgraphs() -> Result<Vec<String>> {
    let directory = root().join("subgraphs");
    let mut names = Vec::new();
    for entry in directory.read_dir().with_context(|| format!("cannot read {}", directory.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    without_our_package(&mut command).current_dir(root());
    command
}

/// Keeps from `command` what cargo told us of our own package. The build script of `ring` runs again when that changes, and
/// so all that depends on it would be compiled anew whenever we and a person call cargo in turn.
pub fn without_our_package(command: &mut Command) -> &mut Command {
    let names = std::env::vars_os().map(|(name, _)| name);
    for name in names.filter(|name| is_about_package(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

fn is_about_package(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_") || variable.starts_with("CARGO_MANIFEST_")
}

/// The same, to compile something with `subcommand`: `.cargo/config.toml` says why with this flag.
pub fn compile(subcommand: &str) -> Command {
    let mut command = cargo();
    command.args([subcommand, "--ignore-rust-version"]);
    command
}

/// The program called `name`, if it can be found.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| program.is_file())
}
