//! Secrets that processes share, and their HMAC-SHA256 keys.

use std::{convert::Infallible, fmt, fs, io, net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub(crate) const MIN_SECRET_LENGTH: usize = 32;

/// The length of an HMAC-SHA256, in bytes.
pub(crate) const SIGNATURE_LENGTH: usize = 32;

/// The reason why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Too short to resist guessing.
    #[error(
        "a secret needs at least {MIN_SECRET_LENGTH} bytes, and this one has {length}: use `openssl rand -base64 48`"
    )]
    TooShort {
        /// The length in bytes.
        length: usize,
    },
    /// The secret's file cannot be read.
    #[error("cannot read the secret from {file}")]
    File {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Only the previous secret is set.
    #[error("{0}_PREVIOUS is set, but {0} is not: set both, or neither")]
    OnlyPrevious(&'static str),
    /// No secret for the router's signatures is set.
    #[error(
        "LYCEUM_SUBGRAPH_SECRET is not set: subgraphs accept only requests that the router has signed. Generate one \
         with `openssl rand -base64 48`, the same for router and subgraphs; or use `--insecure-dev` for local \
         development"
    )]
    Missing,
    /// No secret for seals is set.
    #[error(
        "LYCEUM_SEAL_SECRET is not set: subgraphs trust each other's values only if they are sealed with it. Generate \
         one with `openssl rand -base64 48`, the same for all subgraphs; the router must not have it. Or use \
         `--insecure-dev` for local development"
    )]
    NoSealSecret,
    /// Without a secret, on an address that others can reach.
    #[error("`--insecure-dev` requires a loopback address, not {0}: anyone could query the subgraph directly")]
    Exposed(SocketAddr),
}

/// The text of a secret. Parsing never fails, so that no message about an invalid setting repeats it.
#[derive(Clone)]
pub struct Secret(String);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Secret {
    /// Generates a random secret.
    #[must_use]
    pub fn random() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; MIN_SECRET_LENGTH]>()))
    }

    /// The secret's text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the secret from `file`, or else takes `secret`, unless it is empty.
    ///
    /// # Errors
    /// [`SecretError::File`] if the file cannot be read.
    pub fn read(secret: Option<&Self>, file: Option<&PathBuf>) -> Result<Option<Self>, SecretError> {
        let Some(file) = file else { return Ok(secret.filter(|secret| !secret.is_empty()).cloned()) };
        let text = fs::read_to_string(file).map_err(|source| SecretError::File { file: file.clone(), source })?;
        Ok(Some(Self(text.trim_end().to_owned())))
    }
}

/// A secret, and the second one that is accepted during its rotation.
pub type SecretPair = (Option<Secret>, Option<Secret>);

/// Checks the values of a setting and its `…_PREVIOUS`.
///
/// # Errors
/// [`SecretError`] if one is too short, or only the second is set.
pub fn check_pair(variable: &'static str, (current, previous): &SecretPair) -> Result<(), SecretError> {
    MacKeys::from_settings(variable, current.clone(), previous.clone()).map(drop)
}

/// An HMAC-SHA256 in progress.
pub(crate) type Digest = Hmac<Sha256>;

/// Adds a part with a length prefix, so that parts cannot be shifted into one another.
pub(crate) fn update_with_length(digest: &mut Digest, part: &[u8]) {
    digest.update(&(part.len() as u64).to_be_bytes());
    digest.update(part);
}

fn digest(secret: &Secret) -> Result<Digest, SecretError> {
    let bytes = secret.0.as_bytes();
    if bytes.len() < MIN_SECRET_LENGTH {
        return Err(SecretError::TooShort { length: bytes.len() });
    }
    Ok(Digest::new_from_slice(bytes).expect("a key of any length will do"))
}

/// The current key, which signs, and the previous one, accepted during a rotation.
#[derive(Clone)]
pub(crate) struct MacKeys(Arc<Pair>);

struct Pair {
    current: Digest,
    previous: Option<Digest>,
}

impl MacKeys {
    pub(crate) fn try_new(current: &Secret, previous: Option<&Secret>) -> Result<Self, SecretError> {
        let previous = previous.map(digest).transpose()?;
        Ok(Self(Arc::new(Pair { current: digest(current)?, previous })))
    }

    /// The keys of the configured secrets, if there are any; `variable` is the setting's name.
    pub(crate) fn from_settings(
        variable: &'static str,
        current: Option<Secret>,
        previous: Option<Secret>,
    ) -> Result<Option<Self>, SecretError> {
        match (current, previous) {
            (Some(current), previous) => Self::try_new(&current, previous.as_ref()).map(Some),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(SecretError::OnlyPrevious(variable)),
        }
    }

    /// Computes the HMAC of what `add` adds, with the current key.
    pub(crate) fn sign(&self, add: impl Fn(&mut Digest)) -> [u8; SIGNATURE_LENGTH] {
        let mut digest = self.0.current.clone();
        add(&mut digest);
        digest.finalize().into_bytes().into()
    }

    /// Derives keys for another use, from the current secret and from the previous one: the HMACs of what `add` adds.
    pub(crate) fn derive(&self, add: impl Fn(&mut Digest)) -> ([u8; SIGNATURE_LENGTH], Option<[u8; SIGNATURE_LENGTH]>) {
        let derive = |key: &Digest| {
            let mut digest = key.clone();
            add(&mut digest);
            digest.finalize().into_bytes().into()
        };
        (derive(&self.0.current), self.0.previous.as_ref().map(derive))
    }

    /// Whether `signature` is the HMAC of what `add` adds, with either key. Compares in constant time.
    pub(crate) fn verify(&self, signature: &[u8], add: impl Fn(&mut Digest)) -> bool {
        let fits = |key: &Digest| {
            let mut digest = key.clone();
            add(&mut digest);
            digest.verify_slice(signature).is_ok()
        };
        fits(&self.0.current) || self.0.previous.as_ref().is_some_and(fits)
    }
}
