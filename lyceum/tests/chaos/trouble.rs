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
enum Blow {
    Kill,
    Death,
    Cut,
}

/// Strikes, one blow after the other.
pub struct Trouble<'a> {
    world: &'a World,
    dice: StdRng,
    blows: Vec<Blow>,
    /// In turn, so that none is left out.
    deaths: VecDeque<Death>,
    toll: Toll,
}

/// What was done.
pub struct Toll {
    kills: BTreeMap<String, usize>,
    deaths: BTreeMap<Death, usize>,
    /// Nothing led to the step at that moment.
    missed: BTreeMap<Death, usize>,
    cuts: BTreeMap<String, usize>,
    died: Arc<AtomicUsize>,
}

impl<'a> Trouble<'a> {
    pub fn new(world: &'a World, plan: &Plan, mut dice: StdRng) -> Self {
        let steps = STEPS.iter().chain(if plan.bus == "nats" { NATS_STEPS } else { &[] });
        let deaths: VecDeque<Death> =
            steps.flat_map(|(step, services)| services.iter().map(|service| (*service, *step))).collect();
        let toll = Toll {
            kills: BTreeMap::new(),
            deaths: deaths.iter().map(|death| (*death, 0)).collect(),
            missed: BTreeMap::new(),
            cuts: BTreeMap::new(),
            died: Arc::clone(&world.died),
        };
        let blows = blows(plan.blows, &mut dice);
        Self { world, dice, blows, deaths, toll }
    }

    /// The next blow. False if it was the last one.
    pub async fn strike(&mut self) -> bool {
        let Some(blow) = self.blows.pop() else { return false };
        sleep(Duration::from_millis(self.dice.random_range(50..500))).await;
        match blow {
            Blow::Kill => self.kill().await,
            Blow::Death => self.die_at_a_step().await,
            Blow::Cut => self.cut().await,
        }
        true
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

    /// A death that does not happen is tried again after the others.
    async fn die_at_a_step(&mut self) {
        for _ in 0..self.deaths.len() {
            self.deaths.rotate_left(1);
            let death @ (service, step) = self.deaths[0];
            let victim = self.world.victims.iter().find(|victim| victim.name == service);
            let got_there = victim.expect("each service is a victim").order(Order::DieAt(step)).await;
            let counts = if got_there { &mut self.toll.deaths } else { &mut self.toll.missed };
            *counts.entry(death).or_default() += 1;
            if got_there {
                return;
            }
        }
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

/// Half of them kills, the rest deaths at chosen steps and cuts, in any order.
fn blows(number: usize, dice: &mut StdRng) -> Vec<Blow> {
    let (kills, deaths) = (number.div_ceil(2), number * 3 / 10);
    let cuts = number - kills - deaths;
    let mut blows: Vec<_> = [(Blow::Kill, kills), (Blow::Death, deaths), (Blow::Cut, cuts)]
        .into_iter()
        .flat_map(|(blow, number)| repeat_n(blow, number))
        .collect();
    blows.shuffle(dice);
    blows
}

impl Toll {
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
