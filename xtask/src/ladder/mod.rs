//! `cargo xtask ladder`: the same suite on ever larger systems, with real engines.

mod certificates;
mod changes;
mod databases;
mod engine;
mod haproxy;
mod nats;
mod pgbouncer;
mod refusals;
mod rung;
mod service;
mod suite;
mod system;
mod table;
mod valkey;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use self::{
    rung::Rung,
    suite::{Part, Plan, Visitors},
    system::{Settings, System},
    table::Row,
};
use crate::{
    debian,
    npm::{self, Package},
    process, terminal,
    workspace::{compile, root},
};

/// The default budget of a user, in milliseconds of work within a minute.
const COST_BUDGET: u32 = 60_000;

/// Which rungs, and how much is asked on each.
#[derive(Args)]
pub struct Options {
    /// Climb only this rung: 1, 2, 3, 4, 5, 7 or 8. Repeatable. Default: all of them.
    #[arg(long, value_name = "NUMBER")]
    rung: Vec<u8>,

    /// The number of seconds for which students buy on each rung, at least: until all changes are made.
    #[arg(long, default_value_t = 30)]
    seconds: u64,

    /// The number of seconds for which random operations are compared with the reference; 0: not at all.
    #[arg(long, default_value_t = 60)]
    truth_seconds: u64,

    /// The path of another `lyceum` to run instead.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// The path of an earlier version's `lyceum`. All processes are rolled back to it under load, and forward again.
    #[arg(long, value_name = "FILE")]
    former: Option<PathBuf>,

    /// The size of the sample data; 1 is 100,000 courses.
    #[arg(long, default_value_t = 0.01)]
    seed_scale: f64,

    /// Print the results as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(options: &Options) -> Result<()> {
    let rungs = choose(&options.rung)?;
    let program = program(options).await?;
    install(&rungs, options).await?;
    let against_pooler = pgbouncer::reason_against();
    let settings = Settings {
        program,
        seed_scale: options.seed_scale.to_string(),
        cost_budget: COST_BUDGET,
        pooler_is_usable: against_pooler.is_none(),
    };
    let mut rows = Vec::new();
    for rung in rungs {
        if let (Rung::Pooler, Some(reason)) = (rung, &against_pooler) {
            terminal::note(&format!("rung 5 is left out: {reason}"));
            continue;
        }
        rows.push(climb(rung, options, &settings).await);
    }
    print(&rows, options.json)?;
    let failed: Vec<_> = rows.iter().filter(|row| !row.passed).map(|row| row.rung.to_string()).collect();
    if !failed.is_empty() {
        bail!("not climbed: rung {}", failed.join(", "));
    }
    Ok(())
}

fn choose(numbers: &[u8]) -> Result<Vec<Rung>> {
    if numbers.is_empty() {
        return Ok(Rung::ALL.into());
    }
    let find = |number: &u8| Rung::ALL.into_iter().find(|rung| rung.number() == *number);
    numbers.iter().map(|number| find(number).with_context(|| format!("there is no rung {number}"))).collect()
}

async fn program(options: &Options) -> Result<PathBuf> {
    if let Some(program) = &options.program {
        return Ok(root().join(program));
    }
    npm::build_pages().await?;
    process::run(compile("build").args(["--bin", "lyceum", "--locked"])).await?;
    let beside = std::env::current_exe()?.with_file_name("lyceum");
    Ok(beside)
}

async fn install(rungs: &[Rung], options: &Options) -> Result<()> {
    let features: Vec<_> = rungs.iter().map(|rung| rung.features(false)).collect();
    if features.iter().any(|features| features.replicas) {
        debian::ensure_haproxy().await?;
    }
    if features.iter().any(|features| features.nats > 0) {
        debian::ensure_nats().await?;
    }
    if rungs.contains(&Rung::Pooler) {
        debian::ensure_pgbouncer().await?;
    }
    if features.iter().any(|features| features.valkey) {
        debian::ensure_redis().await?;
    }
    if options.truth_seconds > 0 {
        Package::truth().install().await?;
    }
    Ok(())
}

