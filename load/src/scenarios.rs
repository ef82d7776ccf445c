//! The scenarios of simulated users: visitors, students, buyers, followers and teachers, as scenarios of goose.

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
    people::{Person, PersonPool, REQUEST_TIMEOUT, address},
};

/// A notification that is later than this counts as missed.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(30);
/// The types of the notifications of a purchase.
const PURCHASE_NOTIFICATIONS: [&str; 2] = ["PAYMENT", "ENROLLMENT"];
const NOTIFIED: &str = "heard of the purchase";
/// Search texts: topics of at least one course in a hundred, and one that matches none. None of two letters, for which
/// no index can be used: [`crate::search`] has one.
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
/// Courses per page of the catalogue.
const PAGE_SIZE: usize = 20;

/// A role, with its share of twenty users: seven of ten browse, two study, one teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Browses without signing in.
    Visitor,
    /// Studies, and enrolls in free courses.
    Student,
    /// A student who buys courses.
    Buyer,
    /// A student who buys courses, with a subscription to notifications in another window.
    Follower,
    /// Manages their courses.
    Teacher,
}

/// All roles.
pub const ROLES: [Role; 5] = [Role::Visitor, Role::Student, Role::Buyer, Role::Follower, Role::Teacher];
/// The sum of the roles' weights.
pub const PEOPLE: usize = 20;

impl Role {
    /// The number of users in [`PEOPLE`].
    #[must_use]
    pub fn weight(self) -> usize {
        match self {
            Self::Visitor => 14,
            Self::Student | Self::Teacher => 2,
            Self::Buyer | Self::Follower => 1,
        }
    }

    /// The role's name in reports.
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

/// State that all users share.
#[derive(Debug, Default)]
pub struct LoadContext {
    /// The router's URL.
    pub router: String,
    /// Students that no user plays at the moment.
    pub students: PersonPool,
    /// Teachers that no user plays at the moment.
    pub teachers: PersonPool,
    /// The students' activity.
    pub ledger: Ledger,
    /// The progress of the load.
    pub progress: Progress,
    /// The time between two pages.
    pub think_time: ThinkTime,
    /// The number of users so far, each with a network address of their own.
    pub clients: AtomicUsize,
}

/// The time between two pages.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThinkTime {
    /// The minimum.
    pub min: Duration,
    /// The maximum.
    pub max: Duration,
}

/// Counters of the load so far.
#[derive(Debug, Default)]
pub struct Progress {
    /// Responses, successful or not.
    pub requests: AtomicU64,
    /// Failed requests.
    pub errors: AtomicU64,
    /// Notifications that were received.
    pub received: AtomicU64,
    /// Notifications that were missed.
    pub missed: AtomicU64,
    /// Notifications that were received twice.
    pub repeated: AtomicU64,
}

/// The state of one simulated user.
#[derive(Clone)]
struct UserState {
    context: Arc<LoadContext>,
    role: Role,
    person: Option<Arc<Person>>,
    follower: Option<Arc<Follower>>,
    bought: usize,
}

type ScenarioResult<T> = Result<T, Box<TransactionError>>;

/// Builds the scenario of a role.
pub fn scenario(context: &Arc<LoadContext>, role: Role) -> Result<Scenario, GooseError> {
    let started = Arc::clone(context);
    let start_user = Transaction::new(Arc::new(move |user| Box::pin(start_user(user, Arc::clone(&started), role))));
    let scenario = Scenario::new(role.name())
        .set_weight(role.weight())?
        .set_wait_time(context.think_time.min, context.think_time.max)?
        .register_transaction(start_user.set_on_start());
    let scenario = match role {
        Role::Visitor => scenario
            .register_transaction(transaction!(browse_catalogue))
            .register_transaction(transaction!(search))
            .register_transaction(transaction!(view_course)),
        Role::Student => scenario
            .register_transaction(transaction!(view_home))
            .register_transaction(transaction!(search))
            .register_transaction(transaction!(enroll))
            .register_transaction(transaction!(view_own_courses)),
        Role::Buyer => scenario
            .register_transaction(transaction!(search))
            .register_transaction(transaction!(buy))
            .register_transaction(transaction!(view_payments)),
        Role::Follower => scenario.register_transaction(transaction!(buy_and_await_notifications)),
        Role::Teacher => scenario
            .register_transaction(transaction!(view_profile))
            .register_transaction(transaction!(view_students))
            .register_transaction(transaction!(edit_courses)),
    };
    let stop_user = Transaction::new(Arc::new(|user| {
        stop_user(user);
        Box::pin(ready(Ok(())))
    }));
    Ok(scenario.register_transaction(stop_user.set_on_stop()))
}

