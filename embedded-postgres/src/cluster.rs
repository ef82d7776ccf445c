//! A data directory: its lock, checks and initialisation.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nix::unistd::{Uid, User, geteuid};

use crate::account::{Account, create_directories};
use crate::data_dir::{resolve_data_dir, sibling_path};
use crate::installation::{Installation, VERSION};
use crate::log::{advice, last_lines};
use crate::{leftover, superuser};

/// A data directory that this process has locked: initialised, and without a running server.
pub(crate) struct Cluster {
    pub(crate) dir: PathBuf,
    pub(crate) account: Option<Account>,
    pub(crate) password: String,
    /// Held for the life of the process; the kernel releases it however that ends.
    _lock: Lock,
}

/// A file that this process has locked.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that another thread is just starting inherits the file for a moment: closing ours would not release
        // the lock.
        let _ = self.0.unlock();
    }
}

impl Cluster {
    /// Locks `dir`, initialises it if it is new, and stops what a dead owner left running.
    pub(crate) async fn open(installation: &Installation, dir: &Path, ephemeral: bool) -> Result<Self> {
        let dir = resolve_data_dir(dir)?;
        let account = Account::for_path(&dir)?;
        create_directories(dir.parent().context("the data directory must not be the root directory")?)?;
        let lock = lock(&dir)?;

        if is_new(&dir)? {
            initialise(installation, &dir, account.as_ref(), ephemeral).await?;
        }
        require_version(&dir)?;
        require_owner(&dir)?;
        leftover::stop(&dir).await?;
        let password = superuser::read_password(&dir)?;
        Ok(Self { dir, account, password, _lock: lock })
    }

    pub(crate) fn log(&self) -> PathBuf {
        sibling_path(&self.dir, "log")
    }

    /// Deletes the data and the files beside it.
    pub(crate) fn remove(&self) -> Result<()> {
        remove_all(&self.dir)
    }
}

/// Stops and deletes the ephemeral servers below `directory` whose owners were killed.
///
/// # Errors
/// When one of them does not stop, or its data cannot be deleted.
pub async fn remove_abandoned(directory: &Path) -> Result<()> {
    let Ok(entries) = resolve_data_dir(directory)?.read_dir() else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "lock") {
            let dir = path.with_extension("");
            // One that cannot be locked has a living owner.
            if let Ok(lock) = lock(&dir) {
                leftover::stop(&dir).await?;
                remove_all(&dir)?;
                drop(lock);
            }
        }
    }
    Ok(())
}

fn remove_all(dir: &Path) -> Result<()> {
    remove_directory(dir)?;
    remove_directory(&sibling_path(dir, "partial"))?;
    for extension in ["partial.password", "log", "lock"] {
        let path = sibling_path(dir, extension);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.with_context(|| format!("cannot remove {}", path.display()))?,
        }
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<Lock> {
    let path = sibling_path(dir, "lock");
    let mut file = open_private(OpenOptions::new().create(true).read(true).write(true).truncate(false), &path)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            write!(file, "{}", std::process::id())?;
            Ok(Lock(file))
        }
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            file.rewind()?;
            file.read_to_string(&mut owner)?;
            bail!(
                "the data in {} is in use by process {owner}, another running Lyceum: \
                 stop it, or use another data directory",
                dir.display()
            )
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Opens a file and restricts it to its owner, even if it existed before.
pub(crate) fn open_private(options: &mut OpenOptions, path: &Path) -> Result<File> {
    let file = options.mode(0o600).open(path).with_context(|| format!("cannot write {}", path.display()))?;
    if file.metadata()?.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))
            .with_context(|| format!("cannot restrict the permissions of {}", path.display()))?;
    }
    Ok(file)
}

pub(crate) fn is_new(dir: &Path) -> Result<bool> {
    if dir.join("PG_VERSION").is_file() {
        return Ok(false);
    }
    let mut entries = match dir.read_dir() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        entries => entries.with_context(|| format!("cannot read {}", dir.display()))?,
    };
    ensure!(
        entries.next().is_none(),
        "{} contains files that are not PostgreSQL's data: choose another directory",
        dir.display()
    );
    Ok(true)
}

fn require_version(dir: &Path) -> Result<()> {
    let version = std::fs::read_to_string(dir.join("PG_VERSION"))
        .with_context(|| format!("cannot read the data in {}", dir.display()))?;
    let version = version.trim();
    ensure!(
        version == VERSION,
        "{} contains data of PostgreSQL {version}, and this is {VERSION}: migrate the data with \
         pg_dump of version {version}, or move the directory away to start with an empty one",
        dir.display()
    );
    Ok(())
}

fn require_owner(dir: &Path) -> Result<()> {
    let owner = Uid::from_raw(dir.metadata()?.uid());
    if geteuid().is_root() || owner == geteuid() {
        return Ok(());
    }
    let name = User::from_uid(owner)?.map_or_else(|| owner.to_string(), |user| user.name);
    bail!(
        "{} belongs to the user `{name}`: start as before (as root, perhaps), \
         or give it to yourself with `sudo chown -R $(id -u) {0}`",
        dir.display()
    )
}

/// Initialises a directory beside `dir` and renames it, so that a crash leaves nothing incomplete.
async fn initialise(installation: &Installation, dir: &Path, account: Option<&Account>, ephemeral: bool) -> Result<()> {
    let partial = sibling_path(dir, "partial");
    remove_directory(&partial)?;
    std::fs::create_dir(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
    std::fs::set_permissions(&partial, Permissions::from_mode(0o700))?;
    let password = sibling_path(&partial, "password");
    superuser::write_password(&password)?;
    if let Some(account) = account {
        account.give(&partial)?;
        account.give(&password)?;
    }

    let made = run_initdb(installation, &partial, &password, account, ephemeral).await;
    let made = made.and_then(|()| Ok(std::fs::rename(&password, superuser::password_file(&partial))?));
    let made = made.and_then(|()| Ok(std::fs::rename(&partial, dir)?));
    if made.is_err() {
        // A failure for lack of space must not keep the space.
        let _ = std::fs::remove_file(&password);
        let _ = remove_directory(&partial);
    }
    made.with_context(|| format!("cannot create a database cluster in {}", dir.display()))
}

async fn run_initdb(
    installation: &Installation,
    dir: &Path,
    password: &Path,
    account: Option<&Account>,
    ephemeral: bool,
) -> Result<()> {
    let mut command = installation.command("initdb", account);
    command.arg("--pgdata").arg(dir).arg("--pwfile").arg(password);
    command.args(["--username", superuser::NAME, "--auth", "scram-sha-256", "--encoding", "UTF8"]);
    // Text is sorted by code point, and upper and lower case are those of Unicode.
    command.args(["--locale", "C", "--lc-ctype", CHARACTERS, "--no-instructions"]);
    // Iterations slow down guessing. 128 random bits need none, and each connection pays for them.
    command.args(["-c", "scram_iterations=1"]);
    if ephemeral {
        command.arg("--no-sync");
    }
    let output = command.output().await.context("cannot run initdb")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "initdb failed:\n{}{}", last_lines(&said), advice(&said));
    Ok(())
}

const CHARACTERS: &str = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };

fn remove_directory(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| format!("cannot remove {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_given_up_is_free_while_a_child_still_holds_the_file() {
        let place = tempfile::tempdir().expect("a directory");
        let dir = place.path().join("school");
        let held = lock(&dir).expect("a lock");
        let in_a_child = held.0.try_clone().expect("what a fork copies");
        lock(&dir).expect_err("it is held");

        drop(held);

        lock(&dir).expect("it is free");
        drop(in_a_child);
    }
}