/// What is found on a rung; an error ends it, and is one of its results.
async fn climb(rung: Rung, options: &Options, settings: &Settings) -> Row {
    terminal::step(&format!("rung {}: {}", rung.number(), rung.name()));
    let (mut row, start) = (Row::new(rung), Instant::now());
    if let Err(error) = try_climb(rung, options, settings, &mut row).await {
        record(&mut row, Part { name: "the rung", outcome: Err(error) });
    }
    row.seconds = start.elapsed().as_secs_f64();
    row.evaluate();
    terminal::note(&format!("rung {} took {:.0} s", row.rung, row.seconds));
    row
}

async fn try_climb(rung: Rung, options: &Options, settings: &Settings, row: &mut Row) -> Result<()> {
    let mut system = System::start(rung, settings).await?;
    let climbed = use_system(rung, options, settings, &mut system, row).await;
    row.peak_memory = system.peak_memory();
    let stopped = system.stop().await;
    climbed.and(stopped)
}

async fn use_system(
    rung: Rung,
    options: &Options,
    settings: &Settings,
    system: &mut System,
    row: &mut Row,
) -> Result<()> {
    let authority = system.authority.as_ref();
    let visitors = Visitors::new(&system.url, authority.map(|authority| &*authority.certificate))?;
    let features = rung.features(settings.pooler_is_usable);
    let plan = Plan {
        load: Duration::from_secs(options.seconds),
        // It asks more than any budget allows.
        truth_seconds: if features.valkey { 0 } else { options.truth_seconds },
        identities: if features.replicas { 2 } else { 1 },
        authority: authority.map(certificates::Authority::file),
        databases: system.databases.clone(),
    };
    if features.processes {
        add_admin(&visitors, system, settings).await?;
    }
    if !system.refused.is_empty() {
        record(row, Part { name: "refused", outcome: Ok(system.refused.join(", ")) });
    }

    let url = system.url.clone();
    let change = changes::apply(rung, system, &settings.program, options.former.as_deref());
    let (loaded, parts) = suite::load(&visitors, &plan, change).await?;
    row.requests = loaded.requests;
    row.failed = loaded.failed;
    row.failures = loaded.failures;
    row.unavailable_seconds = loaded.unavailable.as_secs_f64();
    row.purchases = loaded.account.purchases;
    row.lost = loaded.account.lost;
    row.doubled = loaded.account.doubled;
    row.failures.iter().for_each(|failure| terminal::note(failure));
    for part in parts {
        record(row, part);
    }

    suite::check(&visitors, &plan, &url, |part| record(row, part)).await;
    if features.valkey {
        let outcome = suite::budgets::run(&visitors, settings.cost_budget).await;
        record(row, Part { name: "budgets", outcome });
    }
    if features.processes {
        let (connections, outcome) = system.ask_doctor(settings).await?;
        row.connections = connections;
        record(row, Part { name: "doctor", outcome });
    }
    Ok(())
}

/// The sample admin, whom only `lyceum up` adds by itself.
async fn add_admin(visitors: &Visitors, system: &System, settings: &Settings) -> Result<()> {
    visitors.register(suite::operations::ADMIN).await?;
    let mut command = system.command(settings);
    command.args(["admin", "grant", suite::operations::ADMIN]).stdout(std::process::Stdio::null());
    process::run_quietly(&mut command, "lyceum admin grant").await
}

/// Adds what came of a part of the suite, and tells whoever waits.
fn record(row: &mut Row, part: Part) {
    match &part.outcome {
        Ok(detail) => terminal::success(&format!("{}: {detail}", part.name)),
        Err(error) => terminal::failure(&anyhow::anyhow!("{}: {error:#}", part.name)),
    }
    row.add(part);
}

#[expect(clippy::print_stdout, reason = "meant for people and for other programs")]
fn print(rows: &[Row], as_json: bool) -> Result<()> {
    if as_json {
        println!("{}", serde_json::to_string_pretty(rows)?);
    } else {
        println!("\n{}", table::markdown(rows));
    }
    Ok(())
}
