//! `cargo xtask generate`: the contracts that follow from the code.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::npm::Package;
use crate::workspace::{compile, root, subgraphs};
use crate::{process, terminal};

pub async fn run(check: bool) -> Result<()> {
    process::run(compile("build").args(["--bin", "lyceum", "--locked"])).await?;
    let mut stale = Vec::new();
    for name in subgraphs()? {
        let schema = export(&name).await?;
        stale.extend(renew(&PathBuf::from(format!("subgraphs/{name}/schema.graphql")), &schema, check)?);
    }
    // What is composed of a stale schema is stale, too: one report is enough.
    if stale.is_empty() || !check {
        stale.extend(compose(check).await?);
    }
    if stale.is_empty() || !check {
        stale.extend(permissions(check).await?);
        stale.extend(manifest(check).await?);
    }
    stale.extend(errors(check)?);
    ensure!(!check || stale.is_empty(), "run `cargo xtask generate` and commit: {}", stale.join(", "));
    Ok(())
}

async fn export(name: &str) -> Result<Vec<u8>> {
    let mut command = compile("run");
    command.args(["--quiet", "--bin", "lyceum", "--locked", "--", "sdl", name]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "`lyceum sdl {name}` failed ({})", output.status);
    ensure!(!output.stdout.is_empty(), "`lyceum sdl {name}` printed nothing");
    Ok(output.stdout)
}

async fn compose(check: bool) -> Result<Vec<String>> {
    let package = Package::schema_check();
    package.install().await?;
    let fresh = tempfile::tempdir()?;
    let [supergraph, api] = ["supergraph.graphql", "api.graphql"].map(|name| fresh.path().join(name));
    let mut command = package.program("bin/lyceum-schema.js")?;
    command.args(["compose", "--config", "supergraph.yaml"]);
    command.arg("--out").arg(&supergraph).arg("--api-out").arg(&api);
    terminal::step("lyceum-schema compose");
    process::run_quietly(&mut command, "the composition").await?;
    terminal::step("lyceum-schema cross-check");
    let mut cross_check = package.program("bin/lyceum-schema.js")?;
    cross_check.args(["cross-check", "--config", "supergraph.yaml"]);
    process::run_quietly(&mut cross_check, "the second composer").await?;
    let mut stale = Vec::new();
    for path in [&supergraph, &api] {
        ensure!(path.is_file(), "the composition did not write {}", path.display());
    }
    // The supergraphs of the contracts are beside that of the whole graph.
    for entry in std::fs::read_dir(fresh.path())? {
        let entry = entry?;
        stale.extend(renew(Path::new(&entry.file_name()), &std::fs::read(entry.path())?, check)?);
    }
    Ok(stale)
}

/// The page of who may see what; it fails where a field has no row.
async fn permissions(check: bool) -> Result<Option<String>> {
    let fresh = tempfile::NamedTempFile::new()?;
    let mut command = Package::schema_check().program("bin/lyceum-schema.js")?;
    command.args(["permissions", "--config", "supergraph.yaml", "--schema", "api.graphql"]);
    command.args(["--data", "docs/permissions.json", "--out"]).arg(fresh.path());
    terminal::step("lyceum-schema permissions");
    process::run_quietly(&mut command, "the table of permissions").await?;
    renew(Path::new("docs/permissions.md"), &std::fs::read(fresh.path())?, check)
}

/// The documents that `lyceum up --safelist` serves.
async fn manifest(check: bool) -> Result<Option<String>> {
    let fresh = tempfile::NamedTempFile::new()?;
    let mut command = Package::schema_check().program("bin/lyceum-schema.js")?;
    command.args(["manifest", "--operations", "operations", "--out"]).arg(fresh.path());
    terminal::step("lyceum-schema manifest");
    process::run_quietly(&mut command, "the manifest of operations").await?;
    renew(Path::new("operations/manifest.json"), &std::fs::read(fresh.path())?, check)
}

/// The page of error codes.
fn errors(check: bool) -> Result<Option<String>> {
    let file = root().join("docs/errors.json");
    let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let codes: Vec<ErrorCode> = serde_json::from_slice(&text).context("docs/errors.json is malformed")?;
    let sections =
        codes.iter().map(|ErrorCode { code, meaning, todo }| format!("\n## {code}\n\n{meaning}\n\n{todo}\n"));
    let page = format!("{ERRORS_PAGE_HEADER}{}", sections.collect::<String>());
    renew(Path::new("docs/errors.md"), page.as_bytes(), check)
}

/// A row of `docs/errors.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorCode {
    code: String,
    meaning: String,
    todo: String,
}

const ERRORS_PAGE_HEADER: &str = "\
<!-- Generated from errors.json by `cargo xtask generate`; do not edit. -->

# What an error means

Every error has a code in `extensions.code`; go by it, not by the message. `path` says which part of
the answer is null because of it. In development `extensions.service` also names the subgraph that it
comes from. What a person can put right (a wrong password, a course bought already) is no error:
it is data, in `userErrors`, with the codes of `UserErrorCode`.
";

/// Writes `text` to the file, or says that it should be.
fn renew(file: &Path, text: &[u8], check: bool) -> Result<Option<String>> {
    let path = root().join(file);
    if std::fs::read(&path).ok().as_deref() == Some(text) {
        terminal::success(&format!("{} is up to date", file.display()));
        return Ok(None);
    }
    if !check {
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        terminal::success(&format!("{} updated", file.display()));
    }
    Ok(Some(file.display().to_string()))
}
