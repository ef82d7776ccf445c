//! The keys that sign access tokens, and what the world may know of them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes, spki::der::pem::LineEnding},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use subgraph_kit::token::{Claims, Verifier};

const EXTENSION: &str = "pem";

/// The Ed25519 keys of a directory: each is a file `<key id>.pem` (PKCS#8). The newest signs, and
/// tokens of all of them are accepted.
#[derive(Clone)]
pub struct Keys(Arc<Vec<Key>>);

/// Why the keys of a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The directory or a file in it cannot be read or written.
    #[error("cannot read or make the signing keys in {directory}")]
    Files {
        /// Where the keys should be.
        directory: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{file} holds no Ed25519 private key in PKCS#8 PEM form: put its backup back, or remove it")]
    Malformed {
        /// The file.
        file: PathBuf,
    },
}

struct Key {
    id: String,
    private: EncodingKey,
    public: Jwk,
}

impl Keys {
    /// Reads the keys of a directory, and makes one where there is none yet.
    ///
    /// # Errors
    /// Those of the file system, and files that hold no key.
    pub fn load_or_create(directory: &Path) -> Result<Self, KeyError> {
        let at = |source| KeyError::Files { directory: directory.to_owned(), source };

        let mut files = key_files(directory).map_err(at)?;
        if files.is_empty() {
            create_first(directory).map_err(at)?;
            files = key_files(directory).map_err(at)?;
        }
        let keys = files.iter().map(|file| Key::load(file)).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(keys)))
    }

    /// The public halves.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        JwkSet { keys: self.0.iter().map(|key| key.public.clone()).collect() }
    }

    /// Accepts the tokens of these keys, for subgraphs in the same process.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        Verifier::new(&self.jwks())
    }

    /// A signed token that says this.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let key = self.0.first().expect("there is a key");
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &key.private)
    }
}

impl Key {
    fn load(file: &Path) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed { file: file.to_owned() };
        let pem = fs::read_to_string(file).map_err(|source| KeyError::Files { directory: file.to_owned(), source })?;
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|_| malformed())?;
        Self::new(&key).ok_or_else(malformed)
    }

    fn new(key: &SigningKey) -> Option<Self> {
        let private = EncodingKey::from_ed_der(without_public_half(key).to_pkcs8_der().ok()?.as_bytes());
        let mut public = Jwk::from_encoding_key(&private, Algorithm::EdDSA).ok()?;
        let id = public.thumbprint(ThumbprintHash::SHA256).ok()?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Some(Self { id, private, public })
    }
}

/// The form of PKCS#8 that every library reads.
fn without_public_half(key: &SigningKey) -> KeypairBytes {
    KeypairBytes { secret_key: key.to_bytes(), public_key: None }
}

/// The newest first.
fn key_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == EXTENSION) {
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    files.sort_unstable_by(|a, b| b.cmp(a));
    Ok(files.into_iter().map(|(_, file)| file).collect())
}

/// Two processes may start at once: the second waits, and finds the first one's key.
fn create_first(directory: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let lock = File::create(directory.join("lock"))?;
    lock.lock()?;
    if key_files(directory)?.is_empty() { create(directory) } else { Ok(()) }
}

fn create(directory: &Path) -> io::Result<()> {
    let signing_key = SigningKey::from_bytes(&rand::random());
    let key = Key::new(&signing_key).ok_or_else(|| io::Error::other("the new key cannot be used"))?;
    let pem = without_public_half(&signing_key).to_pkcs8_pem(LineEnding::LF).map_err(io::Error::other)?;

    let unfinished = directory.join("unfinished");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, directory.join(format!("{}.{EXTENSION}", key.id)))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt as _, thread};

    use super::*;

    fn ids(keys: &Keys) -> Vec<String> {
        keys.jwks().keys.into_iter().filter_map(|key| key.common.key_id).collect()
    }

    #[test]
    fn the_first_start_makes_a_key_that_the_second_finds() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("keys");

        let first = Keys::load_or_create(&place).expect("keys");
        let second = Keys::load_or_create(&place).expect("keys");

        assert_eq!(ids(&first).len(), 1);
        assert_eq!(ids(&first), ids(&second));
    }

    #[test]
    fn only_the_owner_can_read_a_key() {
        let directory = tempfile::tempdir().expect("a directory");
        Keys::load_or_create(directory.path()).expect("keys");

        for file in key_files(directory.path()).expect("files") {
            assert_eq!(fs::metadata(file).expect("metadata").permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn starting_at_once_makes_one_key() {
        let directory = tempfile::tempdir().expect("a directory");

        let starts: Vec<_> = (0..8)
            .map(|_| directory.path().to_owned())
            .map(|place| thread::spawn(move || ids(&Keys::load_or_create(&place).expect("keys"))))
            .collect();
        let seen: Vec<_> = starts.into_iter().map(|start| start.join().expect("a start")).collect();

        assert!(seen.iter().all(|ids| ids.len() == 1 && *ids == seen[0]), "{seen:?}");
    }

    #[test]
    fn the_newest_key_signs_and_all_are_published() {
        let directory = tempfile::tempdir().expect("a directory");
        let old = Keys::load_or_create(directory.path()).expect("keys");
        let yesterday = SystemTime::now() - std::time::Duration::from_hours(24);
        for file in key_files(directory.path()).expect("files") {
            File::options().write(true).open(file).and_then(|file| file.set_modified(yesterday)).expect("a time");
        }
        create(directory.path()).expect("a key");

        let keys = Keys::load_or_create(directory.path()).expect("keys");

        assert_eq!(keys.0.len(), 2);
        assert_eq!(keys.0[1].id, old.0[0].id);
    }

    #[test]
    fn a_file_that_holds_no_key_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("broken.pem"), "nothing").expect("a file");

        let error = Keys::load_or_create(directory.path()).err().expect("an error");

        assert!(error.to_string().contains("broken.pem"), "{error}");
    }
}
