//! The superuser of a server, whose password is stored in the data directory.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

pub(crate) const NAME: &str = "lyceum";

/// Formats the URL of a database, with user and password.
pub(crate) fn url(password: &str, port: u16, database: &str) -> String {
    format!("postgres://{NAME}:{password}@127.0.0.1:{port}/{database}")
}

pub(crate) fn password_file(dir: &Path) -> PathBuf {
    dir.join("lyceum.password")
}

/// Writes a new random password.
pub(crate) fn write_password(path: &Path) -> Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    write!(file, "{:032x}", rand::random::<u128>())?;
    Ok(())
}

pub(crate) fn read_password(dir: &Path) -> Result<String> {
    let path = password_file(dir);
    let password = std::fs::read_to_string(&path).with_context(|| {
        format!("the data in {} was not created by Lyceum: {} is missing", dir.display(), path.display())
    })?;
    Ok(password.trim().to_owned())
}
