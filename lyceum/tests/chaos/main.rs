//! The whole system as separate processes, under students who buy and enroll, while its processes are
//! killed (`kill -9`), die at chosen steps, and lose their connections. Afterwards everything has to add
//! up. `cargo xtask chaos` runs it for long; `cargo xtask test` in a short form.
//!
//! Beside that, in the same cluster: databases that are away ([`outages`]), and processes that are replaced
//! ([`restarts`]; `cargo xtask restarts` for long).

mod cluster;
mod faults;
mod invariants;
mod network;
mod outages;
mod processes;
mod restarts;
mod students;

use std::{
    env,
    error::Error,
    process::ExitCode,
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    cluster::Cluster,
    faults::{FaultCounts, FaultInjector},
    students::Students,
};

/// How long everything may take to add up, once all processes are left alone.
const SETTLE_WITHIN: Duration = Duration::from_mins(1);

/// Kills and cuts of the short form.
const FEW: usize = 24;

/// From so many on, each kind of faults must have come.
const MANY: usize = 400;

struct Plan {
    bus: &'static str,
    /// Kills, deaths at chosen steps, and cuts of connections, in all.
    faults: usize,
    students: usize,
    courses: usize,
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    // As one of many test programs it is given their filter, and asked for its tests.
    let mut arguments = env::args().skip(1);
    if arguments.any(|argument| argument == "--list" || (!argument.starts_with('-') && !"chaos".contains(&*argument))) {
        return ExitCode::SUCCESS;
    }
    match run_all().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("chaos: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run_all() -> Result<()> {
    let wanted = env::var("LYCEUM_CHAOS_SCENARIO").ok();
    let is_wanted = |scenario| wanted.as_deref().is_none_or(|wanted| wanted == scenario);
    if is_wanted("outages") {
        outages::run(if wanted.is_some() { &outages::ALL } else { &outages::FEW }).await?;
    }
    if is_wanted("restarts") {
        restarts::run(number("LYCEUM_CHAOS_RATE", 25)?, number("LYCEUM_CHAOS_ROUNDS", 1)?).await?;
    }
    if is_wanted("faults") {
        run_faults().await?;
    }
    Ok(())
}

/// What a variable says, or the short form's.
fn number<T: FromStr<Err: Error + Send + Sync + 'static>>(variable: &str, short: T) -> Result<T> {
    env::var(variable).map_or(Ok(short), |number| Ok(number.parse()?))
}

async fn run_faults() -> Result<()> {
    let (faults, seed) = (number("LYCEUM_CHAOS_FAULTS", FEW)?, number("LYCEUM_CHAOS_SEED", 1)?);
    let wanted = env::var("LYCEUM_CHAOS_EVENT_BUS").ok();
    for bus in ["local", "nats"] {
        if wanted.as_deref().is_none_or(|wanted| wanted == bus) {
            // More than anybody can buy meanwhile.
            let plan = Plan { bus, faults, students: 20, courses: 30 + 2 * faults, seed };
            run(&plan).await?;
        }
    }
    Ok(())
}

async fn run(plan: &Plan) -> Result<()> {
    say(format!("chaos: bus {}, {} faults, {} students, seed {}", plan.bus, plan.faults, plan.students, plan.seed));
    let cluster = Cluster::start(plan.bus, 1).await?;
    let students = Students::gather(&cluster, plan).await?;

    let mut injector = FaultInjector::new(&cluster, plan, StdRng::seed_from_u64(plan.seed));
    let progress = progress(plan.faults, "faults");
    let mut buying = students.buy();
    let injecting = async {
        while injector.inject_next().await {
            progress.inc(1);
            progress.set_message(students.tally());
        }
    };
    tokio::select! {
        () = injecting => {}
        error = buying.interruption() => return Err(error),
    }
    progress.finish_and_clear();
    let fault_counts = injector.finish();
    cluster.wait_until_ready().await?;

    let started = Instant::now();
    let ledger = buying.finish().await?;
    let differences = invariants::wait_until_settled(&cluster, &ledger, started + SETTLE_WITHIN).await?;
    let took = started.elapsed();
    report(plan, &fault_counts, &invariants::counts(&cluster, &ledger).await?, took);
    ensure!(differences.is_empty(), "after {took:?} not everything adds up:\n  {}", differences.join("\n  "));
    cluster.reconcile().await?;
    if plan.faults >= MANY {
        fault_counts.ensure_enough()?;
    }
    cluster.stop().await
}

fn progress(length: usize, of: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template(&format!("{{elapsed_precise}} {{wide_bar}} {{pos}}/{{len}} {of}; {{msg}}"));
    ProgressBar::new(length as u64).with_style(style.expect("a template"))
}

fn report(plan: &Plan, fault_counts: &FaultCounts, counts: &[(String, i64)], took: Duration) {
    say(format!("chaos: bus {}: everything was quiet {took:.1?} after the last fault", plan.bus));
    for (what, number) in fault_counts.lines() {
        say(format!("  {number:>6}  {what}"));
    }
    for (what, number) in counts {
        say(format!("  {number:>6}  {what}"));
    }
}

/// Tells whoever has started this.
#[expect(clippy::print_stdout, reason = "this program's report is for people")]
pub fn say(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}
