//! What can go wrong, done on purpose.

use std::{
    collections::{BTreeMap, VecDeque},
    iter::repeat_n,
    sync::Arc,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anyhow::{Result, ensure};
use rand::{RngExt as _, rngs::StdRng, seq::SliceRandom as _};
use tokio::time::sleep;

use crate::{Plan, cluster::Cluster, network::Weather, processes::Order};

type Step = (&'static str, &'static [&'static str]);

/// The named steps at which a service dies: before and after each commit, and between a delivery and its
/// acknowledgement. Each with the services that get there.
const STEPS: &[Step] = &[
    ("payment.pending", &["payment"]),
    ("payment.charged", &["payment"]),
    ("payment.before-commit", &["payment"]),
    ("payment.committed", &["payment"]),
    ("refund.requested", &["payment"]),
    ("refund.returned", &["payment"]),
    ("refund.committed", &["payment"]),
    ("relay.delivered", &["identity", "payment", "enrollment"]),
    ("relay.committed", &["identity", "payment", "enrollment"]),
    ("inbox.received", &["enrollment", "notification", "payment"]),
    ("inbox.before-commit", &["enrollment", "notification", "payment"]),
    ("inbox.committed", &["enrollment", "notification", "payment"]),
    ("enroll.before-commit", &["enrollment"]),
    ("enroll.committed", &["enrollment"]),
];

/// Only where NATS is.
const NATS_STEPS: &[Step] = &[
    ("nats.received", &["enrollment", "notification", "payment"]),
    ("relay.acknowledged", &["identity", "payment", "enrollment"]),
];

/// A service that dies at a step.
type Death = (&'static str, &'static str);

/// What is done to the system.
#[derive(Clone, Copy)]
enum Fault {
    Kill,
    Death,
    Cut,
}

/// Strikes, one fault after the other.
pub struct FaultInjector<'a> {
    cluster: &'a Cluster,
    rng: StdRng,
    faults: Vec<Fault>,
    /// In turn, so that none is left out.
    deaths: VecDeque<Death>,
    fault_counts: FaultCounts,
}

/// What was done.
pub struct FaultCounts {
    kills: BTreeMap<String, usize>,
    deaths: BTreeMap<Death, usize>,
    /// Nothing led to the step at that moment.
    missed: BTreeMap<Death, usize>,
    cuts: BTreeMap<String, usize>,
    died: Arc<AtomicUsize>,
}

impl<'a> FaultInjector<'a> {
    pub fn new(cluster: &'a Cluster, plan: &Plan, mut rng: StdRng) -> Self {
        let steps = STEPS.iter().chain(if plan.bus == "nats" { NATS_STEPS } else { &[] });
        let deaths: VecDeque<Death> =
            steps.flat_map(|(step, services)| services.iter().map(|service| (*service, *step))).collect();
        let fault_counts = FaultCounts {
            kills: BTreeMap::new(),
            deaths: deaths.iter().map(|death| (*death, 0)).collect(),
            missed: BTreeMap::new(),
            cuts: BTreeMap::new(),
            died: Arc::clone(&cluster.died),
        };
        let faults = schedule(plan.faults, &mut rng);
        Self { cluster, rng, faults, deaths, fault_counts }
    }

    /// The next fault. False if it was the last one.
    pub async fn inject_next(&mut self) -> bool {
        let Some(fault) = self.faults.pop() else { return false };
        sleep(Duration::from_millis(self.rng.random_range(50..500))).await;
        match fault {
            Fault::Kill => self.kill().await,
            Fault::Death => self.die_at_a_step().await,
            Fault::Cut => self.cut().await,
        }
        true
    }

    pub fn finish(self) -> FaultCounts {
        self.cluster.links.iter().for_each(|link| link.set(Weather::Fair));
        self.fault_counts
    }

    async fn kill(&mut self) {
        let victim = &self.cluster.victims[self.rng.random_range(0..self.cluster.victims.len())];
        victim.order(Order::Kill).await;
        *self.fault_counts.kills.entry(victim.name.clone()).or_default() += 1;
    }

    /// A death that does not happen is tried again after the others.
    async fn die_at_a_step(&mut self) {
        for _ in 0..self.deaths.len() {
            self.deaths.rotate_left(1);
            let death @ (service, step) = self.deaths[0];
            let victim = self.cluster.victims.iter().find(|victim| victim.name == service);
            let got_there = victim.expect("each service is a victim").order(Order::DieAt(step)).await;
            let counts = if got_there { &mut self.fault_counts.deaths } else { &mut self.fault_counts.missed };
            *counts.entry(death).or_default() += 1;
            if got_there {
                return;
            }
        }
    }

    async fn cut(&mut self) {
        let link = &self.cluster.links[self.rng.random_range(0..self.cluster.links.len())];
        let (weather, what) = match self.rng.random_range(0..3) {
            0 => (Weather::Stalled, "stalled"),
            1 => (Weather::Reset, "reset"),
            _ => (Weather::Slow(Duration::from_millis(120)), "slow"),
        };
        link.set(weather);
        sleep(Duration::from_millis(self.rng.random_range(200..2_500))).await;
        link.set(Weather::Fair);
        *self.fault_counts.cuts.entry(format!("{}: {what}", link.name)).or_default() += 1;
    }
}

/// Half of them kills, the rest deaths at chosen steps and cuts, in any order.
fn schedule(number: usize, rng: &mut StdRng) -> Vec<Fault> {
    let (kills, deaths) = (number.div_ceil(2), number * 3 / 10);
    let cuts = number - kills - deaths;
    let mut faults: Vec<_> = [(Fault::Kill, kills), (Fault::Death, deaths), (Fault::Cut, cuts)]
        .into_iter()
        .flat_map(|(fault, number)| repeat_n(fault, number))
        .collect();
    faults.shuffle(rng);
    faults
}

impl FaultCounts {
    /// Whether enough was done for the result to mean something.
    pub fn ensure_enough(&self) -> Result<()> {
        let kills: usize = self.kills.values().sum();
        ensure!(kills >= 200, "{kills} kills are too few");
        let left_out: Vec<_> = self.deaths.iter().filter(|(_, times)| **times == 0).map(|(death, _)| death).collect();
        ensure!(left_out.is_empty(), "nobody died at {left_out:?}");
        Ok(())
    }

    /// What to report.
    pub fn lines(&self) -> Vec<(String, usize)> {
        let named = |counts: &BTreeMap<Death, usize>| {
            counts.iter().map(|((service, step), number)| (format!("{service} at {step}"), *number)).collect()
        };
        let (deaths, missed): (BTreeMap<_, _>, BTreeMap<_, _>) = (named(&self.deaths), named(&self.missed));
        let mut lines = Vec::new();
        for (title, counts) in [
            ("kill -9", &self.kills),
            ("died by itself", &deaths),
            ("did not get to the step, and tried again later", &missed),
            ("cut", &self.cuts),
        ] {
            lines.push((format!("{title}, in all"), counts.values().sum()));
            lines.extend(counts.iter().map(|(what, number)| (format!("  {what}"), *number)));
        }
        lines.push(("processes that ended for another reason".to_owned(), self.died.load(Ordering::Relaxed)));
        lines
    }
}
