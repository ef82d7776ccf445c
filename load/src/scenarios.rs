//! What people do: visitors, students, buyers, followers and teachers, each as a scenario of goose.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use goose::prelude::*;
use rand::{RngExt as _, seq::IndexedRandom as _};
use reqwest::Client;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    follow::Follower,
    ledger::Ledger,
    operations::{
        CATALOGUE, COURSE_PAGE, COURSE_STUDENTS, CREATE_COURSE, ENROLL, MY_COURSES, MY_PAYMENTS, MY_PROFILE,
        NOTIFICATIONS, Operation, PURCHASE_COURSE, SEARCH, STUDENT_HOME, TEACHER_PAGE, UPDATE_COURSE,
    },
    people::{Person, REQUEST_TIMEOUT, Waiting, address},
};

/// A notification that has not come by then is missed.
const HEARD_WITHIN: Duration = Duration::from_secs(30);
/// What one purchase tells its student.
const TOLD: [&str; 2] = ["PAYMENT", "ENROLLMENT"];
const HEARD: &str = "heard of the purchase";
/// What people search for: topics, which one course in a hundred has or more, and what none has. Not words of two letters,
/// which no index finds: [`crate::search`] has one.
const WORDS: [&str; 12] = [
    "Rust",
    "Python",
    "Piano",
    "history",
    "design",
    "data",
    "Bread Baking",
    "watercolour",
    "kubernetes",
    "statistics",
    "SQL",
    "no such course",
];
/// What a screen shows of a catalogue.
const PAGE: usize = 20;

/// Somebody who does something, and how many of twenty people they are: seven of ten browse, two study, one teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks around without signing in.
    Visitor,
    /// Studies, and enrolls for nothing.
    Student,
    /// A student who buys courses.
    Buyer,
    /// A student who buys courses and hears of it in another window.
    Follower,
    /// Looks after their courses.
    Teacher,
}

/// All of them.
pub const ROLES: [Role; 5] = [Role::Visitor, Role::Student, Role::Buyer, Role::Follower, Role::Teacher];
/// Whom the weights count.
pub const PEOPLE: usize = 20;

impl Role {
    /// How many of [`PEOPLE`].
    #[must_use]
    pub fn weight(self) -> usize {
        match self {
            Self::Visitor => 14,
            Self::Student | Self::Teacher => 2,
            Self::Buyer | Self::Follower => 1,
        }
    }

    /// What tables call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Student => "student",
            Self::Buyer => "buyer",
            Self::Follower => "follower",
            Self::Teacher => "teacher",
        }
    }
}

/// What all of them share.
#[derive(Debug, Default)]
pub struct World {
    /// The router's URL.
    pub router: String,
    /// Students whom nobody plays.
    pub students: Waiting,
    /// Teachers whom nobody plays.
    pub teachers: Waiting,
    /// What students have bought.
    pub ledger: Ledger,
    /// How far it is.
    pub progress: Progress,
    /// How long people look at a page.
    pub pause: Pause,
    /// How many have come, each with a network address of their own.
    pub clients: AtomicUsize,
}

/// Between two pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pause {
    /// At least.
    pub min: Duration,
    /// At most.
    pub max: Duration,
}

/// What has happened so far.
#[derive(Debug, Default)]
pub struct Progress {
    /// Answers, right or wrong.
    pub requests: AtomicU64,
    /// Those that were not right.
    pub errors: AtomicU64,
    /// Notifications that followers heard.
    pub heard: AtomicU64,
    /// Notifications that they did not.
    pub missed: AtomicU64,
    /// Notifications that came twice.
    pub repeated: AtomicU64,
}

/// Somebody who is played.
#[derive(Clone)]
struct Played {
    world: Arc<World>,
    role: Role,
    person: Option<Arc<Person>>,
    follower: Option<Arc<Follower>>,
    bought: usize,
}

type Done<T> = Result<T, Box<TransactionError>>;

