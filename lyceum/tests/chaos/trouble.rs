//! What can go wrong, done on purpose.

use std::{
    collections::BTreeMap,
    sync::Arc,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use rand::{RngExt as _, rngs::StdRng};
use tokio::time::sleep;

use crate::{Plan, network::Weather, processes::Order, world::World};

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
    ("relay.delivered", &["payment", "enrollment"]),
    ("relay.committed", &["payment", "enrollment"]),
    ("inbox.received", &["enrollment", "notification"]),
    ("inbox.before-commit", &["enrollment", "notification"]),
    ("inbox.committed", &["enrollment", "notification"]),
    ("enroll.before-commit", &["enrollment"]),
    ("enroll.committed", &["enrollment"]),
];

/// Only where NATS is.
const NATS_STEP: (&str, &[&str]) = ("nats.received", &["enrollment", "notification", "payment"]);

/// Strikes, one blow after the other.
pub struct Trouble<'a> {
    world: &'a World,
    dice: StdRng,
    toll: Toll,
    steps: Vec<Step>,
    step: usize,
}

/// What was done.
pub struct Toll {
    kills: BTreeMap<String, usize>,
    deaths: BTreeMap<String, usize>,
    cuts: BTreeMap<String, usize>,
    died: Arc<AtomicUsize>,
}

impl<'a> Trouble<'a> {
    pub fn new(world: &'a World, plan: &Plan, dice: StdRng) -> Self {
        let steps = if plan.bus == "nats" { [STEPS, &[NATS_STEP]].concat() } else { STEPS.to_vec() };
        let toll = Toll {
            kills: BTreeMap::new(),
            deaths: BTreeMap::new(),
            cuts: BTreeMap::new(),
            died: Arc::clone(&world.died),
        };
        Self { world, dice, toll, steps, step: 0 }
    }

    pub async fn strike(&mut self) {
        sleep(Duration::from_millis(self.dice.random_range(50..500))).await;
        match self.dice.random_range(0..10) {
            0..5 => self.kill().await,
            5..8 => self.die_at_a_step().await,
            _ => self.cut().await,
        }
    }

    pub fn finish(self) -> Toll {
        self.world.links.iter().for_each(|link| link.set(Weather::Fair));
        self.toll
    }

    async fn kill(&mut self) {
        let victim = &self.world.victims[self.dice.random_range(0..self.world.victims.len())];
        victim.order(Order::Kill).await;
        *self.toll.kills.entry(victim.name.clone()).or_default() += 1;
    }

    /// All steps in turn, so that none is left out.
    async fn die_at_a_step(&mut self) {
        let (step, services) = self.steps[self.step % self.steps.len()];
        self.step += 1;
        let service = services[self.dice.random_range(0..services.len())];
        let Some(victim) = self.world.victims.iter().find(|victim| victim.name == service) else { return };
        let got_there = victim.order(Order::DieAt(step)).await;
        let what =
            if got_there { format!("{service} at {step}") } else { format!("{service}, which did not get to {step}") };
        *self.toll.deaths.entry(what).or_default() += 1;
    }

    async fn cut(&mut self) {
        let link = &self.world.links[self.dice.random_range(0..self.world.links.len())];
        let (weather, what) = match self.dice.random_range(0..3) {
            0 => (Weather::Stalled, "stalled"),
            1 => (Weather::Reset, "reset"),
            _ => (Weather::Slow(Duration::from_millis(120)), "slow"),
        };
        link.set(weather);
        sleep(Duration::from_millis(self.dice.random_range(200..2_500))).await;
        link.set(Weather::Fair);
        *self.toll.cuts.entry(format!("{}: {what}", link.name)).or_default() += 1;
    }
}

impl Toll {
    /// What to report.
    pub fn lines(&self) -> Vec<(String, usize)> {
        let mut lines = Vec::new();
        for (title, counts) in [("kill -9", &self.kills), ("died by itself", &self.deaths), ("cut", &self.cuts)] {
            lines.push((format!("{title}, in all"), counts.values().sum()));
            lines.extend(counts.iter().map(|(what, number)| (format!("  {what}"), *number)));
        }
        lines.push(("processes that ended for another reason".to_owned(), self.died.load(Ordering::Relaxed)));
        lines
    }
}
