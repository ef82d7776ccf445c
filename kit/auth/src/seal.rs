//! Sealed values of an entity.
//!
//! Fields of another subgraph's entity arrive with the router's request, and the router may be faulty or compromised.
//! So whatever decides a permission is sealed by the entity's owner, with a secret that the router does not have, and a
//! value with an invalid seal is rejected.
//!
//! A seal has no timestamp: it is valid as long as the secret. So only immutable values can be sealed; a mutable one
//! needs a version or a time among its parts.

use std::{net::SocketAddr, path::PathBuf};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use contracts::{CourseId, UserId, events::ErasureReceipt};

use crate::secret::{Digest, MacKeys, SIGNATURE_LENGTH, Secret, SecretError, SecretPair, update_with_length};

/// The domain separator of a sealed value.
const PURPOSE: &[u8] = b"lyceum fact of an entity, 1";

/// The domain separator of an erasure's receipt.
const RECEIPT_PURPOSE: &[u8] = b"lyceum receipt of an erasure, 1";

/// The secret of `--insecure-dev` if none is set: public, so for a development machine only.
const INSECURE_DEV_SECRET: &str = "anybody may know this: `--insecure-dev` needs no secret";

/// The secret that the subgraphs share, and the router does not have.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SealSettings {
    /// The secret that all subgraphs share, at least 32 bytes. A subgraph seals values of its entities with it, so that
    /// others can trust them. The router must not have it. Generate one with `openssl rand -base64 48`.
    #[arg(long, env = "LYCEUM_SEAL_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub seal_secret: Option<Secret>,

    /// A file that contains the secret, instead of the secret itself.
    #[arg(long, env = "LYCEUM_SEAL_SECRET_FILE", value_name = "FILE", conflicts_with = "seal_secret")]
    pub seal_secret_file: Option<PathBuf>,

    /// During a rotation of the secret: the second secret whose seals are accepted. First set the new one here in all
    /// subgraphs; then make it the main secret, and set the old one here.
    #[arg(long, env = "LYCEUM_SEAL_SECRET_PREVIOUS", hide_env_values = true, value_name = "SECRET")]
    pub seal_secret_previous: Option<Secret>,

    /// A file that contains the second secret.
    #[arg(
        long,
        env = "LYCEUM_SEAL_SECRET_PREVIOUS_FILE",
        value_name = "FILE",
        conflicts_with = "seal_secret_previous"
    )]
    pub seal_secret_previous_file: Option<PathBuf>,
}

impl SealSettings {
    /// The keys of a subgraph that listens on `address`. A secret is required, except on loopback with
    /// `--insecure-dev`.
    ///
    /// # Errors
    /// [`SecretError`] if a secret is required and none is set, a file cannot be read, a secret is too short, or only
    /// the previous secret is set.
    pub fn keys(&self, address: SocketAddr, insecure_dev: bool) -> Result<SealKeys, SecretError> {
        let (current, previous) = self.pair()?;
        match MacKeys::from_settings("LYCEUM_SEAL_SECRET", current, previous)? {
            Some(keys) => Ok(SealKeys(keys)),
            None if !insecure_dev => Err(SecretError::NoSealSecret),
            None if !address.ip().is_loopback() => Err(SecretError::Exposed(address)),
            None => SealKeys::try_new(&Secret::from(INSECURE_DEV_SECRET)),
        }
    }

    /// The secret and the second one, which may be too short.
    ///
    /// # Errors
    /// [`SecretError::File`] if a file cannot be read.
    pub fn pair(&self) -> Result<SecretPair, SecretError> {
        let current = Secret::read(self.seal_secret.as_ref(), self.seal_secret_file.as_ref())?;
        let previous = Secret::read(self.seal_secret_previous.as_ref(), self.seal_secret_previous_file.as_ref())?;
        Ok((current, previous))
    }
}

/// An immutable value of one subgraph's entity that another subgraph must trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedValue {
    /// The teacher of a course.
    CourseTeacher {
        /// The course to publish.
        course: CourseId,
        /// The course's teacher.
        teacher: UserId,
    },
}

