//! The TypeScript parts: packages, build, scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::workspace::{find_program, root};
use crate::{files, process, terminal};

/// A folder with a `package.json`.
pub struct Package {
    directory: PathBuf,
}

/// What the registry knows against the locked packages.
#[derive(Debug, PartialEq, Eq)]
pub enum Audit {
    /// The advisories that are high or critical, a line each.
    Serious(Vec<String>),
    /// It does not answer, or not this question, for this reason.
    Unavailable(String),
}

impl Package {
    pub fn all() -> Vec<Self> {
        let tools = [Self::schema_check(), Self::truth(), Self::test_clients(), Self::gateways()];
        tools.into_iter().chain([Self::web_playground(), Self::storefront()]).chain(Self::clients()).collect()
    }

    pub fn schema_check() -> Self {
        Self { directory: root().join("schema-check") }
    }

    pub fn web_playground() -> Self {
        Self { directory: root().join("web-playground") }
    }

    /// What `cargo xtask truth` compares the system with.
    pub fn truth() -> Self {
        Self { directory: root().join("truth") }
    }

    /// A web front end, as an example.
    pub fn storefront() -> Self {
        Self { directory: root().join("examples/storefront") }
    }

    /// The clients that the tests of live updates use.
    pub fn test_clients() -> Self {
        Self { directory: root().join("clients/protocols") }
    }

    /// The projects with the usual clients, which `clients/run.mjs` builds and runs.
    pub fn clients() -> [Self; 4] {
        ["apollo", "urql", "relay", "graphql-request"].map(|name| Self { directory: root().join("clients").join(name) })
    }

    /// The gateways that `cargo xtask bench --gateways` measures beside ours.
    pub fn gateways() -> Self {
        Self { directory: root().join("bench/gateways") }
    }

    /// Installs exactly the locked packages, unless they are there.
    pub async fn install(&self) -> Result<()> {
        let installed = self.directory.join("node_modules/.package-lock.json");
        if files::is_stale(&installed, &[self.directory.join("package-lock.json")]) {
            process::run(self.npm()?.args(["ci", "--no-audit", "--no-fund"])).await?;
        }
        Ok(())
    }

    /// Asks the registry for advisories of all that is locked, also of what only development needs.
    pub async fn audit(&self) -> Result<Audit> {
        let mut command = self.npm()?;
        command.args(["audit", "--package-lock-only", "--json"]);
        terminal::step(&process::describe(&command));
        let output = command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).output().await?;
        read_audit(&output.stdout)
    }

    /// Runs one of the scripts in `package.json`, if it has that one.
    pub async fn script(&self, name: &str) -> Result<()> {
        process::run(self.npm()?.args(["run", "--silent", name])).await
    }

    /// Runs its tests.
    pub async fn test(&self) -> Result<()> {
        process::run_tests(self.npm()?.args(["run", "--silent", "test"])).await
    }

    /// Builds into `dist`, unless that is newer than all it is made of.
    pub async fn build(&self) -> Result<()> {
        let others = ["operations", "supergraph.graphql", "docs/permissions.json", "docs/errors.json"];
        let sources = [vec![self.directory.clone()], others.map(|other| root().join(other)).to_vec()].concat();
        if files::is_stale(&self.directory.join("dist/index.html"), &sources) {
            self.script("build").await?;
        }
        Ok(())
    }

    /// One of the programs that the packages bring.
    pub fn program(&self, path: &str) -> Result<Command> {
        let mut command = node("node")?;
        command.arg(self.directory.join(path)).current_dir(root());
        Ok(command)
    }

    fn npm(&self) -> Result<Command> {
        let mut command = node("npm")?;
        command.current_dir(&self.directory);
        Ok(command)
    }
}

/// Builds the pages that `lyceum up` serves, which it would otherwise do while others wait for it.
pub async fn build_pages() -> Result<()> {
    for page in [Package::web_playground(), Package::storefront()] {
        page.install().await?;
        page.build().await?;
    }
    Ok(())
}

fn node(name: &str) -> Result<Command> {
    match find_program(name) {
        Some(program) => Ok(Command::new(program)),
        None => bail!("`{name}` was not found: install Node.js 20.19 or newer (https://nodejs.org)"),
    }
}

/// What `npm audit --json` prints: vulnerabilities, or why it knows none.
#[derive(Deserialize)]
struct AuditOutput {
    vulnerabilities: Option<BTreeMap<String, Vulnerability>>,
    /// The registry's refusal, or the connection's failure.
    message: Option<String>,
    error: Option<AuditError>,
}

