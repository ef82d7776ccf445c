//! `lyceum admin init-env`: generates the secrets that `compose.yml` needs.

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use anyhow::{Context as _, Error, Result, anyhow};
use auth::signature::Secret;
use clap::Args;

use crate::{subgraphs, terminal::line};

/// The settings of `lyceum admin init-env`.
#[derive(Args)]
pub struct Settings {
    /// The file to write. An existing file is never changed: its secrets may be in use.
    #[arg(long, value_name = "FILE", default_value = ".env")]
    file: PathBuf,
}

/// Writes a new file that only its owner can read.
pub fn run(Settings { file }: &Settings) -> Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let describe_error = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            anyhow!("{} already exists, and its secrets may be in use: nothing was changed", file.display())
        }
        _ => Error::new(error).context(format!("cannot write {}", file.display())),
    };
    let mut opened = opened.map_err(describe_error)?;
    opened.write_all(content().as_bytes()).with_context(|| format!("cannot write {}", file.display()))?;
    line(format_args!("Created {}; keep it out of version control. Next: docker compose up", file.display()));
    Ok(())
}

fn content() -> String {
    // Passwords of each database's owner role and application role.
    let passwords = subgraphs::ALL
        .map(|subgraph| subgraph.name.to_uppercase())
        .map(|name| [format!("{name}_DB_PASSWORD"), format!("{name}_APP_DB_PASSWORD")]);
    let mut content = "# The secrets of compose.yml. Anyone who has them controls the system.\n".to_owned();
    let others = ["LYCEUM_SUBGRAPH_SECRET", "LYCEUM_SEAL_SECRET", "GRAFANA_ADMIN_PASSWORD"].map(str::to_owned);
    for name in others.iter().chain(passwords.as_flattened()) {
        writeln!(content, "{name}={}", Secret::random().reveal()).expect("a text takes everything");
    }
    content
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn it_has_a_secret_for_each_that_compose_asks_for() {
        let content = content();
        let written: BTreeSet<_> =
            content.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        let compose = include_str!("../../../compose.yml");
        let variables = compose.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
        let asked: BTreeSet<_> =
            variables.filter_map(|(variable, _)| variable.split_once(":?")).map(|(name, _)| name).collect();

        assert_eq!(written, asked);
    }

    #[test]
    fn each_is_long_and_like_no_other() {
        let (one, other) = (content(), content());
        let secrets: Vec<_> = one
            .lines()
            .chain(other.lines())
            .filter_map(|line| line.split_once('='))
            .map(|(_, secret)| secret)
            .collect();

        assert!(secrets.iter().all(|secret| secret.len() >= 32));
        assert_eq!(secrets.iter().collect::<BTreeSet<_>>().len(), secrets.len());
    }

    #[test]
    fn a_file_is_its_owners_and_written_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = Settings { file: directory.path().join(".env") };
        run(&settings).expect("it is written");
        let first = std::fs::read_to_string(&settings.file).expect("a file");

        let refused = run(&settings).expect_err("it is there");

        assert!(refused.to_string().contains("nothing was changed"), "{refused}");
        assert_eq!(std::fs::read_to_string(&settings.file).expect("a file"), first);
        let mode = settings.file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
