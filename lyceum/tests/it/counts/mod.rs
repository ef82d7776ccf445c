//! What each stored operation costs, counted and compared with the numbers that are committed: `cargo xtask counts`.
//!
//! Nothing here is a time. Statements are those that the databases log, fetches those of the operation's trace, and
//! instructions and allocations are callgrind's, of the whole process. Services are kept from what they do beside
//! answering, unless that is what an operation leads to.

mod callgrind;
mod ledger;
mod table_locks;

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use subgraph_testing::Reply;

use self::{
    callgrind::{Callgrind, Counted},
    ledger::{Costs, Ledger},
    table_locks::{TableLocks, has_pending_events},
};
use crate::{
    operations::{Operation, Samples, operations},
    statements::{log_statements, statements},
    system::{self, System, workspace},
};

/// Set, it makes the numbers anew.
const RENEW: &str = "LYCEUM_RENEW_COUNTS";
/// How many times each operation is looked at.
const WINDOWS: usize = 2;
/// The same of what is done beside them: all numbers depend on it.
const BASELINE_WINDOWS: usize = 4;
/// How often so many, where numbers are made anew.
const ATTEMPTS: usize = 6;
/// How often so many, where it is not as it was: whatever else the process did only adds to the numbers. Mutations have
/// no more attempts than otherwise: some can be done once to each sample.
const MAX_ATTEMPTS: usize = 16;
/// How often it is sent each time.
const REQUESTS_PER_WINDOW: u32 = 3;
/// The same of a mutation: there are only so many teachers to verify.
const MUTATIONS_PER_WINDOW: u32 = 2;
/// More than a mutation is sent: before anything is counted, and in each window of each attempt.
const DRAFTS: usize = 40;
/// What makes services tell one another something, or write a mail, which is then acted on; or reads what they do in the
/// background.
const WITH_EVENTS: [&str; 14] = [
    "ChangeEmail",
    "ChangePassword",
    "Enroll",
    "GrantEnrollment",
    "Payments",
    "PurchaseCourse",
    "RefundPayment",
    "RemoveStudent",
    "RepublishPayment",
    "RequestEmailVerification",
    "RequestPasswordReset",
    "SetEnrollmentStatus",
    "SignUp",
    "WithdrawCourse",
];
/// What an event makes others do, such as a student's notification, is done by then.
const SETTLE_DELAY: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Until the process has forgotten that somebody wanted a trace.
const TRACE_DISABLE_DELAY: Duration = Duration::from_secs(6);

#[test]
#[ignore = "it takes minutes, and valgrind: `cargo xtask counts`"]
fn no_operation_costs_more_than_it_did() {
    let committed = env::var_os(RENEW).is_none().then(Ledger::committed);
    let meter = Meter::start();
    let fresh = Ledger { compiler: compiler(), operations: meter.count(committed.as_ref()) };
    let Some(committed) = committed else { return fresh.write() };
    let comparison = committed.compare(&fresh);
    assert!(comparison.is_passed(), "operations cost more than they did, or are not counted yet\n{comparison}");
    eprintln!("{comparison}");
}

/// What has compiled all this, for which machine, and what counts: with others, instructions are others.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let about = said(Command::new(rustc).arg("-vV").current_dir(workspace()));
    let host = about.lines().find(|line| line.starts_with("host: ")).unwrap_or_default();
    let valgrind = said(Command::new("valgrind").arg("--version"));
    [about.lines().next().unwrap_or_default(), host, valgrind.trim()].join(", ")
}

fn said(command: &mut Command) -> String {
    String::from_utf8(command.output().expect("the program is there").stdout).expect("text")
}

/// A system that is counted.
struct Meter {
    system: System,
    callgrind: Callgrind,
    samples: Samples,
    logs: Vec<PathBuf>,
}

/// An operation, and somebody who sends it.
struct Sender {
    operation: Operation,
    viewer: String,
    /// How often it was sent.
    turn: usize,
}

/// What a process does on average.
#[derive(Clone, Copy)]
struct Average {
    instructions: f64,
    allocations: f64,
}

/// What the process does beside what is asked.
#[derive(Clone, Copy)]
enum Baseline {
    /// As much each time.
    Window(Average),
    /// As much in a second.
    Second(Average),
}

impl Meter {
    fn start() -> Self {
        let callgrind = Callgrind::new();
        let system = System::launch(callgrind.wrap(&lyceum_up()));
        make_drafts(&system);
        let samples = Samples::look_up(&system.anonymous());
        let logs = log_statements(&system);
        Self { system, callgrind, samples, logs }
    }

