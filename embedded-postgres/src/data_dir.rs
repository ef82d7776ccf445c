//! The location of data directories.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::account::Account;

/// The base of data directories where root's own are closed to the account that root runs servers as.
const OPEN_TO_ALL: &str = "/var/lib/lyceum";

/// Returns `wanted`, made absolute; or, where root runs us and the servers' account cannot reach it, the same path
/// below `/var/lib/lyceum`. Callers should log the difference.
///
/// # Errors
/// When the current directory or the accounts of this machine cannot be read.
pub fn resolve_data_dir(wanted: &Path) -> Result<PathBuf> {
    let wanted = std::path::absolute(wanted).with_context(|| format!("{} is not a valid path", wanted.display()))?;
    match Account::for_path(&wanted)? {
        Some(account) if !account.reaches(&wanted) => Ok(below(Path::new(OPEN_TO_ALL), &wanted)),
        _ => Ok(wanted),
    }
}

fn below(base: &Path, path: &Path) -> PathBuf {
    base.join(path.strip_prefix("/").unwrap_or(path))
}

/// `data/identity` and `log` make `data/identity.log`.
pub(crate) fn sibling_path(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_place_keeps_its_path_in_the_open_one() {
        assert_eq!(
            below(Path::new("/open"), Path::new("/root/lyceum/.lyceum")),
            Path::new("/open/root/lyceum/.lyceum")
        );
    }

    #[test]
    fn files_lie_beside_a_directory_whose_name_has_a_dot() {
        assert_eq!(sibling_path(Path::new("/a/b.c"), "log"), Path::new("/a/b.c.log"));
    }
}
