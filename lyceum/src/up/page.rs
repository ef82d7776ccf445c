//! Builds the playground's page, again when its sources have changed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::SystemTime,
};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::terminal::{Step, Steps};

/// The checkout that this program was built from, if it still exists.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web-playground");
/// Sources of the page outside its own folder.
const OTHER_SOURCES: [&str; 4] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/../operations"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../supergraph.graphql"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/permissions.json"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.json"),
];

/// Builds the page if necessary; returns its directory.
pub async fn build(steps: &Steps) -> Result<PathBuf> {
    let sources = Path::new(SOURCES);
    if !sources.join("package.json").is_file() {
        return Ok(PathBuf::from("web-playground/dist"));
    }
    let page = sources.join("dist");
    if is_stale(sources, &page) {
        steps.run("Playground built", |step| npm(sources, step)).await?;
    }
    Ok(page)
}

async fn npm(sources: &Path, step: Step) -> Result<()> {
    if is_newer(&sources.join("package-lock.json"), modified(&sources.join("node_modules/.package-lock.json"))) {
        step.at("npm ci");
        run_npm(sources, &["ci", "--no-audit", "--no-fund"]).await?;
    }
    step.at("npm run build");
    run_npm(sources, &["run", "build"]).await
}

async fn run_npm(sources: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new("npm")
        .args(arguments)
        .current_dir(sources)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context(
            "npm, which builds the playground, was not found: install Node.js 20.19 or newer (https://nodejs.org)",
        )?;
    ensure!(
        output.status.success(),
        "`npm {}` failed in {}:\n{}{}",
        arguments.join(" "),
        sources.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Ok(())
}

fn is_stale(sources: &Path, page: &Path) -> bool {
    let built = modified(&page.join("index.html"));
    let parts = [
        "src",
        "index.html",
        "package.json",
        "package-lock.json",
        "precompress.ts",
        "report-sizes.ts",
        "tsconfig.json",
        "vite.config.ts",
    ];
    parts.iter().any(|part| is_newer(&sources.join(part), built))
        || OTHER_SOURCES.iter().any(|source| is_newer(Path::new(source), built))
}

/// Whether a file, or any below a directory, was modified after `since`.
fn is_newer(path: &Path, since: Option<SystemTime>) -> bool {
    let Some(since) = since else { return true };
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    modified(path).is_some_and(|time| time > since)
        || entries.into_iter().any(|entry| is_newer(&entry.path(), Some(since)))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