    fn count(&self, committed: Option<&Ledger>) -> BTreeMap<String, Costs> {
        let mut senders = senders();
        senders.sort_by_key(Sender::has_events);
        let mut requests: Vec<_> = senders.iter_mut().map(|sender| self.requests(sender)).collect();
        sleep(TRACE_DISABLE_DELAY);
        Callgrind::switch_on(&self.system);
        let without_events = senders.partition_point(|sender| !sender.has_events());
        let table_locks = TableLocks::acquire(&self.system.addresses.databases);
        let first = senders.drain(..without_events).zip(requests.drain(..without_events));
        let mut costs = self.all_costs(first, self.counting(), committed);
        drop(table_locks);
        costs.extend(self.all_costs(senders.into_iter().zip(requests), self.idle(), committed));
        costs
    }

    fn all_costs(
        &self,
        senders: impl Iterator<Item = (Sender, (u64, u64))>,
        other: Baseline,
        committed: Option<&Ledger>,
    ) -> BTreeMap<String, Costs> {
        let costs = senders.map(|(mut sender, requests)| {
            let name = sender.operation.name.clone();
            let before = committed.and_then(|committed| committed.operations.get(&name));
            let costs = self.costs(&mut sender, other, requests, before);
            eprintln!("{name}: {costs}");
            (name, costs)
        });
        costs.collect()
    }

    /// What the operation makes the process do, beside the requests, which are known. With further looks, until one says what
    /// is committed.
    fn costs(&self, sender: &mut Sender, other: Baseline, requests: (u64, u64), committed: Option<&Costs>) -> Costs {
        // Callgrind translates what was not run before.
        sender.send(&self.samples);
        let mut windows = self.windows(sender, other);
        let is_repeatable = committed.is_some() && !sender.operation.is_mutation();
        for _ in 1..if is_repeatable { MAX_ATTEMPTS } else { ATTEMPTS } {
            let costs = other.typical(&windows).costs(requests);
            if committed.is_some_and(|committed| committed.is_about(costs, &sender.operation.name)) {
                break;
            }
            windows.extend(self.windows(sender, other));
        }
        other.typical(&windows).costs(requests)
    }

    /// Statements and fetches of the second time: the first one's may be those of an empty cache.
    fn requests(&self, sender: &mut Sender) -> (u64, u64) {
        sender.send(&self.samples);
        self.settle(sender);
        let before = statements(&self.logs).len();
        let trace = sender.trace(&self.samples);
        self.settle(sender);
        let fetches = trace["fetches"].as_array().expect("fetches").len();
        ((statements(&self.logs).len() - before) as u64, fetches as u64)
    }

    fn settle(&self, sender: &Sender) {
        if !sender.has_events() {
            return;
        }
        sleep(SETTLE_DELAY);
        while has_pending_events(&self.system.addresses.databases) {
            sleep(POLL_INTERVAL);
        }
    }

    /// What counting itself makes the process do.
    fn counting(&self) -> Baseline {
        let windows: Vec<_> = (0..BASELINE_WINDOWS).map(|_| Average::of(self.during(|| ()).0)).collect();
        Baseline::Window(Average::least(&windows))
    }

    /// What is done in a second when nobody asks anything.
    fn idle(&self) -> Baseline {
        let windows = (0..BASELINE_WINDOWS).map(|_| {
            let (counted, seconds) = self.during(|| sleep(2 * SETTLE_DELAY));
            Average::of(counted).times(1.0 / seconds)
        });
        Baseline::Second(Average::median(&windows.collect::<Vec<_>>()))
    }

    /// What the operation makes the process do each time, more or less.
    fn windows(&self, sender: &mut Sender, other: Baseline) -> Vec<Average> {
        let times = if sender.operation.is_mutation() { MUTATIONS_PER_WINDOW } else { REQUESTS_PER_WINDOW };
        let windows = (0..WINDOWS).map(|_| {
            let (counted, seconds) = self.during(|| {
                (0..times).for_each(|_| sender.send(&self.samples));
                self.settle(sender);
            });
            Average::of(counted).less(other.during(seconds)).times(1.0 / f64::from(times))
        });
        windows.collect()
    }

    /// What is counted meanwhile, and how many seconds that takes.
    fn during(&self, work: impl FnOnce()) -> (Counted, f64) {
        Callgrind::reset(&self.system);
        let started = Instant::now();
        work();
        let seconds = started.elapsed().as_secs_f64();
        (self.callgrind.read(&self.system), seconds)
    }
}