async fn start_user(user: &mut GooseUser, context: Arc<LoadContext>, role: Role) -> TransactionResult {
    let number = context.clients.fetch_add(1, Ordering::Relaxed);
    user.set_client_builder(Client::builder().local_address(address(number))).await.map_err(Box::new)?;
    let person = match role {
        Role::Visitor => None,
        Role::Teacher => {
            Some(context.teachers.acquire().ok_or_else(|| transaction_error("there are too few teachers"))?)
        }
        _ => Some(context.students.acquire().ok_or_else(|| transaction_error("there are too few students"))?),
    };
    let mut follower = None;
    if let (Role::Follower, Some(person)) = (role, &person) {
        let started_at = Instant::now();
        let opened = Follower::open(user.client.clone(), context.router.clone(), Arc::clone(person)).await;
        let error = opened.as_ref().err().map(|error| format!("{error:#}"));
        count(user, &context, role, "NotificationAdded, opened", started_at, error.as_deref()).await?;
        follower = opened.ok().map(Arc::new);
    }
    user.set_session_data(UserState { context, role, person, follower, bought: 0 });
    Ok(())
}

fn stop_user(user: &mut GooseUser) {
    let Some(state) = user.get_session_data_mut::<UserState>() else { return };
    if let Some(follower) = state.follower.take() {
        let Progress { received, missed, repeated, .. } = &state.context.progress;
        for count in PURCHASE_NOTIFICATIONS.map(|kind| follower.count(kind)) {
            received.fetch_add(count as u64, Ordering::Relaxed);
            missed.fetch_add(state.bought.saturating_sub(count) as u64, Ordering::Relaxed);
        }
        repeated.fetch_add(follower.repeated() as u64, Ordering::Relaxed);
    }
    if let Some(person) = state.person.take() {
        let pool = if state.role == Role::Teacher { &state.context.teachers } else { &state.context.students };
        pool.release(person);
    }
}

async fn browse_catalogue(user: &mut GooseUser) -> TransactionResult {
    let answer = send(user, CATALOGUE, json!({ "first": PAGE_SIZE })).await?;
    let after = &answer["courses"]["pageInfo"]["endCursor"];
    send(user, CATALOGUE, json!({ "first": PAGE_SIZE, "after": after })).await?;
    Ok(())
}

async fn search(user: &mut GooseUser) -> TransactionResult {
    let word = WORDS.choose(&mut rand::rng()).copied().unwrap_or_default();
    send(user, SEARCH, json!({ "first": PAGE_SIZE, "filter": { "search": word } })).await?;
    Ok(())
}

async fn view_course(user: &mut GooseUser) -> TransactionResult {
    let answer = send(user, CATALOGUE, json!({ "first": PAGE_SIZE })).await?;
    let number = rand::rng().random_range(0..PAGE_SIZE);
    let course = &answer["courses"]["nodes"][number];
    send(user, COURSE_PAGE, json!({ "courseId": course["id"] })).await?;
    send(user, TEACHER_PAGE, json!({ "teacherId": course["teacher"]["id"] })).await?;
    Ok(())
}

async fn view_home(user: &mut GooseUser) -> TransactionResult {
    send(user, STUDENT_HOME, json!({})).await?;
    send(user, NOTIFICATIONS, json!({ "first": PAGE_SIZE })).await?;
    Ok(())
}

async fn view_own_courses(user: &mut GooseUser) -> TransactionResult {
    send(user, MY_COURSES, json!({})).await?;
    Ok(())
}

async fn enroll(user: &mut GooseUser) -> TransactionResult {
    let (context, person) = signed_in(user)?;
    let course = person.choose(true).await.map_err(transaction_error)?;
    send(user, COURSE_PAGE, json!({ "courseId": course })).await?;
    let answer = send(user, ENROLL, json!({ "input": { "courseId": course } })).await?;
    if answer["enroll"]["enrollment"]["id"].is_string() {
        context.ledger.enrolled(&person);
    }
    Ok(())
}

async fn buy(user: &mut GooseUser) -> TransactionResult {
    let (context, person) = signed_in(user)?;
    let course = person.choose(false).await.map_err(transaction_error)?;
    let answer = send(user, COURSE_PAGE, json!({ "courseId": course })).await?;
    let price = &answer["course"]["price"];
    let key = Uuid::now_v7().to_string();
    let number = context.ledger.begin(&person, &course, &key);
    let input = json!({ "courseId": course, "idempotencyKey": key, "expectedAmount": price });
    let answer = send(user, PURCHASE_COURSE, json!({ "input": input })).await?;
    if let Some(payment) = answer["purchaseCourse"]["payment"]["id"].as_str() {
        context.ledger.paid(number, payment);
    }
    Ok(())
}

async fn view_payments(user: &mut GooseUser) -> TransactionResult {
    send(user, MY_PAYMENTS, json!({ "first": PAGE_SIZE })).await?;
    Ok(())
}

async fn buy_and_await_notifications(user: &mut GooseUser) -> TransactionResult {
    let state = user.get_session_data_unchecked::<UserState>();
    let (context, role, follower) = (Arc::clone(&state.context), state.role, state.follower.clone());
    let follower = follower.ok_or_else(|| transaction_error("there is no stream"))?;
    let wanted = PURCHASE_NOTIFICATIONS.map(|kind| (kind, follower.count(kind) + 1));
    buy(user).await?;
    user.get_session_data_unchecked_mut::<UserState>().bought += 1;
    let started_at = Instant::now();
    let was_notified = follower.wait_for(&wanted, NOTIFICATION_TIMEOUT).await;
    count(user, &context, role, NOTIFIED, started_at, (!was_notified).then_some("missed")).await
}