impl SealedValue {
    fn add_to(self, digest: &mut Digest) {
        let (entity, key, field, value) = match self {
            Self::CourseTeacher { course, teacher } => ("Course", course.0, "teacher", teacher.0),
        };
        for part in [PURPOSE, entity.as_bytes(), key.as_bytes(), field.as_bytes(), value.as_bytes()] {
            update_with_length(digest, part);
        }
    }
}

/// The keys to seal values, and to verify seals.
#[derive(Clone)]
pub struct SealKeys(pub(crate) MacKeys);

impl SealKeys {
    /// Keys of a random secret.
    ///
    /// # Panics
    /// Never: the secret is long enough.
    #[must_use]
    pub fn random() -> Self {
        Self::try_new(&Secret::random()).expect("it is long enough")
    }

    pub(crate) fn try_new(secret: &Secret) -> Result<Self, SecretError> {
        MacKeys::try_new(secret, None).map(Self)
    }

    /// Seals a value: base64url of its HMAC.
    #[must_use]
    pub fn seal(&self, value: SealedValue) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.sign(|digest| value.add_to(digest)))
    }

    /// Whether the seal is valid for this value. Compares in constant time.
    #[must_use]
    pub fn verify(&self, value: SealedValue, seal: &str) -> bool {
        let mut bytes = [0; SIGNATURE_LENGTH];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(seal, &mut bytes) {
            Ok(SIGNATURE_LENGTH) => self.0.verify(&bytes, |digest| value.add_to(digest)),
            _ => false,
        }
    }

    /// Signs the receipt of an erasure, whatever its signature was.
    #[must_use]
    pub fn sign_receipt(&self, receipt: &ErasureReceipt) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.sign(|digest| add_receipt(digest, receipt)))
    }

    /// Whether a service has signed this receipt. Compares in constant time.
    #[must_use]
    pub fn has_signed(&self, receipt: &ErasureReceipt) -> bool {
        let mut bytes = [0; SIGNATURE_LENGTH];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(&receipt.signature, &mut bytes) {
            Ok(SIGNATURE_LENGTH) => self.0.verify(&bytes, |digest| add_receipt(digest, receipt)),
            _ => false,
        }
    }
}

