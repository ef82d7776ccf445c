//! The keys that sign access tokens, and their public key set.

mod directory;
mod file;
mod key;
mod schedule;

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use auth::token::Verifier;
use chrono::{DateTime, SubsecRound as _, Utc};
use contracts::{
    SessionId,
    claims::{AUDIENCE, Claims, ISSUER},
};
use jsonwebtoken::{Algorithm, Header, jwk::JwkSet};
use subgraph_kit::Error;
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tracing::{info, warn};
use uuid::Uuid;

pub use self::directory::KeyError;
use self::{directory::Directory, key::Key, schedule::Schedule};
use crate::{TokenSettings, user::User};

/// The polling interval of the directory.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The Ed25519 keys that sign access tokens, and those whose tokens may still be valid. Clones share them.
#[derive(Clone)]
pub struct Keys(Arc<Shared>);

struct Shared {
    /// None if the keys were given as a setting.
    directory: Option<Directory>,
    schedule: Schedule,
    /// The keys, newest first.
    current: RwLock<Arc<Vec<Key>>>,
    verifier: Verifier,
}

impl Keys {
    /// Loads the keys for identity itself: those of the settings, or those of the directory, where it creates the first
    /// one and publishes new ones.
    ///
    /// # Errors
    /// [`KeyError`] if the directory cannot be read or written, or a file is not a key.
    pub fn load_or_create(directory: &Path, settings: &TokenSettings) -> Result<Self, KeyError> {
        let directory = Directory::new(directory);
        if settings.signing_key.is_none() {
            directory.create_first()?;
            directory.publish_new(Utc::now())?;
        }
        Self::read(directory, settings)
    }

    /// Loads the keys that identity has created, for another process that signs tokens.
    ///
    /// # Errors
    /// [`KeyError`] if the directory cannot be read, a file is not a key, or there is none (`NoKeys`).
    pub fn load(directory: &Path, settings: &TokenSettings) -> Result<Self, KeyError> {
        Self::read(Directory::new(directory), settings)
    }

    fn read(directory: Directory, settings: &TokenSettings) -> Result<Self, KeyError> {
        let (directory, keys) = if let Some(pem) = &settings.signing_key {
            (None, Key::all_of(pem).ok_or(KeyError::Setting)?)
        } else {
            let keys = directory.read()?;
            (Some(directory), keys)
        };
        Ok(Self(Arc::new(Shared {
            directory,
            schedule: Schedule::new(settings),
            verifier: Verifier::new(&key_set(&keys)),
            current: RwLock::new(Arc::new(keys)),
        })))
    }

    /// Polls the directory until the process ends: publishes what `lyceum admin rotate-key` adds, and removes what has
    /// expired.
    pub async fn watch(self) {
        let mut ticks = interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_readable = true;
        loop {
            ticks.tick().await;
            let keys = self.clone();
            let followed = spawn_blocking(move || keys.follow(Utc::now())).await;
            let Ok(outcome) = followed else { return };
            if let (Err(error), true) = (&outcome, was_readable) {
                warn!(
                    error = error as &dyn std::error::Error,
                    "signing keys cannot be read, the loaded keys stay in use"
                );
            }
            was_readable = outcome.is_ok();
        }
    }

    /// Synchronizes the keys with the directory.
    fn follow(&self, now: DateTime<Utc>) -> Result<(), KeyError> {
        let Some(directory) = &self.0.directory else { return Ok(()) };
        directory.publish_new(now)?;
        let files = directory.files()?;
        if !self.current().iter().filter_map(|key| key.file.as_ref()).eq(&files) {
            self.replace(directory.read()?);
        }
        let expired = self.0.schedule.expired(&files, now);
        expired.iter().try_for_each(|file| directory.remove(file))
    }

