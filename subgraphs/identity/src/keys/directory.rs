//! The directory of the keys, one file each (PKCS#8, PEM).
//!
//! A `<key id>.new` waits for identity to publish it as a [`KeyFile`].

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{file::KeyFile, key::Key, schedule::Schedule};

const NEW: &str = "new";

/// An error in loading or rotating keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The directory or a file in it cannot be read or written.
    #[error("cannot read or write the signing keys in {directory}")]
    Files {
        /// The directory of the keys.
        directory: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
    /// A file holds no Ed25519 private key.
    #[error("{file} does not contain an Ed25519 private key (PKCS#8 PEM): restore it from a backup, or remove it")]
    Malformed {
        /// The path of the file.
        file: PathBuf,
    },
    /// There are no keys.
    #[error("no signing keys in {directory}: start identity, which creates the first one")]
    NoKeys {
        /// The directory of the keys.
        directory: PathBuf,
    },
    /// The setting holds no Ed25519 private key.
    #[error("LYCEUM_SIGNING_KEY does not contain an Ed25519 private key (PKCS#8 PEM)")]
    Setting,
    /// The keys are given as a setting, not as a directory.
    #[error("the signing keys come from LYCEUM_SIGNING_KEY: add the new key there, after the current one")]
    Given,
    /// A new key is not published yet.
    #[error("a new key is already waiting to be published: check that identity runs with this directory")]
    Waiting,
    /// The previous key is still in use.
    #[error(
        "a rotation is in progress: tokens of the previous key may be in use until {}; rotate again after that",
        .until.to_rfc3339_opts(SecondsFormat::Secs, true)
    )]
    UnderWay {
        /// The time at which its last token expires.
        until: DateTime<Utc>,
    },
}

