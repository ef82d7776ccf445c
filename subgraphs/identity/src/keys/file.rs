//! A published key's file, `<time>.<key id>.pem`, with the time of its publication. A `.pem` of any other name was
//! added by hand, and counts as published when it was last modified.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, NaiveDateTime, Utc};

/// To the millisecond, so that it is clear which of two keys is newer.
const TIME: &str = "%Y%m%dT%H%M%S%3fZ";

/// A published key's file. The newer is the greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyFile {
    pub published: DateTime<Utc>,
    pub path: PathBuf,
}

impl KeyFile {
    pub const EXTENSION: &str = "pem";

    pub fn at(path: PathBuf) -> io::Result<Self> {
        let published = match time_in_name(&path) {
            Some(time) => time,
            None => fs::metadata(&path)?.modified()?.into(),
        };
        Ok(Self { published, path })
    }

    /// Formats the file's name.
    pub fn name(key_id: &str, published: DateTime<Utc>) -> String {
        format!("{}.{key_id}.{}", published.format(TIME), Self::EXTENSION)
    }
}

fn time_in_name(path: &Path) -> Option<DateTime<Utc>> {
    let (time, _) = path.file_stem()?.to_str()?.split_once('.')?;
    NaiveDateTime::parse_from_str(time, TIME).ok().map(|time| time.and_utc())
}
