//! `lyceum admin doctor`: looks at a system, changes nothing, and says what is wrong with it and what to do.

mod database;
mod events;
mod report;
mod rows;
mod secrets;

use anyhow::{Result, ensure};
use auth::{seal::SealSettings, signature::SecretSettings};
use clap::{Args, ValueEnum};
use console::style;
use db::database::DatabaseSettings;
use futures::future::join_all;

use self::report::{Finding, Level, Report};
use super::data_dir::{DataDirArg, DatabaseAccess, KeySettings};
use crate::{
    subgraphs::{ALL, DatabaseUrls, DirectUrls},
    terminal::line,
};

/// The settings of `lyceum admin doctor`: those of the processes, to be given to it, too.
#[derive(Args)]
pub struct Settings {
    /// The format of the findings: `text` has a line each, `json` is an array of objects, for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Defaults to the databases of the `lyceum up` that is running on the data directory.
    #[command(flatten)]
    urls: DatabaseUrls,

    #[command(flatten)]
    direct_urls: DirectUrls,

    #[command(flatten)]
    database: DatabaseSettings,

    #[command(flatten)]
    data_dir: DataDirArg,

    #[command(flatten)]
    keys: KeySettings,

    /// The URL at which identity publishes the public keys of access tokens, to be compared with the signing keys.
    #[arg(long, env = "LYCEUM_JWKS_URL", hide_env_values = true, value_name = "URL")]
    jwks_url: Option<String>,

    #[command(flatten)]
    secret: SecretSettings,

    #[command(flatten)]
    seal: SealSettings,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Prints what was found. Fails if something is wrong.
pub async fn run(settings: &Settings) -> Result<()> {
    let mut reports = join_all(ALL.map(|subgraph| database::examine(subgraph, settings))).await;
    reports.push(secrets::examine(settings).await);
    let findings: Vec<_> = reports.into_iter().flat_map(Report::into_findings).collect();
    match settings.format {
        Format::Text => findings.iter().for_each(show),
        Format::Json => line(serde_json::to_string_pretty(&findings)?),
    }
    let problems = findings.iter().filter(|finding| finding.level == Level::Problem).count();
    ensure!(problems == 0, "there is something to do: problems: {problems}");
    Ok(())
}

impl Settings {
    /// Whether the system is a `lyceum up` on this machine.
    fn is_up(&self) -> bool {
        self.urls.is_none()
    }

    fn access(&self) -> DatabaseAccess {
        DatabaseAccess { data_dir: self.data_dir.clone(), connections: self.database.connections }
    }
}

fn show(finding: &Finding) {
    let Finding { level, subject, check, message, advice } = finding;
    let level = match level {
        Level::Ok => style("ok     ").green(),
        Level::Warning => style("warning").yellow(),
        Level::Problem => style("problem").red().bold(),
    };
    let advice = advice.as_ref().map_or(String::new(), |advice| format!("; {advice}"));
    line(format_args!("{level} {subject:<12} {check:<15} {message}{advice}"));
}