    fn replace(&self, keys: Vec<Key>) {
        info!(keys = keys.len(), "signing keys changed");
        self.0.verifier.replace(&key_set(&keys));
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn current(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.0.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The public key set.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        key_set(&self.current())
    }

    /// The verifier of these keys, which follows their rotation: for subgraphs in the same process.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.0.verifier.clone()
    }

    /// Signs an access token for a user and their session, and returns it with its expiry.
    ///
    /// # Errors
    /// [`Error::Internal`] if signing fails.
    pub(crate) fn access_token(
        &self,
        user: &User,
        session: Option<SessionId>,
    ) -> Result<(String, DateTime<Utc>), Error> {
        let now = Utc::now().trunc_subsecs(0);
        let ends = now + self.0.schedule.lifetime;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user.id.0,
            iat: now.timestamp(),
            exp: ends.timestamp(),
            jti: Uuid::now_v7(),
            role: user.role.into(),
            is_verified: user.is_verified_teacher(),
            scope: String::new(),
            sid: session,
        };
        let token = self.sign(&claims, now).map_err(Error::internal)?;
        Ok((token, ends))
    }

    fn sign(&self, claims: &Claims, now: DateTime<Utc>) -> Result<String, jsonwebtoken::errors::Error> {
        let keys = self.current();
        let key = self.0.schedule.signing(&keys, now);
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &key.private)
    }
}

/// Adds a key to a directory: identity publishes it immediately, and signs with it once all verifiers can have fetched
/// it. Tokens of the previous key stay valid until they expire.
///
/// # Errors
/// [`KeyError`] if the directory cannot be read or written; `NoKeys`; `Waiting` or `UnderWay` while the last rotation
/// is not finished.
pub fn rotate(directory: &Path, settings: &TokenSettings) -> Result<(), KeyError> {
    if settings.signing_key.is_some() {
        return Err(KeyError::Given);
    }
    Directory::new(directory).rotate(&Schedule::new(settings))
}