/// The scenario of a role.
pub fn scenario(world: &Arc<World>, role: Role) -> Result<Scenario, GooseError> {
    let arrives = Arc::clone(world);
    let arrive = Transaction::new(Arc::new(move |user| Box::pin(arrive(user, Arc::clone(&arrives), role))));
    let scenario = Scenario::new(role.name())
        .set_weight(role.weight())?
        .set_wait_time(world.pause.min, world.pause.max)?
        .register_transaction(arrive.set_on_start());
    let scenario = match role {
        Role::Visitor => scenario
            .register_transaction(transaction!(look_around))
            .register_transaction(transaction!(search))
            .register_transaction(transaction!(look_at_a_course)),
        Role::Student => scenario
            .register_transaction(transaction!(come_home))
            .register_transaction(transaction!(search))
            .register_transaction(transaction!(enroll))
            .register_transaction(transaction!(look_at_own_courses)),
        Role::Buyer => scenario
            .register_transaction(transaction!(search))
            .register_transaction(transaction!(buy))
            .register_transaction(transaction!(look_at_payments)),
        Role::Follower => scenario.register_transaction(transaction!(buy_and_hear_of_it)),
        Role::Teacher => scenario
            .register_transaction(transaction!(look_at_profile))
            .register_transaction(transaction!(look_at_students))
            .register_transaction(transaction!(write_a_course)),
    };
    let leave = Transaction::new(Arc::new(|user| {
        leave(user);
        Box::pin(ready(Ok(())))
    }));
    Ok(scenario.register_transaction(leave.set_on_stop()))
}

async fn arrive(user: &mut GooseUser, world: Arc<World>, role: Role) -> TransactionResult {
    let number = world.clients.fetch_add(1, Ordering::Relaxed);
    user.set_client_builder(Client::builder().local_address(address(number))).await.map_err(Box::new)?;
    let person = match role {
        Role::Visitor => None,
        Role::Teacher => Some(world.teachers.take().ok_or_else(|| custom("there are too few teachers"))?),
        _ => Some(world.students.take().ok_or_else(|| custom("there are too few students"))?),
    };
    let mut follower = None;
    if let (Role::Follower, Some(person)) = (role, &person) {
        let began = Instant::now();
        let opened = Follower::open(user.client.clone(), world.router.clone(), Arc::clone(person)).await;
        let error = opened.as_ref().err().map(|error| format!("{error:#}"));
        count(user, &world, role, "NotificationAdded, opened", began, error.as_deref()).await?;
        follower = opened.ok().map(Arc::new);
    }
    user.set_session_data(Played { world, role, person, follower, bought: 0 });
    Ok(())
}

fn leave(user: &mut GooseUser) {
    let Some(played) = user.get_session_data_mut::<Played>() else { return };
    if let Some(follower) = played.follower.take() {
        let Progress { heard, missed, repeated, .. } = &played.world.progress;
        for count in TOLD.map(|kind| follower.count(kind)) {
            heard.fetch_add(count as u64, Ordering::Relaxed);
            missed.fetch_add(played.bought.saturating_sub(count) as u64, Ordering::Relaxed);
        }
        repeated.fetch_add(follower.repeated() as u64, Ordering::Relaxed);
    }
    if let Some(person) = played.person.take() {
        let waiting = if played.role == Role::Teacher { &played.world.teachers } else { &played.world.students };
        waiting.give_back(person);
    }
}

async fn look_around(user: &mut GooseUser) -> TransactionResult {
    let answer = ask(user, CATALOGUE, json!({ "first": PAGE })).await?;
    let after = &answer["courses"]["pageInfo"]["endCursor"];
    ask(user, CATALOGUE, json!({ "first": PAGE, "after": after })).await?;
    Ok(())
}

async fn search(user: &mut GooseUser) -> TransactionResult {
    let word = WORDS.choose(&mut rand::rng()).copied().unwrap_or_default();
    ask(user, SEARCH, json!({ "first": PAGE, "filter": { "search": word } })).await?;
    Ok(())
}

async fn look_at_a_course(user: &mut GooseUser) -> TransactionResult {
    let answer = ask(user, CATALOGUE, json!({ "first": PAGE })).await?;
    let number = rand::rng().random_range(0..PAGE);
    let course = &answer["courses"]["nodes"][number];
    ask(user, COURSE_PAGE, json!({ "courseId": course["id"] })).await?;
    ask(user, TEACHER_PAGE, json!({ "teacherId": course["teacher"]["id"] })).await?;
    Ok(())
}