/// The directory of the keys.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Reads the published keys, newest first.
    pub fn read(&self) -> Result<Vec<Key>, KeyError> {
        let keys: Vec<_> = self.files()?.into_iter().map(|file| self.key(file)).collect::<Result<_, _>>()?;
        if keys.is_empty() { Err(KeyError::NoKeys { directory: self.0.clone() }) } else { Ok(keys) }
    }

    fn key(&self, file: KeyFile) -> Result<Key, KeyError> {
        let pem = fs::read_to_string(&file.path).map_err(|error| self.failed(error))?;
        match Key::from_pem(&pem) {
            Some(key) => Ok(Key { file: Some(file), ..key }),
            None => Err(KeyError::Malformed { file: file.path }),
        }
    }

    /// Lists the published keys' files, newest first.
    pub fn files(&self) -> Result<Vec<KeyFile>, KeyError> {
        let paths = self.with_extension(KeyFile::EXTENSION)?;
        let files = paths.into_iter().map(KeyFile::at).collect::<io::Result<Vec<_>>>();
        let mut files = files.map_err(|error| self.failed(error))?;
        files.sort_unstable_by(|a, b| b.cmp(a));
        Ok(files)
    }

    /// Creates the first key. Of two processes that start at once, the second waits, and finds the first one's.
    pub fn create_first(&self) -> Result<(), KeyError> {
        let create = || fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        create().map_err(|error| self.failed(error))?;
        if !self.files()?.is_empty() {
            return Ok(());
        }
        let _lock = self.lock()?;
        if self.files()?.is_empty() && self.with_extension(NEW)?.is_empty() { self.add() } else { Ok(()) }
    }

    /// Publishes new keys by renaming them, each with a later time than the key before.
    pub fn publish_new(&self, now: DateTime<Utc>) -> Result<(), KeyError> {
        if self.with_extension(NEW)?.is_empty() {
            return Ok(());
        }
        let _lock = self.lock()?;
        for path in self.with_extension(NEW)? {
            let Some(id) = path.file_stem() else { continue };
            let now =
                self.files()?.first().map_or(now, |newest| now.max(newest.published + TimeDelta::milliseconds(1)));
            let name = KeyFile::name(&id.to_string_lossy(), now);
            let publish = || fs::rename(&path, self.0.join(name)).and_then(|()| self.sync());
            publish().map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Adds a key, unless the last rotation is not finished.
    pub fn rotate(&self, schedule: &Schedule) -> Result<(), KeyError> {
        if self.files()?.is_empty() {
            return Err(KeyError::NoKeys { directory: self.0.clone() });
        }
        let _lock = self.lock()?;
        if !self.with_extension(NEW)?.is_empty() {
            return Err(KeyError::Waiting);
        }
        // Only identity removes the old key: its settings hold the lifetime of tokens.
        if let [newest, _, ..] = self.files()?.as_slice() {
            return Err(KeyError::UnderWay { until: schedule.predecessor_expires_at(newest) });
        }
        self.add()
    }

    /// Removes a key, if it still exists.
    pub fn remove(&self, file: &KeyFile) -> Result<(), KeyError> {
        match fs::remove_file(&file.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    /// Adds a key atomically: the file is renamed when it is complete.
    fn add(&self) -> Result<(), KeyError> {
        let write = || -> io::Result<()> {
            let (id, pem) = Key::generate().ok_or_else(|| io::Error::other("the new key cannot be used"))?;
            let unfinished = self.0.join("unfinished");
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(pem.as_bytes())?;
            file.sync_all()?;
            fs::rename(unfinished, self.0.join(format!("{id}.{NEW}")))?;
            self.sync()
        };
        write().map_err(|error| self.failed(error))
    }

    fn lock(&self) -> Result<File, KeyError> {
        let lock = || -> io::Result<File> {
            let file = File::create(self.0.join("lock"))?;
            file.lock()?;
            Ok(file)
        };
        lock().map_err(|error| self.failed(error))
    }

    /// Syncs the directory, or a crash could lose the names of files.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn with_extension(&self, wanted: &str) -> Result<Vec<PathBuf>, KeyError> {
        let list = || -> io::Result<Vec<PathBuf>> {
            let mut paths = Vec::new();
            for entry in fs::read_dir(&self.0)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == wanted) {
                    paths.push(path);
                }
            }
            Ok(paths)
        };
        match list() {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(KeyError::NoKeys { directory: self.0.clone() }),
            listed => listed.map_err(|error| self.failed(error)),
        }
    }

    fn failed(&self, source: io::Error) -> KeyError {
        KeyError::Files { directory: self.0.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, thread, time::SystemTime};

    use super::*;
    use crate::{Keys, TokenSettings};

    fn open(place: &Path) -> Vec<String> {
        let keys = Keys::load_or_create(place, &TokenSettings::default()).expect("keys");
        keys.jwks().keys.into_iter().filter_map(|key| key.common.key_id).collect()
    }

    #[test]
    fn the_first_start_makes_a_key_that_the_second_finds() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("keys");

        let first = open(&place);

        assert_eq!(first.len(), 1);
        assert_eq!(first, open(&place));
    }

    #[test]
    fn only_the_owner_can_read_a_key() {
        let directory = tempfile::tempdir().expect("a directory");
        open(directory.path());

        for file in Directory::new(directory.path()).files().expect("files") {
            assert_eq!(fs::metadata(file.path).expect("metadata").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn starting_at_once_makes_one_key() {
        let directory = tempfile::tempdir().expect("a directory");

        let starts: Vec<_> =
            (0..8).map(|_| directory.path().to_owned()).map(|place| thread::spawn(move || open(&place))).collect();
        let seen: Vec<_> = starts.into_iter().map(|start| start.join().expect("a start")).collect();

        assert!(seen.iter().all(|ids| ids.len() == 1 && *ids == seen[0]), "{seen:?}");
    }

    #[test]
    fn what_a_crash_left_unfinished_is_no_key() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("unfinished"), "-----BEGIN PRIV").expect("a file");

        assert_eq!(open(directory.path()).len(), 1);
    }

    #[test]
    fn a_key_of_another_name_counts_from_when_it_was_written() {
        let directory = tempfile::tempdir().expect("a directory");
        open(directory.path());
        let by_hand = directory.path().join("by-hand.pem");
        fs::write(&by_hand, Key::generate().expect("a key").1).expect("a file");
        let yesterday = SystemTime::now() - std::time::Duration::from_hours(24);
        File::options().write(true).open(&by_hand).and_then(|file| file.set_modified(yesterday)).expect("a time");

        let files = Directory::new(directory.path()).files().expect("files");

        assert_eq!(files.len(), 2);
        assert_eq!(files[1], KeyFile { published: yesterday.into(), path: by_hand });
    }

    #[test]
    fn a_file_that_holds_no_key_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("broken.pem"), "nothing").expect("a file");

        let error = Keys::load_or_create(directory.path(), &TokenSettings::default()).err().expect("an error");

        assert!(error.to_string().contains("broken.pem"), "{error}");
    }
}
