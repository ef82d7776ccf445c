//! Servers that are not who they say, and are refused.

use std::path::Path;

use anyhow::{Result, ensure};
use tokio::process::Command;

use super::{
    certificates::{Authority, Certificate},
    databases::{Databases, present},
};

/// Has identity's database present certificates that are no good; returns which were refused.
pub async fn of_databases(databases: &Databases, authority: &Authority, program: &Path) -> Result<Vec<String>> {
    let stranger = Authority::new(authority.file().with_file_name("stranger"))?;
    let server = databases.server("identity");
    let url = format!("{}?sslmode=verify-full&sslrootcert={}", server.url(), authority.file().display());
    let cases: [(&str, Certificate); 2] =
        [("an expired certificate", authority.issue_expired()?), ("a stranger's certificate", stranger.issue()?)];
    let mut refused = Vec::new();
    for (what, certificate) in cases {
        present(server, "identity", &certificate).await?;
        let mut migrate = Command::new(program);
        migrate.args(["migrate", "identity"]).env("IDENTITY_DATABASE_URL", &url);
        let output = migrate.output().await?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(!output.status.success() && text.contains("certificate"), "{what} of a database is accepted: {text}");
        refused.push(format!("{what} of a database"));
    }
    Ok(refused)
}
