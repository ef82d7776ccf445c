//! What sign-ins cost everybody else, and what their time gives away. Starts the real system and
//! prints figures; CONTRIBUTING.md says how to run it.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/system.rs"]
mod system;

use std::{
    env,
    fmt::{self, Display},
    hash::{BuildHasher as _, RandomState},
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use subgraph_testing::blocking::Client;

use crate::system::{PASSWORD, System};

const PEOPLE: usize = 50;
const ROUNDS: usize = 10;
const QUERIES: usize = 60;
const REQUEST_INTERVAL: Duration = Duration::from_millis(10);
const TRIES: usize = 200;

const CATALOGUE: &str = include_str!("../../operations/Catalogue.graphql");
const CATALOGUE_VARIABLES: &str = include_str!("../../operations/Catalogue.variables.json");
const LOGIN: &str = "mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } user { id } userErrors { code } } }";

fn main() {
    let system = System::start(&["--temporary"]);
    let visitor = system.anonymous();
    warm_up(&visitor);

    let wanted = |name: &str| env::args().skip(1).all(|argument| argument.starts_with('-') || argument == name);
    if wanted("burst") {
        burst(&visitor);
    }
    if wanted("rejections") {
        rejections(&visitor);
    }
}

fn warm_up(visitor: &Client) {
    for number in 1..=20 {
        ask_catalogue(visitor);
        visitor.sign_in(&student(number), PASSWORD);
    }
}

/// Catalogue queries, alone and while many sign in at the same moment, by turns.
fn burst(visitor: &Client) {
    let (mut alone, mut beside, mut bursts) = (Figures::default(), Figures::default(), Figures::default());
    for _ in 0..ROUNDS {
        for _ in 0..QUERIES {
            alone.add(time_catalogue(visitor));
        }
        bursts.add(sign_in_at_once(visitor, &mut beside));
    }

    println!("catalogue query, alone:                {alone}");
    println!("catalogue query, while {PEOPLE} sign in:     {beside}");
    println!("the medians' ratio:                    {:.2}", beside.median() / alone.median());
    println!("until all {PEOPLE} are signed in:            {bursts}");
}

/// Until all are signed in; adds the queries of that time to `queries`.
fn sign_in_at_once(visitor: &Client, queries: &mut Figures) -> Duration {
    let (start, over) = (Barrier::new(PEOPLE + 1), AtomicBool::new(false));
    scope(|scope| {
        let people: Vec<_> = (1..=PEOPLE)
            .map(|number| {
                scope.spawn({
                    let start = &start;
                    move || {
                        start.wait();
                        visitor.sign_in(&student(number), PASSWORD);
                    }
                })
            })
            .collect();
        let asking = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                queries.add(time_catalogue(visitor));
            }
        });

        start.wait();
        let begun = Instant::now();
        for person in people {
            person.join().expect("everybody can sign in");
        }
        let taken = begun.elapsed();
        over.store(true, Ordering::Relaxed);
        asking.join().expect("the catalogue answers");
        taken
    })
}

/// Sign-ins that fail for one reason or the other, in pairs of random order: a fixed one would make
/// a difference out of whatever repeats itself, such as the turns of the database's connections.
fn rejections(visitor: &Client) {
    let (mut unknown, mut wrong) = (Figures::default(), Figures::default());
    let coin = RandomState::new();
    for number in 1..=TRIES {
        let mut try_unknown = || unknown.add(time_rejection(visitor, &format!("stranger{number}@lyceum.example")));
        let mut try_wrong = || wrong.add(time_rejection(visitor, &student(number)));
        if coin.hash_one(number) % 2 == 0 {
            try_unknown();
            try_wrong();
        } else {
            try_wrong();
            try_unknown();
        }
    }

    println!("sign-in rejected, unknown address:     {unknown}");
    println!("sign-in rejected, wrong password:      {wrong}");
    println!("a pair's difference (wrong - unknown): {}", Difference::of(&wrong, &unknown));
}

/// How much longer one took than the other, pair by pair.
struct Difference {
    mean: f64,
    /// Half of the interval in which the mean is with 95 % certainty.
    error: f64,
    /// How often the one took longer.
    share: f64,
}

impl Difference {
    fn of(one: &Figures, other: &Figures) -> Self {
        let differences = Figures(one.0.iter().zip(&other.0).map(|(one, other)| one - other).collect());
        let longer = Figures(differences.0.iter().map(|difference| f64::from(*difference > 0.0)).collect());
        Self { mean: differences.mean(), error: 1.96 * differences.error(), share: longer.mean() }
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, error, share } = self;
        write!(f, "mean {mean:+.2} ms ± {error:.2} ms (95 %), longer in {:.0} % of pairs", share * 100.0)
    }
}

fn ask_catalogue(visitor: &Client) {
    let variables: Value = serde_json::from_str(CATALOGUE_VARIABLES).expect("the variables are JSON");
    visitor.data(CATALOGUE, variables);
}

/// With a pause first, as between the clicks of a reader.
fn time_catalogue(visitor: &Client) -> Duration {
    sleep(REQUEST_INTERVAL);
    time(|| ask_catalogue(visitor))
}

fn time_rejection(visitor: &Client, email: &str) -> Duration {
    time(|| {
        let answer = visitor.send(LOGIN, json!({ "input": { "email": email, "password": "not the password" } }));
        assert_eq!(answer["data"]["login"]["userErrors"][0]["code"], "INVALID_CREDENTIALS", "{answer}");
    })
}

fn time(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn student(number: usize) -> String {
    format!("student{number}@lyceum.example")
}

/// Times, in milliseconds.
#[derive(Default)]
struct Figures(Vec<f64>);

impl Figures {
    fn add(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1_000.0);
    }

    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[(sorted.len() - 1) * percent / 100]
    }

    fn median(&self) -> f64 {
        self.percentile(50)
    }

    fn count(&self) -> f64 {
        u32::try_from(self.0.len()).expect("not that many").into()
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.count()
    }

    /// The mean's standard error.
    fn error(&self) -> f64 {
        let mean = self.mean();
        let deviations: f64 = self.0.iter().map(|time| (time - mean).powi(2)).sum();
        (deviations / (self.count() - 1.0) / self.count()).sqrt()
    }
}

impl Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, mean, slow) = (self.median(), self.mean(), self.percentile(95));
        write!(f, "median {median:7.2} ms, mean {mean:7.2} ms, 95th percentile {slow:7.2} ms ({} times)", self.0.len())
    }
}
