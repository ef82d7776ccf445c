//! Builds the playground's page and the storefront, again when their sources have changed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::SystemTime,
};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use super::Settings;
use crate::terminal::{Step, Steps};

/// The checkout that this program was built from, if it still exists.
const CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const PLAYGROUND: Project = Project {
    done: "Playground built",
    folder: "web-playground",
    other_sources: &["operations", "supergraph.graphql", "docs/permissions.json", "docs/errors.json"],
};
const STOREFRONT: Project = Project { done: "Storefront built", folder: "examples/storefront", other_sources: &[] };

/// The directories of the pages that the router serves.
pub struct Pages {
    pub playground: Option<PathBuf>,
    pub storefront: Option<PathBuf>,
}

/// A web page that npm builds.
struct Project {
    /// What is said when it is built.
    done: &'static str,
    folder: &'static str,
    /// Sources outside its folder.
    other_sources: &'static [&'static str],
}

/// Builds the pages if necessary. With a safelist there is no storefront: it sends documents of its own. With a contract
/// there is no playground: it shows the whole graph.
pub async fn build(settings: &Settings, steps: &Steps) -> Result<Pages> {
    let playground = match settings.contract {
        Some(_) => None,
        None => Some(PLAYGROUND.build(steps).await?),
    };
    if settings.safelist.is_some() {
        return Ok(Pages { playground, storefront: None });
    }
    let storefront = STOREFRONT.build(steps).await?;
    let storefront = storefront.join("index.html").is_file().then_some(storefront);
    Ok(Pages { playground, storefront })
}

impl Project {
    /// Builds the page if necessary; returns its directory.
    async fn build(&self, steps: &Steps) -> Result<PathBuf> {
        let sources = Path::new(CHECKOUT).join(self.folder);
        if !sources.join("package.json").is_file() {
            return Ok(Path::new(self.folder).join("dist"));
        }
        let page = sources.join("dist");
        if self.is_stale(&sources, &page) {
            steps.run(self.done, |step| npm(&sources, step)).await?;
        }
        Ok(page)
    }

    fn is_stale(&self, sources: &Path, page: &Path) -> bool {
        let built = modified(&page.join("index.html"));
        let parts = [
            "src",
            "public",
            "index.html",
            "package.json",
            "package-lock.json",
            "precompress.ts",
            "report-sizes.ts",
            "tsconfig.json",
            "vite.config.ts",
        ];
        parts.iter().any(|part| is_newer(&sources.join(part), built))
            || self.other_sources.iter().any(|source| is_newer(&Path::new(CHECKOUT).join(source), built))
    }
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
            "npm, which builds the web pages, was not found: install Node.js 20.19 or newer (https://nodejs.org)",
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
