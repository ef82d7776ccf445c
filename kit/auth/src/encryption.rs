//! Encryption of what a subgraph stores and must be able to read again, with a key that is derived from the secret of the
//! seals. A copy of the database alone does not hold that secret.

use chacha20poly1305::{
    AeadCore, KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload, generic_array::typenum::Unsigned as _},
};

use crate::{
    seal::SealKeys,
    secret::{SIGNATURE_LENGTH, update_with_length},
};

/// The domain separator of the key.
const PURPOSE: &[u8] = b"lyceum key of stored secrets, 1";

/// Random nonces of this length do not repeat.
const NONCE_LENGTH: usize = <XChaCha20Poly1305 as AeadCore>::NonceSize::USIZE;

/// Encrypts and decrypts stored values.
#[derive(Clone)]
pub struct StorageKeys {
    current: XChaCha20Poly1305,
    previous: Option<XChaCha20Poly1305>,
}

/// A value that was decrypted.
pub struct Decrypted {
    /// The value.
    pub value: Vec<u8>,
    /// Whether it was encrypted with the previous secret, so that it must be encrypted anew while both are known.
    pub is_outdated: bool,
}

impl SealKeys {
    /// The keys for stored values.
    #[must_use]
    pub fn storage_keys(&self) -> StorageKeys {
        let (current, previous) = self.0.derive(|digest| update_with_length(digest, PURPOSE));
        let cipher = |key: [u8; SIGNATURE_LENGTH]| XChaCha20Poly1305::new(&key.into());
        StorageKeys { current: cipher(current), previous: previous.map(cipher) }
    }
}

impl StorageKeys {
    /// Whether two secrets are known.
    #[must_use]
    pub fn is_rotating(&self) -> bool {
        self.previous.is_some()
    }

    /// Encrypts a value. It can be decrypted for the same `owner` only, such as the id of its row.
    ///
    /// # Panics
    /// Never: the value is not of hundreds of gigabytes.
    #[must_use]
    pub fn encrypt(&self, owner: &[u8], value: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LENGTH] = rand::random();
        let payload = Payload { msg: value, aad: owner };
        let encrypted = self.current.encrypt(XNonce::from_slice(&nonce), payload).expect("it is not that long");
        [nonce.as_slice(), &encrypted].concat()
    }

    /// Decrypts a value of this owner; `None` if it was encrypted for another one or with an unknown secret, or was changed.
    #[must_use]
    pub fn decrypt(&self, owner: &[u8], stored: &[u8]) -> Option<Decrypted> {
        let (nonce, encrypted) = stored.split_at_checked(NONCE_LENGTH)?;
        let decrypt = |cipher: &XChaCha20Poly1305| {
            cipher.decrypt(XNonce::from_slice(nonce), Payload { msg: encrypted, aad: owner }).ok()
        };
        let current = decrypt(&self.current).map(|value| Decrypted { value, is_outdated: false });
        current.or_else(|| Some(Decrypted { value: decrypt(self.previous.as_ref()?)?, is_outdated: true }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{seal::SealSettings, secret::Secret};

    const ALICE: &[u8] = b"alice";
    const VALUE: &[u8] = b"what only the subgraph may read";

    fn keys(current: &str, previous: Option<&str>) -> StorageKeys {
        let secret = |letter: &str| Secret::from(letter.repeat(32));
        let settings = SealSettings {
            seal_secret: Some(secret(current)),
            seal_secret_previous: previous.map(secret),
            ..SealSettings::default()
        };
        let address = "127.0.0.1:1".parse().expect("an address");
        settings.keys(address, false).expect("they are long enough").storage_keys()
    }

    #[test]
    fn a_value_is_read_by_its_owner_with_the_same_secret_alone() {
        let stored = keys("a", None).encrypt(ALICE, VALUE);

        let decrypted = keys("a", None).decrypt(ALICE, &stored).expect("the same secret");
        assert_eq!((&*decrypted.value, decrypted.is_outdated), (VALUE, false));
        assert!(keys("b", None).decrypt(ALICE, &stored).is_none());
        assert!(keys("a", None).decrypt(b"bob", &stored).is_none());
        assert!(!stored.windows(4).any(|bytes| VALUE.windows(4).any(|of_value| of_value == bytes)));
        assert_ne!(stored, keys("a", None).encrypt(ALICE, VALUE), "equal values look different");
    }

    #[test]
    fn what_was_changed_is_not_read() {
        let stored = keys("a", None).encrypt(ALICE, VALUE);

        for index in 0..stored.len() {
            let mut changed = stored.clone();
            changed[index] ^= 1;
            assert!(keys("a", None).decrypt(ALICE, &changed).is_none(), "{index}");
            assert!(keys("a", None).decrypt(ALICE, &stored[..index]).is_none(), "{index}");
        }
    }

    #[test]
    fn during_a_rotation_values_of_both_secrets_are_read() {
        let (old, new) = (keys("a", None).encrypt(ALICE, VALUE), keys("b", None).encrypt(ALICE, VALUE));

        for (current, previous) in [("a", "b"), ("b", "a")] {
            let rotating = keys(current, Some(previous));
            for (stored, secret) in [(&old, "a"), (&new, "b")] {
                let decrypted = rotating.decrypt(ALICE, stored).expect("a known secret");
                assert_eq!((&*decrypted.value, decrypted.is_outdated), (VALUE, secret != current));
            }
        }
    }
}
