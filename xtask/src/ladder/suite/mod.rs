//! The black-box suite, the same on every rung: nothing but a URL is known of the system.

pub mod budgets;
mod live;
pub mod operations;
mod pages;
mod permissions;
mod probe;
mod purchases;
mod sign_in;
mod tally;
mod truth;
mod visitors;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use tokio::time::sleep;

use self::{live::Follower, probe::Probe, purchases::Buying, tally::Tally};
pub use self::{purchases::Account, visitors::Visitors};

/// How much is asked, and what to expect.
pub struct Plan {
    /// The shortest time for which students buy.
    pub load: Duration,
    /// For how long `truth` asks; 0 leaves it out.
    pub truth_seconds: u64,
    /// The number of processes that count sign-ins.
    pub identities: usize,
    /// The certificate of the authority of servers, where there is TLS.
    pub authority: Option<PathBuf>,
    pub databases: BTreeMap<String, String>,
}

/// A part of the suite, and what came of it.
pub struct Part {
    pub name: &'static str,
    pub outcome: Result<String>,
}

/// What came of the load.
#[derive(Default)]
pub struct Loaded {
    pub requests: usize,
    pub failed: usize,
    pub failures: Vec<String>,
    pub unavailable: Duration,
    pub account: Account,
}

/// What looks at the system without a load, told part by part.
pub async fn check(visitors: &Visitors, plan: &Plan, url: &str, mut tell: impl FnMut(Part)) {
    tell(Part { name: "permissions", outcome: permissions::run(visitors).await });
    tell(Part { name: "sign-in", outcome: sign_in::run(visitors, plan.identities).await });
    tell(Part { name: "operations", outcome: operations::run(visitors).await });
    if plan.truth_seconds > 0 {
        let outcome = truth::run(url, &plan.databases, plan.authority.as_deref(), plan.truth_seconds).await;
        tell(Part { name: "truth", outcome });
    }
}

/// Students buy and follow, while `change` changes the system, and for as long as the plan says at least.
pub async fn load(
    visitors: &Visitors,
    plan: &Plan,
    change: impl Future<Output = Result<String>>,
) -> Result<(Loaded, Vec<Part>)> {
    let students = purchases::register(visitors).await.context("students cannot register")?;
    let followers = [Follower::start(&students[0].client).await?, Follower::start(&students[1].client).await?];
    let (tally, probe) = (Arc::<Tally>::default(), Probe::start(visitors)?);
    let buying = Buying::start(&students, &tally).await?;

    let (changed, ()) = tokio::join!(change, sleep(plan.load));
    let (unavailable, reasons) = probe.finish();
    let account = buying.finish().await;

    let mut parts = vec![Part { name: "changes", outcome: changed }];
    for follower in followers {
        parts.push(Part { name: "live updates", outcome: follower.finish().await });
    }
    let outcome = account.as_ref().map(|account| format!("{} purchases", account.purchases));
    parts.push(Part { name: "purchases", outcome: outcome.map_err(|error| anyhow::anyhow!("{error:#}")) });
    let loaded = Loaded {
        requests: tally.requests(),
        failed: tally.failed(),
        failures: [tally.failures(), reasons].concat(),
        unavailable,
        account: account.unwrap_or_default(),
    };
    ensure!(loaded.requests > 0, "nobody asked anything");
    Ok((loaded, parts))
}