async fn come_home(user: &mut GooseUser) -> TransactionResult {
    ask(user, STUDENT_HOME, json!({})).await?;
    ask(user, NOTIFICATIONS, json!({ "first": PAGE })).await?;
    Ok(())
}

async fn look_at_own_courses(user: &mut GooseUser) -> TransactionResult {
    ask(user, MY_COURSES, json!({})).await?;
    Ok(())
}

async fn enroll(user: &mut GooseUser) -> TransactionResult {
    let (world, person) = student(user)?;
    let course = person.choose(true).await.map_err(custom)?;
    ask(user, COURSE_PAGE, json!({ "courseId": course })).await?;
    let answer = ask(user, ENROLL, json!({ "input": { "courseId": course } })).await?;
    if answer["enroll"]["enrollment"]["id"].is_string() {
        world.ledger.enrolled(&person);
    }
    Ok(())
}

async fn buy(user: &mut GooseUser) -> TransactionResult {
    let (world, person) = student(user)?;
    let course = person.choose(false).await.map_err(custom)?;
    let answer = ask(user, COURSE_PAGE, json!({ "courseId": course })).await?;
    let price = &answer["course"]["price"];
    let key = Uuid::now_v7().to_string();
    let number = world.ledger.begin(&person, &course, &key);
    let input = json!({ "courseId": course, "idempotencyKey": key, "expectedAmount": price });
    let answer = ask(user, PURCHASE_COURSE, json!({ "input": input })).await?;
    if let Some(payment) = answer["purchaseCourse"]["payment"]["id"].as_str() {
        world.ledger.paid(number, payment);
    }
    Ok(())
}

async fn look_at_payments(user: &mut GooseUser) -> TransactionResult {
    ask(user, MY_PAYMENTS, json!({ "first": PAGE })).await?;
    Ok(())
}

async fn buy_and_hear_of_it(user: &mut GooseUser) -> TransactionResult {
    let played = user.get_session_data_unchecked::<Played>();
    let (world, role, follower) = (Arc::clone(&played.world), played.role, played.follower.clone());
    let follower = follower.ok_or_else(|| custom("there is no stream"))?;
    let wanted = TOLD.map(|kind| (kind, follower.count(kind) + 1));
    buy(user).await?;
    user.get_session_data_unchecked_mut::<Played>().bought += 1;
    let began = Instant::now();
    let has_heard = follower.wait_for(&wanted, HEARD_WITHIN).await;
    count(user, &world, role, HEARD, began, (!has_heard).then_some("missed")).await
}

async fn look_at_profile(user: &mut GooseUser) -> TransactionResult {
    ask(user, MY_PROFILE, json!({})).await?;
    ask(user, NOTIFICATIONS, json!({ "first": PAGE })).await?;
    Ok(())
}

async fn look_at_students(user: &mut GooseUser) -> TransactionResult {
    let (_, person) = student(user)?;
    let course = own_course(&person).await?;
    ask(user, COURSE_STUDENTS, json!({ "courseId": course, "first": PAGE })).await?;
    Ok(())
}

async fn write_a_course(user: &mut GooseUser) -> TransactionResult {
    let (_, person) = student(user)?;
    let course = own_course(&person).await?;
    let input = json!({ "courseId": course, "description": "Now with exercises for every chapter." });
    ask(user, UPDATE_COURSE, json!({ "input": input })).await?;
    let input = json!({
        "title": "Ownership and borrowing", "description": "What the Rust compiler checks for you.",
        "level": "INTERMEDIATE", "isFree": false, "price": "49.99", "durationMinutes": 180,
    });
    ask(user, CREATE_COURSE, json!({ "input": input })).await?;
    Ok(())
}

async fn own_course(teacher: &Person) -> Done<String> {
    let courses = teacher.own_courses().await.map_err(custom)?;
    courses.choose(&mut rand::rng()).cloned().ok_or_else(|| custom("a teacher without courses").into())
}

/// Whoever is played, if they have signed in.
fn student(user: &GooseUser) -> Done<(Arc<World>, Arc<Person>)> {
    let played = user.get_session_data::<Played>().ok_or_else(|| custom("nobody has arrived"))?;
    let person = played.person.clone().ok_or_else(|| custom("nobody has signed in"))?;
    Ok((Arc::clone(&played.world), person))
}

