//! Outbox, relay and inbox with a real database: enrollment's, which has both tables.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_graphql::{EmptyMutation, EmptySubscription, Object};
use async_nats::{
    HeaderMap,
    jetstream::{consumer::pull, stream},
};
use auth::{seal::SealKeys, signature::Secrets};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use contracts::{
    CourseId, EnrollmentId, UserId,
    events::{EnrollmentPayload, Event, EventPayload},
};
use db::DbPool;
use messaging::{AfterCommit, EventBus, EventSettings, Handler};
use service::{Peers, ServiceContext, Subgraph};
use sqlx::{PgConnection, PgPool, query, query_as, query_scalar};
use subgraph_kit::Error;
use subgraph_testing::{
    events::{process_all, receive},
    free_port, verifier,
};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

struct Nothing;

#[Object(name = "Query")]
impl Nothing {
    async fn nothing(&self) -> Option<bool> {
        None
    }
}

fn subgraph(name: &'static str, db: &PgPool) -> Subgraph {
    let schema = service::build(Nothing, EmptyMutation, EmptySubscription).finish();
    Subgraph::new(name, schema, (), db.clone(), verifier())
}

/// The `number`th event of a subject.
fn payload(subject: usize, number: usize) -> EventPayload {
    EventPayload::EnrollmentCreated(EnrollmentPayload {
        enrollment_id: EnrollmentId(Uuid::from_u128(subject as u128)),
        student_id: UserId(Uuid::nil()),
        course_id: CourseId(Uuid::nil()),
        course_title: number.to_string(),
        payment_id: None,
    })
}

fn subject_and_number(event: &Event) -> (u128, usize) {
    let EventPayload::EnrollmentCreated(enrollment) = &event.payload else { panic!("another event: {event:?}") };
    (event.subject.as_u128(), enrollment.course_title.parse().expect("a number"))
}

async fn publish(db: &PgPool, payloads: impl IntoIterator<Item = EventPayload>) {
    let mut transaction = DbPool::from(db).begin().await.expect("a transaction");
    for payload in payloads {
        messaging::publish(&mut transaction, payload).await.expect("it is written");
    }
    transaction.commit().await.expect("it is committed");
}

async fn wait_for_permit(permits: Option<&Semaphore>) {
    if let Some(permits) = permits {
        permits.acquire().await.expect("it stays open").forget();
    }
}

/// Stops a worker during an event: the event is finished with its first permit, and no other is begun.
async fn stop_in_the_middle(
    subgraph: &Subgraph,
    event_bus: &EventBus,
    permits: &Semaphore,
    has_begun: impl AsyncFn() -> bool,
) {
    let stop = CancellationToken::new();
    let working = {
        let (subgraph, event_bus, until) = (subgraph.clone(), event_bus.clone(), stop.clone());
        tokio::spawn(async move { subgraph.run_background(event_bus, EventSettings::default(), until).await })
    };
    until("one has begun", || has_begun()).await;
    stop.cancel();
    sleep(Duration::from_millis(200)).await;
    assert!(!working.is_finished(), "it waits for what it is at");

    // More than one, so that only the stop prevents further events.
    permits.add_permits(10);
    timeout(Duration::from_secs(20), working).await.expect("it ends").expect("in order");
}

