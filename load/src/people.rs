//! Signed-in sample users, and the courses that they use.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use subgraph_testing::{Client, reqwest};
use tokio::sync::Mutex;

use crate::operations::{OPEN_COURSES, OWN_COURSES, Operation, REFRESH, SIGN_IN};

/// The password of all sample users.
const PASSWORD: &str = "lyceum-sample";
/// A token this close to its expiry is refreshed before use.
const REFRESH_BEFORE: Duration = Duration::from_mins(1);
/// Longer than the router's timeout for requests other than streams.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// A signed-in user.
#[derive(Debug)]
pub struct Person {
    /// The user's ID.
    pub id: String,
    client: Client,
    session: Mutex<Session>,
    /// Paid courses that they may buy, and free ones.
    bought: Mutex<CourseChoice>,
    free: Mutex<CourseChoice>,
    /// A teacher's own courses.
    own: Mutex<Option<Vec<String>>>,
}

#[derive(Debug)]
struct Session {
    access_token: String,
    refresh_token: String,
    expires_at: DateTime<Utc>,
}

/// Courses of one kind in which a student is not enrolled.
#[derive(Debug, Default)]
struct CourseChoice {
    courses: VecDeque<String>,
    after: Option<String>,
}

/// The network address of this number. Each user has their own, as users of different networks do, so the router's
/// limits per address apply to each.
#[must_use]
pub fn address(number: usize) -> IpAddr {
    let [.., high, low] = (number + 1).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 1, high, low))
}

/// A client that connects to the router from the network address of this number.
///
/// # Errors
/// If the HTTP client cannot be built.
pub fn client(router: &str, number: usize) -> Result<Client> {
    let http = reqwest::Client::builder().local_address(address(number)).timeout(REQUEST_TIMEOUT).build()?;
    Ok(Client::with_http(http, router))
}

/// Sends an operation and returns its `data`.
async fn send(client: &Client, operation: Operation, variables: &Value) -> Result<Value> {
    client.try_data(operation.document, variables).await.context(operation.name)
}

impl Person {
    /// Signs in the user with this email address.
    ///
    /// # Errors
    /// If signing in is rejected.
    pub async fn sign_in(client: Client, email: &str) -> Result<(Self, bool)> {
        let input = json!({ "input": { "email": email, "password": PASSWORD } });
        let answer = send(&client, SIGN_IN, &input).await?;
        let payload = &answer["login"];
        let id = payload["user"]["id"].as_str().with_context(|| format!("{email} cannot sign in: {answer}"))?;
        let session = Mutex::new(Session::read(&payload["session"])?);
        let person = Self {
            id: id.to_owned(),
            client,
            session,
            bought: Mutex::default(),
            free: Mutex::default(),
            own: Mutex::default(),
        };
        Ok((person, payload["user"]["isVerified"] == true))
    }

    /// An access token that is valid for a while; refreshes the session if necessary.
    ///
    /// # Errors
    /// If the session has ended.
    pub async fn token(&self) -> Result<String> {
        let mut session = self.session.lock().await;
        if session.expires_at - Utc::now() < chrono::Duration::from_std(REFRESH_BEFORE)? {
            let input = json!({ "input": { "refreshToken": session.refresh_token } });
            let answer = send(&self.client, REFRESH, &input).await?;
            *session = Session::read(&answer["refreshSession"]["session"])?;
        }
        Ok(session.access_token.clone())
    }

    /// Sends an operation that is not measured; returns its `data`.
    ///
    /// # Errors
    /// When there is no response, or one with errors.
    pub async fn send(&self, operation: Operation, variables: Value) -> Result<Value> {
        send(&self.client.with_token(&self.token().await?), operation, &variables).await
    }

    /// Chooses a course in which they are not enrolled, never the same one twice.
    ///
    /// # Errors
    /// If the student is enrolled in all of them.
    pub async fn choose(&self, is_free: bool) -> Result<String> {
        let mut choice = if is_free { self.free.lock().await } else { self.bought.lock().await };
        while choice.courses.is_empty() {
            let variables = json!({ "isFree": is_free, "after": choice.after });
            let answer = self.send(OPEN_COURSES, variables).await?;
            let page = &answer["courses"];
            let nodes = page["nodes"].as_array().context("no page of courses")?;
            let open = nodes.iter().filter(|course| course["viewerEnrollment"].is_null());
            choice.courses.extend(open.filter_map(|course| course["id"].as_str().map(str::to_owned)));
            choice.after = page["pageInfo"]["endCursor"].as_str().map(str::to_owned);
            if choice.after.is_none() {
                bail!("no course left for {}: increase --seed-scale", self.id);
            }
        }
        choice.courses.pop_front().context("a course")
    }

    /// The courses that they teach.
    ///
    /// # Errors
    /// If the request fails.
    pub async fn own_courses(&self) -> Result<Vec<String>> {
        let mut own = self.own.lock().await;
        if let Some(courses) = &*own {
            return Ok(courses.clone());
        }
        let answer = self.send(OWN_COURSES, json!({})).await?;
        let nodes = answer["me"]["courses"]["nodes"].as_array().context("no page of courses")?;
        let courses: Vec<_> = nodes.iter().filter_map(|course| course["id"].as_str().map(str::to_owned)).collect();
        *own = Some(courses.clone());
        Ok(courses)
    }
}

impl Session {
    fn read(session: &Value) -> Result<Self> {
        let text = |name: &str| session[name].as_str().with_context(|| format!("the session has no {name}: {session}"));
        Ok(Self {
            access_token: text("accessToken")?.to_owned(),
            refresh_token: text("refreshToken")?.to_owned(),
            expires_at: text("expiresAt")?.parse()?,
        })
    }
}

/// Users that no simulated user plays at the moment.
#[derive(Debug, Default)]
pub struct PersonPool(std::sync::Mutex<Vec<Arc<Person>>>);

impl PersonPool {
    /// A pool of these users.
    #[must_use]
    pub fn new(people: Vec<Arc<Person>>) -> Self {
        Self(std::sync::Mutex::new(people))
    }

    /// Takes a user from the pool.
    #[must_use]
    pub fn acquire(&self) -> Option<Arc<Person>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop()
    }

    /// Returns a user to the pool.
    pub fn release(&self, person: Arc<Person>) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(person);
    }
}