/// What the answer has for data. Errors in it, and what a mutation refuses, count as failures of the request.
async fn ask(user: &mut GooseUser, operation: Operation, variables: Value) -> Done<Value> {
    let played = user.get_session_data::<Played>().ok_or_else(|| custom("nobody has arrived"))?;
    let (world, role, person) = (Arc::clone(&played.world), played.role, played.person.clone());
    let body = json!({ "query": operation.document, "variables": variables });
    let mut builder = user.get_request_builder(&GooseMethod::Post, "graphql")?.timeout(REQUEST_TIMEOUT).json(&body);
    if let Some(person) = person {
        builder = builder.bearer_auth(person.token().await.map_err(custom)?);
    }
    let name = full_name(role, operation.name);
    let request = GooseRequest::builder().method(GooseMethod::Post).path("graphql").name(name.as_str());
    let mut sent = user.request(request.set_request_builder(builder).build()).await?;
    world.progress.requests.fetch_add(1, Ordering::Relaxed);
    let answer = match sent.response {
        Ok(response) => response.json::<Value>().await,
        Err(error) => Err(error),
    };
    match answer.map_err(|error| error.to_string()).and_then(data) {
        Ok(data) => Ok(data),
        Err(error) => {
            world.progress.errors.fetch_add(1, Ordering::Relaxed);
            user.set_failure(&error, &mut sent.request, None, None)?;
            Err(custom(error).into())
        }
    }
}

/// What the answer has for data, or the code of what went wrong.
fn data(mut answer: Value) -> Result<Value, String> {
    let code = |error: &Value| error["extensions"]["code"].as_str().unwrap_or("an error without a code").to_owned();
    if let Some(error) = answer["errors"].get(0) {
        return Err(code(error));
    }
    let data = answer["data"].take();
    let mut refusals = data.as_object().into_iter().flat_map(|fields| fields.values());
    let refusal = refusals.find_map(|payload| payload["userErrors"].get(0));
    match refusal {
        Some(refusal) => Err(refusal["code"].as_str().unwrap_or("a refusal without a code").to_owned()),
        None if data.is_object() => Ok(data),
        None => Err("no data".to_owned()),
    }
}

/// Counts what is no request by itself.
async fn count(
    user: &mut GooseUser,
    world: &World,
    role: Role,
    name: &str,
    began: Instant,
    error: Option<&str>,
) -> TransactionResult {
    world.progress.requests.fetch_add(1, Ordering::Relaxed);
    if error.is_some() {
        world.progress.errors.fetch_add(1, Ordering::Relaxed);
    }
    user.record_custom_request_duration("SSE", &full_name(role, name), began.elapsed(), error.is_none(), None, error)
        .await
}

fn full_name(role: Role, name: &str) -> String {
    format!("{}: {name}", role.name())
}

fn custom(error: impl std::fmt::Display) -> TransactionError {
    TransactionError::Custom(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_of_ten_browse_two_study_and_one_teaches() {
        let weight = |roles: &[Role]| roles.iter().map(|role| role.weight()).sum::<usize>() * 100 / PEOPLE;

        assert_eq!(weight(&[Role::Visitor]), 70);
        assert_eq!(weight(&[Role::Student, Role::Buyer, Role::Follower]), 20);
        assert_eq!(weight(&[Role::Teacher]), 10);
        assert_eq!(weight(&ROLES), 100);
    }

    #[test]
    fn errors_and_refusals_are_failures() {
        let refused = json!({ "data": { "enroll": { "userErrors": [{ "code": "ALREADY_ENROLLED" }] } } });
        let failed = json!({ "data": null, "errors": [{ "extensions": { "code": "RATE_LIMITED" } }] });
        let done = json!({ "data": { "enroll": { "userErrors": [] } } });

        assert_eq!(data(refused), Err("ALREADY_ENROLLED".to_owned()));
        assert_eq!(data(failed), Err("RATE_LIMITED".to_owned()));
        assert_eq!(data(json!({})), Err("no data".to_owned()));
        assert_eq!(data(done), Ok(json!({ "enroll": { "userErrors": [] } })));
    }
}