fn key_set(keys: &[Key]) -> JwkSet {
    JwkSet { keys: keys.iter().map(|key| key.public.clone()).collect() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::TimeDelta;
    use tempfile::TempDir;

    use super::*;

    const PUBLICATION: i64 = 60;

    struct Home {
        directory: TempDir,
        settings: TokenSettings,
    }

    impl Home {
        fn new() -> Self {
            let settings = TokenSettings { key_publication_seconds: 60, ..TokenSettings::default() };
            Self { directory: tempfile::tempdir().expect("a directory"), settings }
        }

        fn open(&self) -> Keys {
            Keys::load_or_create(self.directory.path(), &self.settings).expect("keys")
        }

        fn rotate(&self) -> Result<(), KeyError> {
            rotate(self.directory.path(), &self.settings)
        }
    }

    fn ids(keys: &Keys) -> Vec<String> {
        keys.jwks().keys.into_iter().filter_map(|key| key.common.key_id).collect()
    }

    fn signing(keys: &Keys, now: DateTime<Utc>) -> String {
        keys.0.schedule.signing(&keys.current(), now).id.clone()
    }

    fn in_seconds(seconds: i64) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_new_key_is_published_at_once_and_signs_when_everyone_can_have_seen_it() {
        let home = Home::new();
        let keys = home.open();
        let old = ids(&keys).remove(0);
        assert_eq!(signing(&keys, Utc::now()), old, "a first key signs at once");

        home.rotate().expect("a rotation");
        keys.follow(Utc::now()).expect("keys");

        let [new, still_there] = ids(&keys).try_into().expect("two keys");
        assert_eq!(still_there, old);
        assert_eq!(signing(&keys, in_seconds(PUBLICATION - 5)), old);
        assert_eq!(signing(&keys, in_seconds(PUBLICATION + 5)), new);
        assert_eq!(signing(&home.open(), in_seconds(PUBLICATION + 5)), new, "also after a restart");
    }

    #[test]
    fn of_two_keys_of_one_millisecond_the_second_is_the_newer() {
        for _ in 0..8 {
            let home = Home::new();
            let keys = home.open();
            let old = ids(&keys).remove(0);
            let published = keys.current()[0].file.as_ref().expect("a file").published;

            home.rotate().expect("a rotation");
            keys.follow(published).expect("keys");

            assert_eq!(ids(&keys)[1..], [old]);
        }
    }

    #[test]
    fn a_key_that_was_added_while_identity_was_down_is_published_first() {
        let home = Home::new();
        let old = ids(&home.open()).remove(0);
        home.rotate().expect("a rotation");
        assert_eq!(ids(&Keys::load(home.directory.path(), &home.settings).expect("keys")), [old.as_str()]);

        assert_eq!(signing(&home.open(), Utc::now()), old);
    }

    #[test]
    fn an_old_key_goes_when_no_token_of_it_can_be_alive() {
        let home = Home::new();
        let keys = home.open();
        home.rotate().expect("a rotation");
        keys.follow(Utc::now()).expect("keys");
        let last_token_ends = PUBLICATION + i64::from(home.settings.access_token_seconds);

        keys.follow(in_seconds(last_token_ends + 5)).expect("keys");
        assert_eq!(ids(&keys).len(), 2, "clocks may differ");

        keys.follow(in_seconds(last_token_ends + 600)).expect("keys");
        keys.follow(in_seconds(last_token_ends + 600)).expect("keys");
        assert_eq!(ids(&keys).len(), 1);
        assert_eq!(ids(&keys), ids(&home.open()));
        home.rotate().expect("the next rotation");
    }

    #[test]
    fn there_are_two_keys_at_a_time() {
        let home = Home::new();
        assert!(matches!(home.rotate(), Err(KeyError::NoKeys { .. })));
        let keys = home.open();

        home.rotate().expect("a rotation");
        assert!(matches!(home.rotate(), Err(KeyError::Waiting)));
        keys.follow(Utc::now()).expect("keys");
        assert!(matches!(home.rotate(), Err(KeyError::UnderWay { .. })));

        assert_eq!(ids(&keys).len(), 2);
    }

    #[test]
    fn verifiers_in_the_same_process_follow() {
        let home = Home::new();
        let (keys, other) = (home.open(), Home::new().open());
        let verifier = keys.verifier();
        assert!(!verifier.has_key(&ids(&other)[0]));

        home.rotate().expect("a rotation");
        keys.follow(Utc::now()).expect("keys");

        assert!(ids(&keys).iter().all(|id| verifier.has_key(id)));
    }

    #[test]
    fn keys_that_cannot_be_read_any_more_stay_in_use() {
        let home = Home::new();
        let keys = home.open();
        let before = ids(&keys);

        fs::write(home.directory.path().join("broken.pem"), "nothing").expect("a file");
        assert!(matches!(keys.follow(Utc::now()), Err(KeyError::Malformed { .. })));
        fs::remove_dir_all(home.directory.path()).expect("a removal");
        assert!(keys.follow(Utc::now()).is_err());

        assert_eq!(ids(&keys), before);
    }

    #[test]
    fn a_given_key_takes_the_place_of_the_directory() {
        let (first, second) = (key::tests::pem(), key::tests::pem());
        let mut home = Home::new();
        home.settings.signing_key = Some(format!("{first}\n{second}"));

        let keys = home.open();

        assert_eq!(ids(&keys).len(), 2);
        assert_eq!(signing(&keys, Utc::now()), Key::all_of(&first).expect("a key")[0].id);
        assert!(!home.directory.path().join("lock").exists());
        assert!(matches!(home.rotate(), Err(KeyError::Given)));
        for faulty in ["", "nothing", &first[..40]] {
            home.settings.signing_key = Some(faulty.to_owned());
            assert!(Keys::load_or_create(home.directory.path(), &home.settings).is_err(), "{faulty}");
        }
    }
}
