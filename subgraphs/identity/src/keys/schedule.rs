//! The schedule of the keys: it follows from their publication times alone, so that processes and restarts agree
//! without communicating.

use chrono::{DateTime, TimeDelta, Utc};

use super::{file::KeyFile, key::Key};
use crate::TokenSettings;

/// An allowance for clock skew between verifiers; the router allows a minute.
const GRACE: TimeDelta = TimeDelta::minutes(2);

pub struct Schedule {
    /// The time from a key's publication to its first use.
    publication: TimeDelta,
    /// The lifetime of an access token.
    pub lifetime: TimeDelta,
}

impl Schedule {
    pub fn new(settings: &TokenSettings) -> Self {
        Self {
            publication: TimeDelta::seconds(settings.key_publication_seconds.into()),
            lifetime: TimeDelta::seconds(settings.access_token_seconds.into()),
        }
    }

    /// Returns the newest key that all verifiers can have fetched; if all keys are too new, the oldest. Keys that were
    /// given as a setting have no time, and the first one signs.
    pub fn signing<'keys>(&self, keys: &'keys [Key], now: DateTime<Utc>) -> &'keys Key {
        let is_known = |key: &&Key| key.file.as_ref().is_none_or(|file| file.published + self.publication <= now);
        keys.iter().find(is_known).or(keys.last()).expect("there is a key")
    }

    /// Returns the files whose last token has expired. `files` are sorted newest first.
    pub fn expired<'files>(&self, files: &'files [KeyFile], now: DateTime<Utc>) -> &'files [KeyFile] {
        let newer = files.iter().position(|newer| self.predecessor_expires_at(newer) <= now);
        newer.map_or(&[], |newer| &files[newer + 1..])
    }

    /// The time at which the last token expires that was signed before this key.
    pub fn predecessor_expires_at(&self, file: &KeyFile) -> DateTime<Utc> {
        file.published + self.publication + self.lifetime + GRACE
    }
}