fn add_receipt(digest: &mut Digest, receipt: &ErasureReceipt) {
    let ErasureReceipt { erasure_id, service, erased_at, tables, signature: _ } = receipt;
    let time = erased_at.timestamp_micros().to_be_bytes();
    for part in [RECEIPT_PURPOSE, service.as_bytes(), erasure_id.0.as_bytes(), &time] {
        update_with_length(digest, part);
    }
    for table in tables {
        update_with_length(digest, table.table.as_bytes());
        update_with_length(digest, &table.deleted.to_be_bytes());
        update_with_length(digest, &table.anonymized.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use contracts::{ErasureId, events::ErasedTable};
    use uuid::Uuid;

    use super::*;

    fn value(course: u128, teacher: u128) -> SealedValue {
        SealedValue::CourseTeacher {
            course: CourseId(Uuid::from_u128(course)),
            teacher: UserId(Uuid::from_u128(teacher)),
        }
    }

    fn secret(letter: &str) -> Secret {
        Secret::from(letter.repeat(32))
    }

    fn keys(letter: &str) -> SealKeys {
        SealKeys::try_new(&secret(letter)).expect("it is long enough")
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_seal_is_valid_for_its_value_alone() {
        let seal = keys("a").seal(value(1, 2));

        assert!(keys("a").verify(value(1, 2), &seal));
        for other in [value(1, 3), value(3, 2), value(2, 1), value(1, 1), value(2, 2)] {
            assert!(!keys("a").verify(other, &seal), "{other:?}");
        }
        assert!(!keys("b").verify(value(1, 2), &seal));
    }

    #[test]
    fn a_receipt_is_signed_as_a_whole() {
        let table = |deleted| ErasedTable { table: "notifications".to_owned(), deleted, anonymized: 0 };
        let mut receipt = ErasureReceipt {
            erasure_id: ErasureId(Uuid::from_u128(1)),
            service: "notification".to_owned(),
            erased_at: DateTime::UNIX_EPOCH,
            tables: vec![table(3)],
            signature: String::new(),
        };
        receipt.signature = keys("a").sign_receipt(&receipt);

        assert!(keys("a").has_signed(&receipt));
        assert!(!keys("b").has_signed(&receipt));
        for forged in [
            ErasureReceipt { erasure_id: ErasureId(Uuid::from_u128(2)), ..receipt.clone() },
            ErasureReceipt { service: "payment".to_owned(), ..receipt.clone() },
            ErasureReceipt { erased_at: DateTime::from_timestamp_nanos(1_000), ..receipt.clone() },
            ErasureReceipt { tables: vec![table(2)], ..receipt.clone() },
            ErasureReceipt { tables: Vec::new(), ..receipt.clone() },
            ErasureReceipt { signature: String::new(), ..receipt.clone() },
        ] {
            assert!(!keys("a").has_signed(&forged), "{forged:?}");
        }
    }

    #[test]
    fn what_is_no_seal_does_not_fit() {
        let seal = keys("a").seal(value(1, 2));

        for wrong in ["", "=", "seal", &seal[1..], &seal[..seal.len() - 1], &format!("{seal}A"), &seal.to_lowercase()] {
            assert!(!keys("a").verify(value(1, 2), wrong), "{wrong}");
        }
        let changed = |index: usize| {
            let other = if &seal[index..=index] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &seal[..index], &seal[index + 1..])
        };
        for index in 0..seal.len() {
            assert!(!keys("a").verify(value(1, 2), &changed(index)), "{index}");
        }
    }

    #[test]
    fn seals_of_either_secret_fit_during_a_change() {
        let settings = SealSettings {
            seal_secret: Some(secret("b")),
            seal_secret_previous: Some(secret("a")),
            ..SealSettings::default()
        };
        let changing = settings.keys(address("0.0.0.0:0"), false).expect("they are long enough");

        assert!(changing.verify(value(1, 2), &keys("a").seal(value(1, 2))));
        assert!(changing.verify(value(1, 2), &keys("b").seal(value(1, 2))));
        assert!(!changing.verify(value(1, 2), &keys("c").seal(value(1, 2))));
        assert_eq!(changing.seal(value(1, 2)), keys("b").seal(value(1, 2)));
    }

    #[test]
    fn without_a_secret_there_are_no_keys_unless_it_is_asked_for_on_loopback() {
        let (none, loopback, public) = (SealSettings::default(), address("127.0.0.1:1"), address("0.0.0.0:1"));

        assert!(matches!(none.keys(loopback, false), Err(SecretError::NoSealSecret)));
        assert!(matches!(none.keys(public, true), Err(SecretError::Exposed(_))));
        // Separate processes accept each other's seals.
        let [one, other] = [0, 1].map(|_| none.keys(loopback, true).expect("it is asked for"));
        assert!(one.verify(value(1, 2), &other.seal(value(1, 2))));
    }

    #[test]
    fn a_wrong_setting_is_said_by_its_name_and_without_its_value() {
        let short = SealSettings { seal_secret: Some(Secret::from("x".repeat(31))), ..SealSettings::default() };
        let alone = SealSettings { seal_secret_previous: Some(secret("x")), ..SealSettings::default() };
        let said = |settings: &SealSettings| {
            settings.keys(address("127.0.0.1:1"), true).err().expect("it is wrong").to_string()
        };

        assert!(said(&short).contains("this one has 31") && !said(&short).contains("xx"));
        assert_eq!(
            said(&alone),
            "LYCEUM_SEAL_SECRET_PREVIOUS is set, but LYCEUM_SEAL_SECRET is not: set both, or neither"
        );
    }
}