async fn view_profile(user: &mut GooseUser) -> TransactionResult {
    send(user, MY_PROFILE, json!({})).await?;
    send(user, NOTIFICATIONS, json!({ "first": PAGE_SIZE })).await?;
    Ok(())
}

async fn view_students(user: &mut GooseUser) -> TransactionResult {
    let (_, person) = signed_in(user)?;
    let course = own_course(&person).await?;
    send(user, COURSE_STUDENTS, json!({ "courseId": course, "first": PAGE_SIZE })).await?;
    Ok(())
}

async fn edit_courses(user: &mut GooseUser) -> TransactionResult {
    let (_, person) = signed_in(user)?;
    let course = own_course(&person).await?;
    let input = json!({ "courseId": course, "description": "Now with exercises for every chapter." });
    send(user, UPDATE_COURSE, json!({ "input": input })).await?;
    let input = json!({
        "title": "Ownership and borrowing", "description": "What the Rust compiler checks for you.",
        "level": "INTERMEDIATE", "isFree": false, "price": "49.99", "durationMinutes": 180,
    });
    send(user, CREATE_COURSE, json!({ "input": input })).await?;
    Ok(())
}

async fn own_course(teacher: &Person) -> ScenarioResult<String> {
    let courses = teacher.own_courses().await.map_err(transaction_error)?;
    courses.choose(&mut rand::rng()).cloned().ok_or_else(|| transaction_error("a teacher without courses").into())
}

/// The person that the user plays, if signed in.
fn signed_in(user: &GooseUser) -> ScenarioResult<(Arc<LoadContext>, Arc<Person>)> {
    let state = user.get_session_data::<UserState>().ok_or_else(|| transaction_error("nobody has arrived"))?;
    let person = state.person.clone().ok_or_else(|| transaction_error("nobody has signed in"))?;
    Ok((Arc::clone(&state.context), person))
}

/// Sends a request and returns its `data`. GraphQL errors and user errors count as failures of the request.
async fn send(user: &mut GooseUser, operation: Operation, variables: Value) -> ScenarioResult<Value> {
    let state = user.get_session_data::<UserState>().ok_or_else(|| transaction_error("nobody has arrived"))?;
    let (context, role, person) = (Arc::clone(&state.context), state.role, state.person.clone());
    let body = json!({ "query": operation.document, "variables": variables });
    let mut builder = user.get_request_builder(&GooseMethod::Post, "graphql")?.timeout(REQUEST_TIMEOUT).json(&body);
    if let Some(person) = person {
        builder = builder.bearer_auth(person.token().await.map_err(transaction_error)?);
    }
    let name = full_name(role, operation.name);
    let request = GooseRequest::builder().method(GooseMethod::Post).path("graphql").name(name.as_str());
    let mut sent = user.request(request.set_request_builder(builder).build()).await?;
    context.progress.requests.fetch_add(1, Ordering::Relaxed);
    let answer = match sent.response {
        Ok(response) => response.json::<Value>().await,
        Err(error) => Err(error),
    };
    match answer.map_err(|error| error.to_string()).and_then(data) {
        Ok(data) => Ok(data),
        Err(error) => {
            context.progress.errors.fetch_add(1, Ordering::Relaxed);
            user.set_failure(&error, &mut sent.request, None, None)?;
            Err(transaction_error(error).into())
        }
    }
}

/// The response's `data`, or an error's code.
fn data(mut answer: Value) -> Result<Value, String> {
    let code = |error: &Value| error["extensions"]["code"].as_str().unwrap_or("an error without a code").to_owned();
    if let Some(error) = answer["errors"].get(0) {
        return Err(code(error));
    }
    let data = answer["data"].take();
    let mut payloads = data.as_object().into_iter().flat_map(|fields| fields.values());
    let error = payloads.find_map(|payload| payload["userErrors"].get(0));
    match error {
        Some(error) => Err(error["code"].as_str().unwrap_or("a refusal without a code").to_owned()),
        None if data.is_object() => Ok(data),
        None => Err("no data".to_owned()),
    }
}

/// Records the time of something that is not a single request.
async fn count(
    user: &mut GooseUser,
    context: &LoadContext,
    role: Role,
    name: &str,
    started_at: Instant,
    error: Option<&str>,
) -> TransactionResult {
    context.progress.requests.fetch_add(1, Ordering::Relaxed);
    if error.is_some() {
        context.progress.errors.fetch_add(1, Ordering::Relaxed);
    }
    user.record_custom_request_duration(
        "SSE",
        &full_name(role, name),
        started_at.elapsed(),
        error.is_none(),
        None,
        error,
    )
    .await
}

fn full_name(role: Role, name: &str) -> String {
    format!("{}: {name}", role.name())
}

fn transaction_error(error: impl std::fmt::Display) -> TransactionError {
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
