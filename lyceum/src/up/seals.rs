//! The secret with which the subgraphs of one process seal values and sign receipts. It outlives the process: what was signed
//! before a restart may arrive after it.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, Result};
use auth::{
    seal::{SealKeys, SealSettings},
    signature::Secret,
};

const FILE: &str = "seal-secret";

/// The keys of the data directory, which are created if there are none.
pub fn open(data: &Path) -> Result<SealKeys> {
    let file = data.join(FILE);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
        Ok(mut created) => created.write_all(Secret::random().reveal().as_bytes()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
    .with_context(|| format!("cannot write {}", file.display()))?;
    let settings = SealSettings { seal_secret_file: Some(file), ..SealSettings::default() };
    Ok(settings.keys(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), false)?)
}

#[cfg(test)]
mod tests {
    use contracts::{CourseId, UserId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn seals_are_valid_after_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let value =
            auth::seal::SealedValue::CourseTeacher { course: CourseId(Uuid::nil()), teacher: UserId(Uuid::nil()) };
        let seal = open(directory.path()).expect("a secret").seal(value);

        assert!(open(directory.path()).expect("the same secret").verify(value, &seal));
    }
}
