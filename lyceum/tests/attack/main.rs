//! The whole system under attack, by one client and by four, while others use it: what they notice, and what it takes.
//! `cargo xtask attack` runs it for long; `cargo xtask test` in a short form.

mod attacker;
mod attacks;
mod bystanders;
mod report;
mod target;

use std::{
    env,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use futures::future::try_join_all;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

use crate::{
    attacker::{Attacker, Tally},
    attacks::{ALL, Attack},
    bystanders::{Bystanders, Met},
    report::{Memory, Report, Rest, Row},
    target::Target,
};

/// What the process may have, without its databases.
const MAX_RESIDENT_BYTES: u64 = 768 * 1_024 * 1_024;
/// What it may have a quiet minute after each attack has had its moment, of what it had at the start.
const MAX_KEPT: f64 = 1.5;
/// Together more than 10,000 tries.
const MOMENT: Duration = Duration::from_millis(300);
/// Between two looks at the memory.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Attackers have processors of their own: they may not take the system's.
const NICENESS: &str = "10";

struct Plan {
    /// How long each attack goes on.
    time: Duration,
    /// How many attack at a time, one after the other.
    attackers: Vec<u8>,
    seed_scale: String,
    /// How long others wait for an answer.
    timeout: Duration,
    /// Whether memory has to go back, and how long that may take.
    rest: Option<Duration>,
}

#[tokio::main]
async fn main() -> ExitCode {
    // As one of many test programs it is given their filter, and asked for its tests.
    let mut arguments = env::args().skip(1);
    if arguments.any(|argument| argument == "--list" || (!argument.starts_with('-') && !"attack".contains(&*argument)))
    {
        return ExitCode::SUCCESS;
    }
    let done = match env::var("LYCEUM_ATTACK_FROM") {
        Ok(from) => attack_from(&from).await,
        Err(_) => run().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("attack: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Is one attacker.
async fn attack_from(from: &str) -> Result<()> {
    let id = env::var("LYCEUM_ATTACK_ID")?;
    let attack = ALL.iter().find(|attack| attack.id == id).context("there is no such attack")?;
    let tally = Attacker::new(from.parse()?, env::var("LYCEUM_ATTACK_ROUTER")?.parse()?).attack(attack).await?;
    say(serde_json::to_string(&tally)?);
    Ok(())
}

async fn run() -> Result<()> {
    let plan = plan()?;
    let wanted = env::var("LYCEUM_ATTACK_ONLY").ok();
    let program = env::var_os("LYCEUM_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_lyceum").into(), PathBuf::from);
    let target = Target::start(&program, &plan.seed_scale).await?;
    let bystanders = Bystanders::new(target.router, plan.timeout).await?;
    // What comes first is slower than what comes often.
    bystanders.go_on(plan.time / 2).await;

    let mut report = Report::new(target.resident_bytes()?);
    if let Some(time) = plan.rest {
        report.rest = Some(rest(&target, time, &mut report.memory).await?);
    }
    report::print_head();
    for attack in ALL.iter().filter(|attack| wanted.as_deref().is_none_or(|wanted| wanted == attack.id)) {
        for &attackers in &plan.attackers {
            let row = play(attack, attackers, &target, &bystanders, plan.time, &mut report).await?;
            report::print_row(&row);
            report.rows.push(row);
        }
    }
    let errors = target.errors()?;
    target.stop().await?;
    report.print_end();
    if let Some(folder) = env::var_os("LYCEUM_ATTACK_REPORT") {
        report.write(&PathBuf::from(folder))?;
    }
    judge(&report, &errors)
}

fn plan() -> Result<Plan> {
    let Ok(seconds) = env::var("LYCEUM_ATTACK_SECONDS") else {
        let time = Duration::from_millis(700);
        // Beside other tests everything takes longer.
        let timeout = Duration::from_mins(1);
        return Ok(Plan { time, attackers: vec![2], seed_scale: "0.01".to_owned(), timeout, rest: None });
    };
    Ok(Plan {
        time: Duration::from_secs(seconds.parse()?),
        attackers: vec![1, 4],
        seed_scale: env::var("LYCEUM_ATTACK_SEED_SCALE").unwrap_or_else(|_| "1".to_owned()),
        timeout: Duration::from_secs(10),
        rest: Some(Duration::from_secs(70)),
    })
}

async fn play(
    attack: &'static Attack,
    attackers: u8,
    target: &Target,
    bystanders: &Bystanders,
    time: Duration,
    report: &mut Report,
) -> Result<Row> {
    let quiet = bystanders.go_on(time / 2).await;
    report.quiet.0.extend(quiet.0);
    report.quiet.1.extend(quiet.1);
    report.memory.push(Memory::now(target.resident_bytes()?, Some(attack.id)));

    let before = target.used().await?;
    let started = Instant::now();
    let processes = (1..=attackers).map(|number| start(attack, number, target)).collect::<Result<Vec<_>>>()?;
    // They have to get there.
    sleep(time / 4).await;
    let mut memory = Vec::new();
    let (met, watched) = tokio::join!(bystanders.go_on(time), watch(target, time, &mut memory));
    watched?;
    let tallies = try_join_all(processes.into_iter().map(finish)).await?;
    let used = target.used().await?.since(before);
    let seconds = started.elapsed().as_secs_f64();
    let peak = memory.iter().map(|memory| memory.bytes).max().unwrap_or_default();
    report.memory.extend(memory);
    // What still runs is not the next one's.
    sleep(time / 4).await;
    let quiet = (report.quiet.0.clone(), report.quiet.1.clone());
    Ok(Row { attack, attackers, quiet, met, peak, used, seconds, outcomes: sum(tallies) })
}

/// Each attack for a moment, and then nobody.
async fn rest(target: &Target, time: Duration, memory: &mut Vec<Memory>) -> Result<Rest> {
    let mut tries = 0;
    memory.push(Memory::now(target.resident_bytes()?, Some("all")));
    for attack in ALL {
        let attacker = start(attack, 1, target)?;
        watch(target, MOMENT, memory).await?;
        tries += finish(attacker).await?.values().sum::<u64>();
    }
    memory.push(Memory::now(target.resident_bytes()?, Some("nobody")));
    watch(target, time, memory).await?;
    Ok(Rest { tries, bytes: target.resident_bytes()? })
}

async fn watch(target: &Target, time: Duration, memory: &mut Vec<Memory>) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        memory.push(Memory::now(target.resident_bytes()?, None));
        sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

fn start(attack: &Attack, number: u8, target: &Target) -> Result<Child> {
    let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 10 + number));
    let child = Command::new("nice")
        .args(["-n", NICENESS])
        .arg(env::current_exe()?)
        .env("LYCEUM_ATTACK_FROM", from.to_string())
        .env("LYCEUM_ATTACK_ID", attack.id)
        .env("LYCEUM_ATTACK_ROUTER", target.router.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
}

async fn finish(mut attacker: Child) -> Result<Tally> {
    drop(attacker.stdin.take());
    let output = attacker.wait_with_output().await?;
    ensure!(output.status.success(), "an attacker ended badly: {}", String::from_utf8_lossy(&output.stdout));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn sum(tallies: Vec<Tally>) -> Tally {
    let mut sum = Tally::new();
    for (outcome, number) in tallies.into_iter().flatten() {
        *sum.entry(outcome).or_default() += number;
    }
    sum
}

/// What no attack may bring about, on whatever machine.
fn judge(report: &Report, errors: &[String]) -> Result<()> {
    let failed = |met: &Met| met.failed.first().cloned();
    for Row { attack, attackers, met, peak, outcomes, .. } in &report.rows {
        let who = format!("{} by {attackers}", attack.id);
        ensure!(!outcomes.is_empty(), "{who}: nothing was tried");
        for (name, met) in [("the stranger", &met.0), ("the student", &met.1)] {
            ensure!(
                met.failed.is_empty(),
                "{who}: {name} got no answer, {} times: {:?}",
                met.failed.len(),
                failed(met)
            );
        }
        ensure!(*peak <= MAX_RESIDENT_BYTES, "{who}: {peak} bytes of memory");
    }
    ensure!(errors.is_empty(), "{} lines of ERROR: {}", errors.len(), errors[0]);
    if let Some(rest) = &report.rest {
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let kept = rest.bytes as f64 / report.before as f64;
        ensure!(kept <= MAX_KEPT, "{kept:.2} times the memory of the start is kept");
    }
    Ok(())
}

/// Tells whoever has started this.
#[expect(clippy::print_stdout, reason = "this program's report is for people")]
pub fn say(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}
