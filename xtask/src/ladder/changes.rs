//! What is done to a rung while people use it: nobody is to notice.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use tokio::time::sleep;

use super::{rung::Rung, system::System};

/// For how long an engine is away.
const OUTAGE: Duration = Duration::from_secs(5);

/// Changes the system as its rung allows. `former` is a binary of an earlier version, to which all are rolled back.
pub async fn apply(rung: Rung, system: &mut System, program: &Path, former: Option<&Path>) -> Result<String> {
    match rung {
        Rung::OneProcess | Rung::Processes => Ok("none".to_owned()),
        Rung::Replicas | Rung::Tls | Rung::Pooler => roll(system, program, former).await,
        Rung::EventCluster => kill_nats(system).await,
        Rung::SharedBudgets => kill_valkey(system).await,
    }
}

/// Replaces each process, one after the other; with a former version, also by that one and back.
async fn roll(system: &mut System, program: &Path, former: Option<&Path>) -> Result<String> {
    let programs = [Some(program), former, former.map(|_| program)];
    let mut replaced = 0;
    for program in programs.into_iter().flatten() {
        for index in 0..system.services.len() {
            system.replace(index, program).await?;
            replaced += 1;
        }
    }
    let how = if former.is_some() { ", a third of them by the former version" } else { "" };
    Ok(format!("{replaced} processes replaced{how}"))
}

async fn kill_nats(system: &mut System) -> Result<String> {
    let nats = system.nats.as_mut().context("this rung has NATS")?;
    nats.kill_each(OUTAGE).await?;
    Ok(format!("each of {} NATS servers killed, one disk lost", nats.servers.len()))
}

async fn kill_valkey(system: &mut System) -> Result<String> {
    let valkey = system.valkey.as_mut().context("this rung has Valkey")?;
    valkey.kill().await?;
    sleep(OUTAGE).await;
    valkey.start().await?;
    // The routers try it again every other second.
    sleep(OUTAGE).await;
    Ok("Valkey killed, and started again".to_owned())
}
