//! `lyceum plan`: the costs of operations on a supergraph.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use router::{PlanCost, Planner};
use serde::Serialize;

use crate::terminal;

/// The settings of `lyceum plan`.
#[derive(Args)]
pub struct Settings {
    /// The supergraph to plan on.
    #[arg(long, value_name = "FILE")]
    supergraph: PathBuf,

    /// The files with the documents, one in each.
    #[arg(required = true)]
    operations: Vec<PathBuf>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Planned(PlanCost),
    Impossible { error: String },
}

/// Prints, for each file in order, its cost, or why the router would reject it.
pub fn run(settings: &Settings) -> Result<()> {
    let planner = Planner::new(&read(&settings.supergraph)?)
        .with_context(|| format!("cannot plan on {}", settings.supergraph.display()))?;
    let outcomes: Result<Vec<Outcome>> =
        settings.operations.iter().map(|file| Ok(plan(&planner, &read(file)?))).collect();
    terminal::line(serde_json::to_string_pretty(&outcomes?)?);
    Ok(())
}

fn plan(planner: &Planner, document: &str) -> Outcome {
    match planner.cost(document) {
        Ok(cost) => Outcome::Planned(cost),
        Err(error) => Outcome::Impossible { error: format!("{error:#}") },
    }
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
