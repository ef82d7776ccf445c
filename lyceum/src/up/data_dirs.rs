//! The data directories of `lyceum up`.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::PathBuf};

use anyhow::Result;
use embedded_postgres::resolve_data_dir;
use tempfile::TempDir;

use super::settings::Settings;

/// The directories of a system.
pub struct DataDirs {
    /// The directory of PostgreSQL's programs.
    pub programs: PathBuf,
    /// The directory of databases, keys and logs.
    pub data: PathBuf,
    _temporary: Option<TempDir>,
}

impl DataDirs {
    pub fn resolve(settings: &Settings) -> Result<Self> {
        let programs = resolve_data_dir(&settings.data_dir)?;
        let temporary = settings.temporary.then(temporary_directory).transpose()?;
        let data = temporary.as_ref().map_or_else(|| programs.clone(), |directory| directory.path().to_owned());
        Ok(Self { programs, data, _temporary: temporary })
    }
}

/// Accessible to the user that the databases run as under root.
fn temporary_directory() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("lyceum-").permissions(Permissions::from_mode(0o755)).tempdir()
}