/// A draft for each time that one is deleted: the sample data have fewer.
fn make_drafts(system: &System) {
    let teacher = system.anonymous().sign_in(system::TEACHER, system::PASSWORD);
    let document = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { userErrors { code } } }";
    for number in 0..DRAFTS {
        let input = json!({ "title": format!("Draft {number}"), "isDraft": true });
        let answer = teacher.data(document, json!({ "input": input }));
        assert_eq!(answer["createCourse"]["userErrors"], json!([]));
    }
}

/// The real program as users have it: it logs little, and counts nothing for others.
fn lyceum_up() -> Command {
    let mut up = system::command(&["--temporary", "--access-token-seconds", "86400"]);
    // As many threads on each machine.
    up.env("RUST_LOG", "warn").env("TOKIO_WORKER_THREADS", "2");
    // The router reads the machine's certificates whenever it looks for new keys: more work than most operations.
    let certificates = workspace().join("lyceum/tests/it/counts/certificates");
    up.env("SSL_CERT_FILE", certificates.join("only.pem")).env("SSL_CERT_DIR", certificates);
    up
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of what was done")]
fn rounded(count: f64, to: u32) -> u64 {
    (count.max(0.0) / f64::from(to)).round() as u64 * u64::from(to)
}

/// Every operation but subscriptions, each with one of those who send it: a student, where students do.
fn senders() -> Vec<Sender> {
    let senders = operations().into_iter().map(|operation| {
        let is_student = |viewer: &&String| *viewer == "student";
        let viewer = operation.viewers.iter().find(is_student).unwrap_or(&operation.viewers[0]).clone();
        Sender { operation, viewer, turn: 0 }
    });
    senders.collect()
}

impl Sender {
    fn has_events(&self) -> bool {
        WITH_EVENTS.contains(&self.operation.name.as_str())
    }

    /// Sends it; its trace.
    fn trace(&mut self, samples: &Samples) -> Value {
        let variables = self.next_variables(samples);
        let viewer = samples.viewer(&self.viewer);
        let answer = viewer.with_header("lyceum-trace", "1").send(&self.operation.document, variables);
        self.require_success(&answer);
        answer["extensions"]["trace"].clone()
    }

    fn send(&mut self, samples: &Samples) {
        let variables = self.next_variables(samples);
        self.require_success(&samples.viewer(&self.viewer).send(&self.operation.document, variables));
    }

    /// Something new, where it can be done only once.
    fn next_variables(&mut self, samples: &Samples) -> Value {
        self.turn += 1;
        samples.variables(&self.operation, self.turn - 1)
    }

    /// What fails costs something else.
    fn require_success(&self, answer: &Reply) {
        let mut fields = answer["data"].as_object().into_iter().flatten();
        let has_refused = fields.any(|(_, value)| value.get("userErrors").is_some_and(|errors| errors != &json!([])));
        assert!(answer["errors"].is_null() && !has_refused, "{}: {answer}", self.operation.name);
    }
}

impl Average {
    fn of(counted: Counted) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "nobody reads the sixteenth digit")]
        let [instructions, allocations] = [counted.instructions, counted.allocations].map(|count| count as f64);
        Self { instructions, allocations }
    }

    fn costs(self, (statements, fetches): (u64, u64)) -> Costs {
        let [allocations, instructions] = [rounded(self.allocations, 1), rounded(self.instructions, 1_000)];
        Costs { statements, fetches, allocations, instructions }
    }

    fn less(self, other: Self) -> Self {
        let instructions = self.instructions - other.instructions;
        Self { instructions, allocations: self.allocations - other.allocations }
    }

    fn times(self, factor: f64) -> Self {
        Self { instructions: self.instructions * factor, allocations: self.allocations * factor }
    }

    fn least(all: &[Self]) -> Self {
        Self::sorted(all, |values| values[0])
    }

    fn median(all: &[Self]) -> Self {
        Self::sorted(all, |values| values[values.len() / 2])
    }

    fn sorted(all: &[Self], choose: fn(&[f64]) -> f64) -> Self {
        let chosen = |of: fn(&Self) -> f64| {
            let mut values: Vec<f64> = all.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            choose(&values)
        };
        Self { instructions: chosen(|it| it.instructions), allocations: chosen(|it| it.allocations) }
    }
}

impl Baseline {
    fn during(self, seconds: f64) -> Average {
        match self {
            Self::Window(average) => average,
            Self::Second(average) => average.times(seconds),
        }
    }

    /// What is as often more as less has a median. Baselinewise whatever else the process did has only added to it.
    fn typical(self, windows: &[Average]) -> Average {
        match self {
            Self::Window(_) => Average::least(windows),
            Self::Second(_) => Average::median(windows),
        }
    }
}