#[derive(Deserialize)]
struct Vulnerability {
    via: Vec<Cause>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Cause {
    Advisory(Advisory),
    /// Another package of the report, which this one depends on.
    Package(#[expect(dead_code, reason = "its advisories are listed at the package itself")] String),
}

#[derive(Deserialize)]
struct Advisory {
    severity: String,
    title: String,
    url: String,
}

#[derive(Deserialize)]
struct AuditError {
    summary: String,
}

fn read_audit(output: &[u8]) -> Result<Audit> {
    let output: AuditOutput = serde_json::from_slice(output).context("`npm audit` did not print JSON")?;
    if let Some(vulnerabilities) = output.vulnerabilities {
        return Ok(Audit::Serious(serious(&vulnerabilities)));
    }
    match (output.message, output.error) {
        (Some(reason), _) => Ok(Audit::Unavailable(reason)),
        (None, Some(error)) => bail!("`npm audit` failed: {}", error.summary),
        (None, None) => bail!("`npm audit` printed neither a report nor an error"),
    }
}

fn serious(vulnerabilities: &BTreeMap<String, Vulnerability>) -> Vec<String> {
    let causes = vulnerabilities.iter().flat_map(|(name, found)| found.via.iter().map(move |cause| (name, cause)));
    let lines: BTreeSet<String> = causes
        .filter_map(|(name, cause)| match cause {
            Cause::Advisory(Advisory { severity, title, url }) if ["high", "critical"].contains(&severity.as_str()) => {
                Some(format!("{name}: {severity}: {title} ({url})"))
            }
            Cause::Advisory(_) | Cause::Package(_) => None,
        })
        .collect();
    lines.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn audit(output: &Value) -> Result<Audit> {
        read_audit(output.to_string().as_bytes())
    }

    fn advisory(severity: &str) -> Value {
        json!({ "source": 1, "title": "Reads too much", "url": "https://example.org/1", "severity": severity, "range": "*" })
    }

    #[test]
    fn high_and_critical_advisories_are_serious_others_are_not() {
        for (severity, is_serious) in
            [("info", false), ("low", false), ("moderate", false), ("high", true), ("critical", true)]
        {
            let report = json!({
                "auditReportVersion": 2,
                "vulnerabilities": { "reader": { "severity": severity, "via": [advisory(severity)] } },
            });

            let expected = format!("reader: {severity}: Reads too much (https://example.org/1)");
            let expected = if is_serious { vec![expected] } else { vec![] };
            assert_eq!(audit(&report).expect("a report"), Audit::Serious(expected));
        }
    }

    #[test]
    fn an_advisory_counts_once_whatever_depends_on_its_package() {
        let report = json!({ "vulnerabilities": {
            "app": { "severity": "high", "via": ["library", "reader"] },
            "library": { "severity": "high", "via": ["reader"] },
            "reader": { "severity": "high", "via": [advisory("high"), advisory("moderate")] },
        } });

        let Audit::Serious(found) = audit(&report).expect("a report") else { panic!("there is a report") };

        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn nothing_is_known_against_the_packages() {
        let report = json!({ "auditReportVersion": 2, "vulnerabilities": {}, "metadata": {} });

        assert_eq!(audit(&report).expect("a report"), Audit::Serious(vec![]));
    }

    #[test]
    fn a_registry_without_advisories_or_a_network_that_is_down_is_no_failure() {
        for reason in [
            "405 Method Not Allowed - POST https://registry.example/-/npm/v1/security/advisories/bulk",
            "404 Not Found - POST https://registry.example/-/npm/v1/security/advisories/bulk",
            "request to https://registry.example failed, reason: connect ECONNREFUSED 127.0.0.1:9",
        ] {
            let refusal = json!({ "message": reason, "error": { "summary": "", "detail": "" } });

            assert_eq!(audit(&refusal).expect("an answer"), Audit::Unavailable(reason.to_owned()));
        }
    }

    #[test]
    fn a_package_that_npm_cannot_audit_is_a_failure() {
        let broken =
            json!({ "error": { "code": "ENOLOCK", "summary": "This command requires an existing lockfile." } });

        let error = audit(&broken).expect_err("nothing is locked");
        assert!(error.to_string().contains("existing lockfile"), "{error}");
        assert!(read_audit(b"npm error").is_err());
        assert!(audit(&json!({})).is_err());
    }
}
