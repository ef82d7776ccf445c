//! The whole system as separate processes, under students who buy and enroll, while its processes are
//! killed (`kill -9`), die at chosen steps, and lose their connections. Afterwards everything has to add
//! up. `cargo xtask chaos` runs it for long; `cargo xtask test` in a short form.
//!
//! Beside that, in the same world: databases that are away ([`outages`]), and processes that are replaced
//! ([`restarts`]; `cargo xtask restarts` for long).

mod network;
mod outages;
mod processes;
mod restarts;
mod students;
mod trouble;
mod verdict;
mod world;

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
    students::Students,
    trouble::{Toll, Trouble},
    world::World,
};

/// How long everything may take to add up, once all processes are left alone.
const SETTLE_WITHIN: Duration = Duration::from_mins(1);

/// Kills and cuts of the short form.
const FEW: usize = 24;

/// From so many on, each kind of trouble must have come.
const MANY: usize = 400;

struct Plan {
    bus: &'static str,
    /// Kills, deaths at chosen steps, and cuts of connections, in all.
    blows: usize,
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
    if is_wanted("blows") {
        blows().await?;
    }
    Ok(())
}

/// What a variable says, or the short form's.
fn number<T: FromStr<Err: Error + Send + Sync + 'static>>(variable: &str, short: T) -> Result<T> {
    env::var(variable).map_or(Ok(short), |number| Ok(number.parse()?))
}

async fn blows() -> Result<()> {
    let (blows, seed) = (number("LYCEUM_CHAOS_BLOWS", FEW)?, number("LYCEUM_CHAOS_SEED", 1)?);
    let wanted = env::var("LYCEUM_CHAOS_BUS").ok();
    for bus in ["local", "nats"] {
        if wanted.as_deref().is_none_or(|wanted| wanted == bus) {
            // More than anybody can buy meanwhile.
            let plan = Plan { bus, blows, students: 20, courses: 30 + 2 * blows, seed };
            run(&plan).await?;
        }
    }
    Ok(())
}

async fn run(plan: &Plan) -> Result<()> {
    say(format!("chaos: bus {}, {} blows, {} students, seed {}", plan.bus, plan.blows, plan.students, plan.seed));
    let world = World::start(plan.bus, 1).await?;
    let students = Students::gather(&world, plan).await?;

    let mut trouble = Trouble::new(&world, plan, StdRng::seed_from_u64(plan.seed));
    let progress = progress(plan.blows, "blows");
    let mut buying = students.buy();
    let strikes = async {
        while trouble.strike().await {
            progress.inc(1);
            progress.set_message(students.tally());
        }
    };
    tokio::select! {
        () = strikes => {}
        error = buying.interruption() => return Err(error),
    }
    progress.finish_and_clear();
    let toll = trouble.finish();
    world.wait_until_ready().await?;

    let started = Instant::now();
    let ledger = buying.finish().await?;
    let differences = verdict::wait_until_settled(&world, &ledger, started + SETTLE_WITHIN).await?;
    let took = started.elapsed();
    report(plan, &toll, &verdict::counts(&world, &ledger).await?, took);
    ensure!(differences.is_empty(), "after {took:?} not everything adds up:\n  {}", differences.join("\n  "));
    world.reconcile().await?;
    if plan.blows >= MANY {
        toll.ensure_enough()?;
    }
    world.stop().await
}

fn progress(length: usize, of: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template(&format!("{{elapsed_precise}} {{wide_bar}} {{pos}}/{{len}} {of}; {{msg}}"));
    ProgressBar::new(length as u64).with_style(style.expect("a template"))
}

fn report(plan: &Plan, toll: &Toll, counts: &[(String, i64)], took: Duration) {
    say(format!("chaos: bus {}: everything was quiet {took:.1?} after the last blow", plan.bus));
    for (what, number) in toll.lines() {
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
