//! Which key signs when: it follows from the times of publication alone, so that processes and
//! restarts agree without telling each other.

use chrono::{DateTime, TimeDelta, Utc};

use super::{file::KeyFile, key::Key};
use crate::TokenSettings;

/// The clocks of those who verify differ a little; the router allows a minute.
const GRACE: TimeDelta = TimeDelta::minutes(2);

pub struct Schedule {
    /// From a key's publication to its first use.
    publication: TimeDelta,
    /// Of an access token.
    pub lifetime: TimeDelta,
}

impl Schedule {
    pub fn new(settings: &TokenSettings) -> Self {
        Self {
            publication: TimeDelta::seconds(settings.key_publication_seconds.into()),
            lifetime: TimeDelta::seconds(settings.access_token_seconds.into()),
        }
    }

    /// The newest key that everyone can have seen; of keys that are all too new, the oldest. Keys
    /// that were given have no time, and the first one signs.
    pub fn signing<'keys>(&self, keys: &'keys [Key], now: DateTime<Utc>) -> &'keys Key {
        let is_known = |key: &&Key| key.file.as_ref().is_none_or(|file| file.published + self.publication <= now);
        keys.iter().find(is_known).or(keys.last()).expect("there is a key")
    }

    /// Of files, the newest first, those whose last token has ended.
    pub fn expired<'files>(&self, files: &'files [KeyFile], now: DateTime<Utc>) -> &'files [KeyFile] {
        let newer = files.iter().position(|newer| self.predecessor_expires_at(newer) <= now);
        newer.map_or(&[], |newer| &files[newer + 1..])
    }

    /// When the last token has ended that was signed before this key.
    pub fn predecessor_expires_at(&self, file: &KeyFile) -> DateTime<Utc> {
        file.published + self.publication + self.lifetime + GRACE
    }
}
