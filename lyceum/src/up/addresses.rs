//! The addresses of a running system, for people and for scripts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::Serialize;
use tempfile::NamedTempFile;

#[derive(Debug, Serialize)]
pub struct Addresses {
    pub router: String,
    pub jwks: Option<String>,
    pub metrics: Option<String>,
    pub subgraphs: BTreeMap<&'static str, String>,
    pub databases: BTreeMap<&'static str, String>,
    pub data: PathBuf,
}

impl Addresses {
    /// Writes the addresses to a file that only its owner can read: database URLs contain passwords.
    pub fn write(&self, file: &Path) -> Result<()> {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut partial =
            NamedTempFile::new_in(directory).with_context(|| format!("cannot write {}", file.display()))?;
        serde_json::to_writer_pretty(&mut partial, self)?;
        partial.persist(file).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(())
    }
}
