//! The account that servers run as: `PostgreSQL` refuses to run as root.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use nix::unistd::{Gid, Uid, User, chown, geteuid};
use tokio::process::Command;

/// An unprivileged account that root runs servers as.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    user: User,
}

impl Account {
    /// Returns the account for servers that work at `path`; `None` if they run as ours.
    ///
    /// Root uses the owner of what exists already, so that a user's clone stays theirs after one start with `sudo`.
    pub(crate) fn for_path(path: &Path) -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        if let Some(user) = owner(path)? {
            return Ok(Some(Self { user }));
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name)? {
                return Ok(Some(Self { user }));
            }
        }
        bail!("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as: create one")
    }

    pub(crate) fn name(&self) -> &str {
        &self.user.name
    }

    /// Whether this account may traverse every directory of `path`, as far as it exists.
    pub(crate) fn reaches(&self, path: &Path) -> bool {
        path.ancestors().filter_map(|ancestor| ancestor.metadata().ok()).all(|metadata| {
            let bit = if metadata.uid() == self.user.uid.as_raw() {
                0o100
            } else if metadata.gid() == self.user.gid.as_raw() {
                0o010
            } else {
                0o001
            };
            metadata.mode() & bit != 0
        })
    }

    pub(crate) fn give(&self, path: &Path) -> Result<()> {
        give(path, self.user.uid, self.user.gid)
    }

    /// Makes `command` run as this account.
    pub(crate) fn run(&self, command: &mut Command) {
        command.uid(self.user.uid.as_raw()).gid(self.user.gid.as_raw());
    }
}

/// Creates the missing directories of `path` for the owner of the first one that exists.
pub(crate) fn create_directories(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_directories(parent)?;
    }
    match std::fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot create {}", path.display())),
    }
    match owner(path.parent().unwrap_or(path))? {
        Some(user) if geteuid().is_root() => give(path, user.uid, user.gid),
        _ => Ok(()),
    }
}

fn give(path: &Path, uid: Uid, gid: Gid) -> Result<()> {
    chown(path, Some(uid), Some(gid))
        .with_context(|| format!("cannot change the owner of {} to PostgreSQL's account", path.display()))
}

/// Finds the owner of `path`, or of its first existing ancestor; None if that is root or unknown.
fn owner(path: &Path) -> Result<Option<User>> {
    let Some(metadata) = path.ancestors().find_map(|ancestor| ancestor.metadata().ok()) else {
        return Ok(None);
    };
    let uid = Uid::from_raw(metadata.uid());
    if uid.is_root() {
        return Ok(None);
    }
    Ok(User::from_uid(uid)?)
}