/// Runs the background tasks until the guard is dropped.
fn work(subgraph: &Subgraph, event_bus: &EventBus) -> DropGuard {
    let stop = CancellationToken::new();
    let (subgraph, event_bus, until) = (subgraph.clone(), event_bus.clone(), stop.clone());
    tokio::spawn(async move { subgraph.run_background(event_bus, EventSettings::default(), until).await });
    stop.drop_guard()
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let start = Instant::now();
    while !is_so().await {
        assert!(start.elapsed() < Duration::from_secs(20), "not in time: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn count(db: &PgPool, what: &'static str) -> i64 {
    query_scalar(what).fetch_one(db).await.expect("the database answers")
}

const WAITING: &str = "select count(*) from outbox_events where delivered_at is null";

/// The events that some services received.
#[derive(Default)]
struct Log {
    under_way: Mutex<HashMap<Uuid, Event>>,
    received: Mutex<Vec<(usize, Event)>>,
    refuses: AtomicBool,
    /// Taken by each event, if present.
    permits: Option<Semaphore>,
    /// Events that arrived while another one of their subject was handled.
    overlaps: AtomicUsize,
}

/// A slow service that logs the events that it receives.
#[derive(Clone)]
struct Listener {
    name: usize,
    log: Arc<Log>,
}

impl Listener {
    async fn take(State(this): State<Self>, body: Bytes) -> (StatusCode, &'static str) {
        let event: Event = serde_json::from_slice(&body).expect("an event");
        if this.log.refuses.load(Ordering::SeqCst) {
            return (StatusCode::BAD_REQUEST, "not today");
        }
        let before = this.log.under_way.lock().expect("a log").insert(event.subject, event.clone());
        this.log.overlaps.fetch_add(usize::from(before.is_some()), Ordering::SeqCst);
        sleep(Duration::from_millis(3)).await;
        wait_for_permit(this.log.permits.as_ref()).await;
        this.log.under_way.lock().expect("a log").remove(&event.subject);
        this.log.received.lock().expect("a log").push((this.name, event));
        (StatusCode::NO_CONTENT, "")
    }

    /// Listens, and returns an event bus that delivers to it.
    fn listen(self, listener: TcpListener) -> EventBus {
        let url = format!("http://{}/graphql", listener.local_addr().expect("an address"));
        let routes = Router::new().route("/events", post(Self::take)).with_state(self);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        bus_to(&url)
    }
}

fn bus_to(url: &str) -> EventBus {
    let context = ServiceContext::new(verifier());
    context.peers.add_remote("notification", url, None).expect("an address");
    context.event_bus
}

/// An event bus without peers.
fn unconnected_bus() -> EventBus {
    Arc::new(Peers::default())
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn two_relays_share_the_work_and_keep_the_order(db: PgPool) {
    const SUBJECTS: usize = 40;
    const EACH: usize = 5;
    publish(&db, (0..SUBJECTS * EACH).map(|index| payload(index % SUBJECTS, index / SUBJECTS))).await;
    let log = Arc::new(Log::default());
    let one = Listener { name: 1, log: Arc::clone(&log) }.listen(listener().await);
    let two = Listener { name: 2, log: Arc::clone(&log) }.listen(listener().await);

    let _relays = [work(&subgraph("enrollment", &db), &one), work(&subgraph("enrollment", &db), &two)];
    until("all are delivered", async || count(&db, WAITING).await == 0).await;

    let received = log.received.lock().expect("a log");
    assert_eq!(received.len(), SUBJECTS * EACH, "each once");
    assert_eq!(log.overlaps.load(Ordering::SeqCst), 0);
    assert!([1, 2].iter().all(|relay| received.iter().any(|(by, _)| by == relay)), "both have worked");
    let mut next: HashMap<u128, usize> = HashMap::new();
    for (_, event) in received.iter() {
        let (subject, number) = subject_and_number(event);
        let expected = next.entry(subject).or_default();
        assert_eq!(number, *expected, "of {subject}");
        *expected += 1;
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_relay_stops_between_two_events(db: PgPool) {
    let log = Arc::new(Log { permits: Some(Semaphore::new(0)), ..Log::default() });
    let event_bus = Listener { name: 1, log: Arc::clone(&log) }.listen(listener().await);
    publish(&db, (0..3).map(|number| payload(1, number))).await;

    let permits = log.permits.as_ref().expect("it has some");
    let is_under_way = async || !log.under_way.lock().expect("a log").is_empty();
    stop_in_the_middle(&subgraph("enrollment", &db), &event_bus, permits, is_under_way).await;

    assert_eq!(log.received.lock().expect("a log").len(), 1);
    assert_eq!(count(&db, WAITING).await, 2);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn events_wait_for_an_unavailable_consumer(db: PgPool) {
    let port = listener().await;
    let address = port.local_addr().expect("an address");
    drop(port);
    publish(&db, (0..5).map(|number| payload(1, number))).await;

    let _relay = work(&subgraph("enrollment", &db), &bus_to(&format!("http://{address}/graphql")));
    until("it has tried", async || count(&db, "select max(attempts)::bigint from outbox_events").await > 1).await;
    assert_eq!(count(&db, WAITING).await, 5);
    assert_eq!(count(&db, "select count(*) from outbox_events where dead_lettered_at is not null").await, 0);
    let log = Arc::new(Log::default());
    let port = TcpListener::bind(address).await.expect("the same port");
    Listener { name: 1, log: Arc::clone(&log) }.listen(port);
    until("all are delivered", async || count(&db, WAITING).await == 0).await;

    let numbers: Vec<_> =
        log.received.lock().expect("a log").iter().map(|(_, event)| subject_and_number(event).1).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_is_rejected_is_dead_lettered_and_can_be_sent_again(db: PgPool) {
    let log = Arc::new(Log::default());
    log.refuses.store(true, Ordering::SeqCst);
    let event_bus = Listener { name: 1, log: Arc::clone(&log) }.listen(listener().await);
    publish(&db, [payload(1, 0)]).await;

    let _relay = work(&subgraph("enrollment", &db), &event_bus);
    until("it is dead-lettered", async || count(&db, "select count(dead_lettered_at) from outbox_events").await == 1)
        .await;
    let reason: String = query_scalar("select reason from outbox_events").fetch_one(&db).await.expect("a reason");
    assert!(reason.contains("not today"), "{reason}");

    log.refuses.store(false, Ordering::SeqCst);
    // The next event of the same subject is not blocked by it.
    publish(&db, [payload(1, 1)]).await;
    until("the next one is delivered", async || count(&db, WAITING).await == 1).await;
    query("update outbox_events set dead_lettered_at = null, attempts = 0")
        .execute(&db)
        .await
        .expect("it is sent again");
    query("select pg_notify('outbox', '')").execute(&db).await.expect("the relay is woken");
    until("it is delivered", async || count(&db, WAITING).await == 0).await;
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_is_done_is_kept_for_the_set_time(db: PgPool) {
    for hours in [None, Some(1_i32), Some(167), Some(169), Some(1_000)] {
        query(
            "insert into outbox_events (event_id, destination, type, subject, event, delivered_at)
             values (gen_random_uuid(), 'nobody', '', gen_random_uuid(), '{}', now() - make_interval(hours => $1::int))",
        )
        .bind(hours)
        .execute(&db)
        .await
        .expect("an event");
        query(
            "insert into inbox_events (event_id, type, subject, event, dead_lettered_at, processed_at)
             values (gen_random_uuid(), '', gen_random_uuid(), '{}', case when $1::int is null then now() end,
                     now() - make_interval(hours => $1::int))",
        )
        .bind(hours)
        .execute(&db)
        .await
        .expect("an event");
    }

    let _work = work(&consumer(&db, &Arc::default()), &unconnected_bus());
    until("the old ones are gone", async || count(&db, "select count(*) from inbox_events").await == 3).await;
    let _sender = work(&subgraph("enrollment", &db), &unconnected_bus());
    until("the old ones are gone", async || count(&db, "select count(*) from outbox_events").await == 3).await;

    sleep(Duration::from_millis(200)).await;
    assert_eq!(count(&db, "select count(*) from inbox_events").await, 3);
    assert_eq!(count(&db, "select count(*) from outbox_events").await, 3);
}

/// The configured behavior of a handler, and a log of handled events.
#[derive(Default)]
struct Act {
    failures: AtomicUsize,
    panics: AtomicUsize,
    begun: AtomicUsize,
    /// Taken by each event, if present.
    permits: Option<Semaphore>,
    done: Mutex<Vec<(u128, usize)>>,
    afterwards: AtomicUsize,
}

#[derive(Clone)]
struct Actor(Arc<Act>);

impl Handler for Actor {
    async fn handle(&self, transaction: &mut PgConnection, event: Event) -> Result<AfterCommit, Error> {
        let take =
            |left: &AtomicUsize| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        wait_for_permit(self.0.permits.as_ref()).await;
        // Rolled back if the handler fails.
        query("insert into enrollments (student_id, course_id) values (gen_random_uuid(), $1)")
            .bind(event.subject)
            .execute(transaction)
            .await?;
        if take(&self.0.failures).is_ok() {
            return Err(Error::internal(std::io::Error::other("it does not work")));
        }
        assert!(take(&self.0.panics).is_err(), "it panics");
        sleep(Duration::from_millis(1)).await;
        self.0.done.lock().expect("a list").push(subject_and_number(&event));
        let act = Arc::clone(&self.0);
        Ok(Some(Box::new(move || _ = act.afterwards.fetch_add(1, Ordering::SeqCst))))
    }
}

fn consumer(db: &PgPool, act: &Arc<Act>) -> Subgraph {
    subgraph("notification", db).with_event_handler(Actor(Arc::clone(act)))
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn an_event_that_fails_too_often_is_dead_lettered_and_can_be_acted_on_again(db: PgPool) {
    let act = Arc::new(Act::default());
    act.failures.store(8, Ordering::SeqCst);
    let subgraph = consumer(&db, &act);
    receive(&subgraph, &Event::new(payload(1, 0))).await;

    for attempts in 1..=8 {
        process_all(&subgraph).await;
        assert_eq!(count(&db, "select attempts::bigint from inbox_events").await, attempts);
        assert_eq!(count(&db, "select count(dead_lettered_at) from inbox_events").await, i64::from(attempts == 8));
        query("update inbox_events set next_attempt_at = now()").execute(&db).await.expect("time passes");
    }
    let (reason,): (String,) = query_as("select reason from inbox_events").fetch_one(&db).await.expect("a reason");
    assert!(reason.contains("it does not work"), "{reason}");
    assert_eq!(count(&db, "select count(*) from enrollments").await, 0);

    query("update inbox_events set dead_lettered_at = null, attempts = 0")
        .execute(&db)
        .await
        .expect("it is sent again");
    process_all(&subgraph).await;
    assert_eq!(count(&db, "select count(processed_at) from inbox_events").await, 1);
    assert_eq!(count(&db, "select count(*) from enrollments").await, 1);
}

/// Written while the server's clock was ahead.
#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn no_event_waits_until_a_clock_was_right(db: PgPool) {
    let act = Arc::new(Act::default());
    let inbox = consumer(&db, &act);
    receive(&inbox, &Event::new(payload(1, 0))).await;
    publish(&db, [payload(2, 0)]).await;
    for statement in [
        "update inbox_events set received_at = now() + interval '400 days', next_attempt_at = now() + interval '400 days'",
        "update outbox_events set written_at = now() + interval '400 days', next_attempt_at = now() + interval '400 days'",
    ] {
        query(statement).execute(&db).await.expect("the clock was ahead");
    }

    process_all(&inbox).await;
    assert_eq!(count(&db, "select count(processed_at) from inbox_events").await, 1);
    let event_bus = Listener { name: 1, log: Arc::new(Log::default()) }.listen(listener().await);
    let _relay = work(&subgraph("enrollment", &db), &event_bus);
    until("it is delivered", async || count(&db, WAITING).await == 0).await;
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_consumer_stops_between_two_events(db: PgPool) {
    let act = Arc::new(Act { permits: Some(Semaphore::new(0)), ..Act::default() });
    let subgraph = consumer(&db, &act);
    for number in 0..3 {
        receive(&subgraph, &Event::new(payload(1, number))).await;
    }

    let permits = act.permits.as_ref().expect("it has some");
    let has_begun = async || act.begun.load(Ordering::SeqCst) > 0;
    stop_in_the_middle(&subgraph, &unconnected_bus(), permits, has_begun).await;

    assert_eq!(act.done.lock().expect("a list").as_slice(), [(1, 0)]);
    assert_eq!(act.begun.load(Ordering::SeqCst), 1);
    assert_eq!(count(&db, "select count(*) from inbox_events where processed_at is null").await, 2);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_is_left_to_do_afterwards_is_done_once_the_effect_is_there(db: PgPool) {
    let act = Arc::new(Act::default());
    let subgraph = consumer(&db, &act);
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'not now'; end $$;
         create constraint trigger rejection after insert on enrollments deferrable initially deferred
         for each row execute function refuse();",
    )
    .execute(&db)
    .await
    .expect("no commit works");
    let _work = work(&subgraph, &unconnected_bus());

    receive(&subgraph, &Event::new(payload(1, 0))).await;
    until("it was tried", async || act.done.lock().expect("a list").len() >= 2).await;
    assert_eq!(act.afterwards.load(Ordering::SeqCst), 0, "nothing was committed");

    query("drop trigger rejection on enrollments").execute(&db).await.expect("commits work");
    until("it is done", async || count(&db, "select count(processed_at) from inbox_events").await == 1).await;
    until("what comes afterwards is done", async || act.afterwards.load(Ordering::SeqCst) == 1).await;
    assert_eq!(count(&db, "select count(*) from enrollments").await, 1);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_failure_is_tried_again_soon_even_after_a_panic(db: PgPool) {
    let act = Arc::new(Act::default());
    act.failures.store(1, Ordering::SeqCst);
    act.panics.store(1, Ordering::SeqCst);
    let subgraph = consumer(&db, &act);
    let _work = work(&subgraph, &unconnected_bus());
    receive(&subgraph, &Event::new(payload(1, 0))).await;
    let start = Instant::now();

    until("it is done", async || count(&db, "select count(processed_at) from inbox_events").await == 1).await;

    // The backoff of 0.1 s and 0.2 s, not the polling interval of two seconds.
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
    assert_eq!(count(&db, "select count(*) from enrollments").await, 1);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn two_processes_act_on_each_event_once_and_in_order(db: PgPool) {
    const SUBJECTS: usize = 10;
    const EACH: usize = 10;
    let act = Arc::new(Act::default());
    let subgraph = consumer(&db, &act);
    let _work = [work(&consumer(&db, &act), &unconnected_bus()), work(&consumer(&db, &act), &unconnected_bus())];

    for index in 0..SUBJECTS * EACH {
        let event = Event::new(payload(index % SUBJECTS, index / SUBJECTS));
        receive(&subgraph, &event).await;
        receive(&subgraph, &event).await;
    }
    until("all is done", async || {
        count(&db, "select count(*) from inbox_events where processed_at is null").await == 0
    })
    .await;

    let done = act.done.lock().expect("a list");
    assert_eq!(done.len(), SUBJECTS * EACH);
    let mut next: HashMap<u128, usize> = HashMap::new();
    for &(subject, number) in done.iter() {
        let expected = next.entry(subject).or_default();
        assert_eq!(number, *expected, "of {subject}");
        *expected += 1;
    }
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn an_event_travels_by_function_call_and_is_acted_on(db: PgPool) {
    let act = Arc::new(Act::default());
    let context = ServiceContext::new(verifier());
    let listener = consumer(&db, &act);
    context.peers.add(listener.clone());
    let _work = [work(&subgraph("enrollment", &db), &context.event_bus), work(&listener, &context.event_bus)];
    let start = Instant::now();

    publish(&db, [payload(1, 0), payload(1, 1)]).await;
    until("it is done", async || act.done.lock().expect("a list").len() == 2).await;

    // Woken by the database's notification, not by polling.
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
}

/// A real server, with its own data directory.
struct Nats {
    process: Child,
    port: u16,
    data: PathBuf,
}

impl Nats {
    fn start() -> Self {
        let port = free_port();
        let data = env::temp_dir().join(format!("nats-{}", Uuid::now_v7()));
        Self { process: Self::spawn(port, &data), port, data }
    }

    fn spawn(port: u16, data: &Path) -> Child {
        let program = env::var("NATS_SERVER").unwrap_or_else(|_| "/usr/sbin/nats-server".to_owned());
        let mut command = Command::new(program);
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(data).stderr(Stdio::null());
        command.spawn().expect("`nats-server` starts: Debian has it as a package")
    }

    /// Kills the server, and deletes its data.
    fn lose(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.data).expect("its data is deleted");
    }

    fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }

    fn start_again(&mut self) {
        self.process = Self::spawn(self.port, &self.data);
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    async fn event_bus(&self, secret: &str) -> EventBus {
        self.bus_of("lyceum", secret).await
    }

    /// The event bus of a system with this NATS name.
    async fn bus_of(&self, system: &str, secret: &str) -> EventBus {
        let nats_name = system.parse().expect("a name");
        let event_bus = self.url().parse().expect("a URL");
        let settings = EventSettings { event_bus, nats_name, ..EventSettings::default() };
        let secrets: Secrets = secret.parse().expect("a secret");
        let context = ServiceContext::open(verifier(), &settings, Some(secrets), SealKeys::random());
        context.await.expect("an address").event_bus
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

const SECRET: &str = "the services of this test sign with this";
const OTHER_SECRET: &str = "and somebody else would sign with this one";

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn events_travel_through_nats_in_order_and_none_is_lost_with_it(db: PgPool) {
    const SUBJECTS: usize = 5;
    const EACH: usize = 20;
    let mut nats = Nats::start();
    let act = Arc::new(Act::default());
    let _work = [
        work(&subgraph("enrollment", &db), &nats.event_bus(SECRET).await),
        work(&subgraph("enrollment", &db), &nats.event_bus(SECRET).await),
        work(&consumer(&db, &act), &nats.event_bus(SECRET).await),
        work(&consumer(&db, &act), &nats.event_bus(SECRET).await),
    ];

    for number in 0..EACH {
        publish(&db, (0..SUBJECTS).map(|subject| payload(subject, number))).await;
        if number == EACH / 2 {
            until("some are under way", async || count(&db, PUBLISH_COUNT).await > 0).await;
            nats.lose();
            nats.start_again();
        }
    }
    until("all is done", async || act.done.lock().expect("a list").len() >= SUBJECTS * EACH).await;
    until("all have arrived", async || count(&db, WAITING).await == 0).await;

    let done = act.done.lock().expect("a list").clone();
    for subject in 0..SUBJECTS {
        let numbers: Vec<_> = done.iter().filter(|(of, _)| *of == subject as u128).map(|(_, number)| *number).collect();
        assert_eq!(numbers, (0..EACH).collect::<Vec<_>>(), "of {subject}");
    }
    assert_eq!(count(&db, "select count(*) from inbox_events where dead_lettered_at is not null").await, 0);
}

const PUBLISH_COUNT: &str = "select coalesce(sum(publish_count), 0) from outbox_events";

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn an_event_counts_as_delivered_when_its_receipt_has_come(db: PgPool) {
    let nats = Nats::start();
    let event_bus = nats.event_bus(SECRET).await;
    let act = Arc::new(Act::default());
    publish(&db, [payload(1, 0), payload(1, 1)]).await;

    let producer = work(&subgraph("enrollment", &db), &event_bus);
    until("it is sent", async || count(&db, PUBLISH_COUNT).await > 0).await;
    drop(producer);
    let _consumer = work(&consumer(&db, &act), &event_bus);
    until("it is acted on", async || act.done.lock().expect("a list").len() == 1).await;
    // The ack was missed, and the subject's next event is not published.
    assert_eq!(count(&db, WAITING).await, 2);

    let _teller = work(&subgraph("enrollment", &db), &event_bus);
    until("both have arrived", async || count(&db, WAITING).await == 0).await;
    until("both are acted on", async || act.done.lock().expect("a list").len() == 2).await;
    assert_eq!(*act.done.lock().expect("a list"), [(1, 0), (1, 1)]);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_is_sent_again_takes_the_place_of_what_was_sent_before(db: PgPool) {
    const AGAIN: &str = "update outbox_events set next_attempt_at = now()";
    let nats = Nats::start();
    let act = Arc::new(Act::default());
    publish(&db, (0..3).map(|subject| payload(subject, 0))).await;
    let _teller = work(&subgraph("enrollment", &db), &nats.event_bus(SECRET).await);
    for times in 1..=4 {
        until("all are sent", async || count(&db, PUBLISH_COUNT).await == 3 * times).await;
        query(AGAIN).execute(&db).await.expect("time passes");
        query("select pg_notify('outbox', '')").execute(&db).await.expect("the relay is woken");
    }
    until("all are sent once more", async || count(&db, PUBLISH_COUNT).await == 15).await;

    let client = async_nats::connect(nats.url()).await.expect("a connection");
    let mut stream = async_nats::jetstream::new(client).get_stream("lyceum").await.expect("a stream");
    assert_eq!(stream.info().await.expect("its state").state.messages, 3);
    let _consumer = work(&consumer(&db, &act), &nats.event_bus(SECRET).await);
    until("all have arrived", async || count(&db, WAITING).await == 0).await;
    until("all are acted on", async || act.done.lock().expect("a list").len() == 3).await;
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn an_odd_event_stops_nobody_from_reading_on(db: PgPool) {
    let nats = Nats::start();
    let act = Arc::new(Act::default());
    let _consumer = work(&consumer(&db, &act), &nats.event_bus(SECRET).await);
    publish(&db, [payload(1, 0)]).await;
    let _teller = work(&subgraph("enrollment", &db), &nats.event_bus(SECRET).await);
    until("it has arrived", async || count(&db, WAITING).await == 0).await;
    let client = async_nats::connect(nats.url()).await.expect("a connection");

    let mut odd = Event::new(payload(2, 0));
    odd.source = "https://example.com/no part of a subject".to_owned();
    let body = serde_json::to_vec(&odd).expect("JSON");
    say(&client, &format!("{EVENTS}{}", odd.id), body, Some(SECRET)).await;
    let unreadable = r#"{"event": "no id", "consumer": "notification", "rejected": null}"#.as_bytes().to_vec();
    say(&client, ACKS, unreadable, Some(SECRET)).await;
    let id = Uuid::now_v7();
    let no_text = format!(r#"{{"event": "{id}", "consumer": "\u0000", "rejected": "\u0000"}}"#).into_bytes();
    say(&client, ACKS, no_text, Some(SECRET)).await;
    publish(&db, [payload(3, 0)]).await;
    until("what comes later has arrived", async || count(&db, WAITING).await == 0).await;
    until("all are acted on", async || act.done.lock().expect("a list").len() == 3).await;
    let stream = async_nats::jetstream::new(client).get_stream("lyceum").await.expect("a stream");
    until("nothing comes again", async || {
        let reader = stream.consumer_info("notification").await.expect("a consumer");
        reader.num_ack_pending == 0 && reader.num_pending == 0
    })
    .await;
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_an_inbox_rejects_is_dead_lettered_by_the_sender(db: PgPool) {
    let nats = Nats::start();
    let event_bus = nats.event_bus(SECRET).await;
    let listener = consumer(&db, &Arc::default());
    publish(&db, [payload(1, 0)]).await;
    let id: Uuid = query_scalar("select event_id from outbox_events").fetch_one(&db).await.expect("an event");
    let mut other = Event::new(payload(2, 0));
    other.id = id;
    receive(&listener, &other).await;

    let _work = [work(&subgraph("enrollment", &db), &event_bus), work(&listener, &event_bus)];
    until("it is dead-lettered", async || count(&db, "select count(dead_lettered_at) from outbox_events").await == 1)
        .await;

    let reason: String = query_scalar("select reason from outbox_events").fetch_one(&db).await.expect("a reason");
    assert!(reason.contains("another event with this id was received before"), "{reason}");
    assert_eq!(count(&db, "select count(*) from inbox_events").await, 1);
}

const EVENTS: &str = "lyceum.event.notification.enrollment.created.";
const ACKS: &str = "lyceum.ack.enrollment";

async fn say(client: &async_nats::Client, subject: &str, body: Vec<u8>, secret: Option<&str>) {
    let signature = secret.map(|secret| secret.parse::<Secrets>().expect("a secret").sign_message(subject, &body));
    send(client, subject, body, signature).await;
}

async fn send(client: &async_nats::Client, subject: &str, body: Vec<u8>, signature: Option<String>) {
    let mut headers = HeaderMap::new();
    if let Some(signature) = signature {
        headers.insert("Lyceum-Signature", signature);
    }
    client.publish_with_headers(subject.to_owned(), headers, body.into()).await.expect("it is sent");
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_nobody_has_signed_in_nats_is_not_heeded(db: PgPool) {
    let nats = Nats::start();
    let act = Arc::new(Act::default());
    let event_bus = nats.event_bus(SECRET).await;
    // Its secret differs from the listener's, so all its messages are ignored.
    let producer = work(&subgraph("enrollment", &db), &nats.event_bus(OTHER_SECRET).await);
    let _listener = work(&consumer(&db, &act), &event_bus);
    publish(&db, [payload(1, 0), payload(2, 0)]).await;
    until("both are sent", async || count(&db, PUBLISH_COUNT).await >= 2).await;

    let client = async_nats::connect(nats.url()).await.expect("a connection");
    let event = |subject| serde_json::to_vec(&Event::new(payload(subject, 0))).expect("JSON");
    say(&client, &format!("{EVENTS}0"), event(3), None).await;
    say(&client, &format!("{EVENTS}1"), event(4), Some(OTHER_SECRET)).await;
    say(&client, &format!("{EVENTS}2"), b"\0 no JSON".to_vec(), None).await;
    let of_others = SECRET
        .parse::<Secrets>()
        .expect("a secret")
        .sign_message("lyceum.event.payment.enrollment.rejected.3", &event(6));
    send(&client, &format!("{EVENTS}3"), event(6), Some(of_others)).await;
    say(&client, &format!("{EVENTS}4"), event(5), Some(SECRET)).await;
    until("the signed one has come", async || !act.done.lock().expect("a list").is_empty()).await;
    assert_eq!(*act.done.lock().expect("a list"), [(5, 0)]);
    assert_eq!(count(&db, "select count(*) from inbox_events").await, 1);

    let ids: Vec<Uuid> =
        query_scalar("select event_id from outbox_events order by position").fetch_all(&db).await.expect("two");
    let ack = |id| format!(r#"{{"event": "{id}", "consumer": "notification", "rejected": null}}"#).into_bytes();
    say(&client, ACKS, ack(ids[0]), None).await;
    say(&client, ACKS, ack(ids[0]), Some(SECRET)).await;
    say(&client, ACKS, ack(ids[1]), Some(OTHER_SECRET)).await;
    until("the signed one is believed", async || count(&db, WAITING).await < 2).await;
    let waiting: Uuid = query_scalar(WAITING_ID).fetch_one(&db).await.expect("one waits");
    assert_eq!(waiting, ids[0]);

    // With the right secret, the pending events are delivered.
    drop(producer);
    let _teller = work(&subgraph("enrollment", &db), &event_bus);
    until("it has arrived", async || count(&db, WAITING).await == 0).await;
    until("it is acted on", async || act.done.lock().expect("a list").len() == 2).await;
    assert_eq!(*act.done.lock().expect("a list"), [(5, 0), (1, 0)]);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn a_stream_of_an_earlier_version_is_brought_up_to_date(db: PgPool) {
    let nats = Nats::start();
    until("NATS is there", async || async_nats::connect(nats.url()).await.is_ok()).await;
    let client = async_nats::connect(nats.url()).await.expect("a connection");
    let jetstream = async_nats::jetstream::new(client);
    let old =
        stream::Config { name: "lyceum".to_owned(), subjects: vec!["lyceum.event.>".to_owned()], ..Default::default() };
    let stream = jetstream.create_stream(old).await.expect("a stream");
    let old = pull::Config {
        durable_name: Some("notification".to_owned()),
        filter_subject: "lyceum.event.notification.>".to_owned(),
        ack_wait: Duration::from_secs(3),
        ..Default::default()
    };
    stream.create_consumer(old).await.expect("a reader");
    let (act, event_bus) = (Arc::new(Act::default()), nats.event_bus(SECRET).await);

    publish(&db, [payload(1, 0)]).await;
    let _work = [work(&subgraph("enrollment", &db), &event_bus), work(&consumer(&db, &act), &event_bus)];

    until("it has come", async || act.done.lock().expect("a list").len() == 1).await;
    let stream = jetstream.get_stream("lyceum").await.expect("a stream");
    assert_eq!(stream.cached_info().config.max_messages_per_subject, 1);
    let reader = stream.consumer_info("notification").await.expect("a reader");
    assert_eq!(reader.config.ack_wait, Duration::from_secs(5));
}

const WAITING_ID: &str = "select event_id from outbox_events where delivered_at is null";

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn two_systems_share_a_nats_server_and_hear_nothing_of_each_other(db: PgPool) {
    let nats = Nats::start();
    let (ours, theirs) = (nats.bus_of("lyceum", SECRET).await, nats.bus_of("staging_2", SECRET).await);
    let act = Arc::new(Act::default());
    let producer = subgraph("enrollment", &db);

    publish(&db, [payload(1, 0)]).await;
    let their_relay = work(&producer, &theirs);
    until("it is in NATS", async || count(&db, PUBLISH_COUNT).await > 0).await;
    drop(their_relay);
    // The other system would have its own outbox.
    query("delete from outbox_events").execute(&db).await.expect("it is taken away");
    publish(&db, [payload(2, 0)]).await;
    let _work = [work(&producer, &ours), work(&consumer(&db, &act), &ours)];
    until("ours has come", async || !act.done.lock().expect("a list").is_empty()).await;

    let late = work(&consumer(&db, &act), &theirs);
    until("theirs has come to them", async || act.done.lock().expect("a list").len() == 2).await;
    drop(late);
    assert_eq!(*act.done.lock().expect("a list"), [(2, 0), (1, 0)]);
}

#[sqlx::test(migrations = "../../migrations/enrollment")]
async fn what_was_sent_through_nats_arrives_when_the_bus_is_local_again(db: PgPool) {
    let nats = Nats::start();
    publish(&db, [payload(1, 0)]).await;
    let relay = work(&subgraph("enrollment", &db), &nats.event_bus(SECRET).await);
    until("it is in NATS", async || count(&db, PUBLISH_COUNT).await > 0).await;
    drop((relay, nats));
    query("update outbox_events set next_attempt_at = now() + interval '1 hour'")
        .execute(&db)
        .await
        .expect("it has gone often");
    let act = Arc::new(Act::default());
    let context = ServiceContext::new(verifier());
    let listener = consumer(&db, &act);
    context.peers.add(listener.clone());

    let _work = [work(&subgraph("enrollment", &db), &context.event_bus), work(&listener, &context.event_bus)];

    until("it is done", async || act.done.lock().expect("a list").len() == 1).await;
    assert_eq!(count(&db, WAITING).await, 0);
}
