//! Load by simulated users: visitors, students, teachers, purchases and subscriptions, on a `lyceum up` of its own.

pub mod bottleneck;
pub mod follow;
pub mod ledger;
pub mod metrics;
pub mod operations;
pub mod people;
mod plan;
pub mod report;
pub mod scenarios;
pub mod search;
pub mod shape;

use std::{
    ffi::OsStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, ensure};
use bench::system::System;
use goose::{config::GooseConfiguration, prelude::*};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

pub use crate::plan::{Plan, Profile};
use crate::{
    bottleneck::{CONNECTIONS, Ranking},
    ledger::account,
    metrics::Metrics,
    people::{Person, PersonPool, client},
    report::Outcome,
    scenarios::{LoadContext, PEOPLE, ROLES, Role, scenario},
};

const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);
/// The first number of clients that only set up: beyond the numbers of users.
const FIRST_SETUP_CLIENT: usize = 20_000;

/// Starts a system for a load. It has the default limits, for each user's own network address.
///
/// # Errors
/// If the system does not start.
pub async fn start<S: AsRef<OsStr>>(plan: &Plan, arguments: impl IntoIterator<Item = S>) -> Result<System> {
    let own =
        ["--seed-scale", &plan.seed_scale, "--db-profile", plan.profile.name(), "--metrics-listen", "127.0.0.1:0"];
    let own = own.map(|argument| OsStr::new(argument).to_owned());
    let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
    System::start(&plan.program, own.into_iter().chain(arguments)).await
}

/// Runs the load on a system. `watch` is called once, at the start, with the context that has the progress.
///
/// # Errors
/// If the load cannot be started; errors under load are part of the outcome.
pub async fn run(plan: &Plan, system: &System, watch: impl FnOnce(Arc<LoadContext>)) -> Result<Outcome> {
    ensure!(plan.users >= Plan::MIN_USERS, "at least {} users are needed for all roles", Plan::MIN_USERS);
    let router = system.addresses().router.clone();
    let (students, teachers) = sign_in_people(&router, plan.users).await?;
    let mut accounts = Vec::with_capacity(students.len());
    for student in &students {
        accounts.push((Arc::clone(student), account(student).await?));
    }
    let context = Arc::new(LoadContext {
        router: router.clone(),
        students: PersonPool::new(students),
        teachers: PersonPool::new(teachers),
        think_time: plan.think_time,
        ..LoadContext::default()
    });
    let metrics = system.addresses().metrics.clone().context("its metrics")?;
    let scrapes = Scraper::begin(metrics).await?;
    watch(Arc::clone(&context));
    let counted = Box::pin(attack(plan, &context)?.execute()).await;
    // Goose's `Display` omits which option is invalid.
    let counted = counted.map_err(|error| anyhow!("{error:?}"))?;
    let scrapes = scrapes.end().await?;
    let reconciliation = context.ledger.reconcile(&accounts).await?;
    let ranking = Ranking::of(&scrapes).context("two scrapes")?;
    Ok(Outcome::new(plan, &counted, &context.progress, reconciliation, ranking, system.errors()?))
}

/// Signs in students and teachers for this many users. A finished user continues as another person.
async fn sign_in_people(router: &str, users: usize) -> Result<(Vec<Arc<Person>>, Vec<Arc<Person>>)> {
    let student_weight: usize =
        ROLES.into_iter().filter(|role| !matches!(role, Role::Visitor | Role::Teacher)).map(Role::weight).sum();
    // The last, partial round of users may have more of a role than its share.
    let of = |weight: usize| (users * weight).div_ceil(PEOPLE) + weight;
    let (mut students, mut teachers) = (Vec::new(), Vec::new());
    for number in 1..=of(student_weight) {
        let email = format!("student{number}@lyceum.example");
        students.push(Arc::new(Person::sign_in(client(router, FIRST_SETUP_CLIENT + number)?, &email).await?.0));
    }
    for number in 1.. {
        if teachers.len() == of(Role::Teacher.weight()) {
            break;
        }
        let client = client(router, 2 * FIRST_SETUP_CLIENT + number)?;
        let (teacher, is_verified) = Person::sign_in(client, &format!("teacher{number}@lyceum.example")).await?;
        if is_verified && !teacher.own_courses().await?.is_empty() {
            teachers.push(Arc::new(teacher));
        }
    }
    Ok((students, teachers))
}

fn attack(plan: &Plan, context: &Arc<LoadContext>) -> Result<Box<GooseAttack>, GooseError> {
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(format!("{}/", context.router));
    // Goose's output is about web pages.
    configuration.quiet = 3;
    configuration.no_print_metrics = true;
    configuration.no_telnet = true;
    let mut attack = GooseAttack::initialize_with_config(configuration)?;
    for role in ROLES {
        attack = attack.register_scenario(scenario(context, role)?);
    }
    let steps = plan.shape.plan(plan.users, plan.seconds);
    attack.set_default(GooseDefault::TestPlan, steps.as_str())
}

/// Scrapes `/metrics` periodically.
struct Scraper {
    url: String,
    taken: Arc<Mutex<Vec<Metrics>>>,
    task: JoinHandle<()>,
}

impl Scraper {
    async fn begin(url: String) -> Result<Self> {
        let taken = Arc::new(Mutex::new(vec![Metrics::of(&url).await?]));
        let (at, more) = (url.clone(), Arc::clone(&taken));
        let task = tokio::spawn(async move {
            let mut ticks = interval(SCRAPE_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                // A scrape may time out under load; counters make up for it.
                if let Ok(metrics) = Metrics::of(&at).await {
                    more.lock().unwrap_or_else(PoisonError::into_inner).push(metrics.only(CONNECTIONS));
                }
            }
        });
        Ok(Self { url, taken, task })
    }

    async fn end(self) -> Result<Vec<Metrics>> {
        self.task.abort();
        let last = Metrics::of(&self.url).await?;
        let mut taken = std::mem::take(&mut *self.taken.lock().unwrap_or_else(PoisonError::into_inner));
        taken.push(last);
        Ok(taken)
    }
}
