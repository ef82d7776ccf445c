//! `lyceum admin doctor`: looks at a system, changes nothing, and says what is wrong with it and what to do.

mod database;
mod events;
mod report;
mod rows;
mod secrets;
mod settings;

use anyhow::{Result, ensure};
use console::style;
use futures::future::join_all;

pub use self::settings::Settings;
use self::{
    report::{Finding, Level, Report},
    settings::Format,
};
use crate::{subgraphs::ALL, terminal::line};

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
