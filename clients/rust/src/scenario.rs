//! The steps of `../../shared/scenario.ts`.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    env,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use graphql_client::GraphQLQuery as _;
use serde::Serialize;
use serde_json::Value;
use tokio::{
    select,
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{
    graph::{
        Catalogue, MyProfile, PurchaseCourse, SignIn, SignUp, StudentHome,
        catalogue::{self, CatalogueCoursesNodes as Course, CourseFilter, CourseOrder},
        my_profile,
        purchase_course::{self, PaymentStatus, PurchaseCourseInput, PurchaseCoursePurchaseCoursePayment as Payment},
        sign_in::{self, LoginInput, UserErrorCode},
        sign_up::{self, RegisterInput, SignUpRole},
        student_home,
    },
    tab::{Failure, News, Session, Tab},
};

const STEP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a person without notifications waits for one that came before the stream stood.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// Tokens that can be waited for.
const SHORT_LIVED: Duration = Duration::from_secs(10);
const PASSWORD: &str = "correct horse battery";
const NAME: &str = "Clara Client";
const NOT_TRIED: &str = "not tried";

/// What has been done, in order, and what StudentHome has cost.
#[derive(Default)]
pub struct Results {
    pub steps: Vec<(&'static str, &'static str)>,
    pub student_home: Option<Exchange>,
}

/// The bodies of one request and its response, in bytes, and what the router says of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    requests: u32,
    sent_bytes: usize,
    received_bytes: usize,
    cost: Option<f64>,
    fetches: Option<usize>,
    statements: Option<usize>,
}

#[derive(Clone)]
struct Scenario {
    tab: Arc<Tab>,
    other: Arc<Tab>,
    email: String,
    seen: Arc<Mutex<Vec<News>>>,
}

pub async fn run(results: &mut Results) -> Result<()> {
    let email = format!("rust-{}@lyceum.example", Uuid::now_v7());
    let scenario = Scenario { tab: Arc::default(), other: Arc::default(), email, seen: Arc::default() };
    let courses = step(results, "paging", scenario.paging()).await?;
    step(results, "errors", scenario.errors()).await?;
    step(results, "sign in", scenario.sign_in()).await?;
    let following = scenario.follow();
    step(results, "buying", scenario.buying(&courses[0])).await?;
    step(results, "live updates", scenario.live_updates(&courses[0], &courses[1])).await?;
    tried(results, "reconnection", scenario.reconnection(&courses[2])).await?;
    step(results, "two tabs", scenario.two_tabs()).await?;
    tried(results, "expired token", scenario.expired_token(&courses[3])).await?;
    results.student_home = Some(step(results, "StudentHome", scenario.student_home()).await?);
    following.abort();
    Ok(())
}

async fn step<Done>(
    results: &mut Results,
    name: &'static str,
    task: impl Future<Output = Result<Done>>,
) -> Result<Done> {
    let done = timeout(STEP_TIMEOUT, task).await.map_err(anyhow::Error::from).flatten().context(name);
    results.steps.push((name, if done.is_ok() { "yes" } else { "no" }));
    done
}

/// A step that not every system allows.
async fn tried(results: &mut Results, name: &'static str, task: impl Future<Output = Result<bool>>) -> Result<()> {
    if !step(results, name, task).await? {
        results.steps.pop();
        results.steps.push((name, NOT_TRIED));
    }
    Ok(())
}

impl Scenario {
    async fn paging(&self) -> Result<Vec<Course>> {
        let first = self.courses(None).await?;
        let second = self.courses(first.page_info.end_cursor).await?;
        let courses = [first.nodes, second.nodes].concat();
        let ids: BTreeSet<_> = courses.iter().map(|course| &course.id).collect();
        ensure!(ids.len() == 20, "two pages of ten courses, each course once, not {}", ids.len());
        Ok(courses)
    }

    async fn errors(&self) -> Result<()> {
        let refusal = self.sign_in_as("nobody@lyceum.example").await?.err();
        ensure!(refusal == Some(UserErrorCode::InvalidCredentials), "a wrong password is {refusal:?}");
        let failure =
            self.tab.send::<Catalogue>(page(1_000, None)).await.err().context("a page of 1000 is an error")?;
        ensure!(failure.code() == Some("BAD_USER_INPUT"), "a page of 1000 is {failure}");
        Ok(())
    }

    async fn sign_in(&self) -> Result<()> {
        let (own_name, email, password) = (NAME.to_owned(), self.email.clone(), PASSWORD.to_owned());
        let input = RegisterInput { name: own_name, email, password, role: SignUpRole::Student };
        let answer = self.tab.send::<SignUp>(sign_up::Variables { input }).await?.register.context("an answer")?;
        let session = answer.session.with_context(|| format!("a session, not {:?}", answer.user_errors))?;
        let session = Session { access_token: session.access_token, refresh_token: session.refresh_token };
        self.tab.set_session(Some(session));
        let session = self.sign_in_as(&self.email).await?;
        self.other.set_session(session.ok());
        ensure!(self.other.session().is_some(), "signing in returns a session");
        ensure!(name(&self.tab).await?.as_deref() == Some(NAME), "the token is sent");
        Ok(())
    }

    fn follow(&self) -> JoinHandle<Result<Infallible, Failure>> {
        let scenario = self.clone();
        tokio::spawn(async move { scenario.follow_from_now().await })
    }

    async fn buying(&self, course: &Course) -> Result<()> {
        let key = key();
        let payment = self.buy(course, &key).await?;
        ensure!(payment.status == PaymentStatus::Completed, "paid, not {:?}", payment.status);
        ensure!(self.buy(course, &key).await?.id == payment.id, "the same key is the same payment");
        Ok(())
    }

    async fn live_updates(&self, first: &Course, second: &Course) -> Result<()> {
        self.wait_for(first).await?;
        // A second one has something to come after.
        self.buy(second, &key()).await?;
        self.wait_for(second).await
    }

    async fn reconnection(&self, course: &Course) -> Result<bool> {
        // An address that breaks all connections when it is posted to: the runner's.
        let Ok(cut) = env::var("LYCEUM_CUT_URL") else { return Ok(false) };
        reqwest::Client::new().post(cut).send().await?;
        self.buy_patiently(course, &key()).await?;
        self.wait_for(course).await?;
        let seen = self.seen();
        let ids: BTreeSet<_> = seen.iter().map(|news| &news.id).collect();
        ensure!(ids.len() == seen.len(), "each notification once");
        Ok(true)
    }

    async fn two_tabs(&self) -> Result<()> {
        let mut session = self.tab.session().context("a session")?;
        // Both have the same tokens, of which the first has expired, and wake up together.
        let length = session.access_token.len() - 8;
        session.access_token.replace_range(length.., "AAAAAAAA");
        self.tab.set_session(Some(session.clone()));
        self.other.set_session(Some(session.clone()));
        let names = tokio::try_join!(name(&self.tab), name(&self.other))?;
        ensure!(names == (Some(NAME.to_owned()), Some(NAME.to_owned())), "both tabs stay signed in: {names:?}");
        let renewed = self.tab.session().context("a session")?;
        ensure!(renewed.access_token != session.access_token, "the tokens are new");
        Ok(())
    }

    async fn expired_token(&self, course: &Course) -> Result<bool> {
        let lifetime = lifetime(&self.tab.session().context("a session")?)?;
        // Only a system with `--access-token-seconds` of a few.
        if lifetime > SHORT_LIVED {
            return Ok(false);
        }
        // The stream ends with the token that it has begun with.
        sleep(lifetime + Duration::from_secs(1)).await;
        self.buy(course, &key()).await?;
        self.wait_for(course).await?;
        Ok(true)
    }

    async fn student_home(&self) -> Result<Exchange> {
        // Renews the tokens if they have expired.
        name(&self.tab).await?;
        let variables = student_home::Variables { enrollments: None, notifications: None };
        let body = serde_json::to_string(&StudentHome::build_query(variables))?;
        let sent_bytes = body.len();
        let request = self.tab.post(self.tab.session().as_ref()).header("content-type", "application/json");
        let request = request.header("lyceum-cost", "1").header("lyceum-trace", "1");
        let mut answer: BTreeMap<String, Value> = request.body(body).send().await?.json().await?;
        let extensions = answer.remove("extensions").unwrap_or_default();
        let data = answer.get("data").cloned().unwrap_or_default();
        let home: student_home::ResponseData = serde_json::from_value(data)?;
        ensure!(home.me.is_some_and(|me| me.name == NAME), "the home of whoever asks");
        let fetches = extensions["trace"]["fetches"].as_array();
        Ok(Exchange {
            requests: 1,
            sent_bytes,
            received_bytes: serde_json::to_string(&answer)?.len(),
            cost: extensions["cost"]["actual"].as_f64(),
            fetches: fetches.map(Vec::len),
            statements: fetches.map(|fetches| fetches.iter().map(statements).sum()),
        })
    }
}

impl Scenario {
    /// Follows the notifications from the newest one on.
    async fn follow_from_now(&self) -> Result<Infallible, Failure> {
        let mut latest = self.tab.latest_news().await?;
        if latest.is_empty() {
            latest = self.first_news().await;
            latest.iter().rev().cloned().for_each(|news| self.see(news));
        }
        let newest = latest.into_iter().next().map(|newest| newest.id);
        Ok(self.tab.follow(newest, |news| self.see(news)).await)
    }

    /// Without `after`, a stream misses what comes before it stands. An event, or a while without one, means: ask.
    async fn first_news(&self) -> Vec<News> {
        let asked = Notify::new();
        let ask = async {
            loop {
                match self.tab.latest_news().await {
                    Ok(latest) if !latest.is_empty() => return latest,
                    _ => drop(timeout(ASK_AGAIN, asked.notified()).await),
                }
            }
        };
        select! {
            latest = ask => latest,
            never = self.tab.follow(None, |_| asked.notify_one()) => match never {},
        }
    }

    fn see(&self, news: News) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(news);
    }

    async fn courses(&self, after: Option<String>) -> Result<catalogue::CatalogueCourses> {
        self.tab.send::<Catalogue>(page(10, after)).await?.courses.context("a page of courses")
    }

    /// The other tab's session, or the code of the refusal.
    async fn sign_in_as(&self, email: &str) -> Result<Result<Session, UserErrorCode>> {
        let input = LoginInput { email: email.to_owned(), password: PASSWORD.to_owned(), second_factor_code: None };
        let answer = self.other.send::<SignIn>(sign_in::Variables { input }).await?.login.context("an answer")?;
        match (answer.session, answer.user_errors.into_iter().next()) {
            (Some(it), _) => Ok(Ok(Session { access_token: it.access_token, refresh_token: it.refresh_token })),
            (None, Some(refusal)) => Ok(Err(refusal.code)),
            (None, None) => bail!("neither a session nor a refusal"),
        }
    }

    async fn buy(&self, course: &Course, key: &str) -> Result<Payment> {
        let input = PurchaseCourseInput {
            course_id: course.id.clone(),
            expected_amount: Some(course.price.clone().context("a course with a price")?),
            idempotency_key: key.to_owned(),
        };
        let answer = self.tab.send::<PurchaseCourse>(purchase_course::Variables { input }).await?;
        let answer = answer.purchase_course.context("an answer")?;
        answer.payment.with_context(|| format!("a payment, not {:?}", answer.user_errors))
    }

    /// A purchase that the network has lost is repeated: with its key it is the same one.
    async fn buy_patiently(&self, course: &Course, key: &str) -> Result<()> {
        for _ in 0..2 {
            if self.buy(course, key).await.is_ok() {
                return Ok(());
            }
        }
        self.buy(course, key).await.map(drop)
    }

    async fn wait_for(&self, course: &Course) -> Result<()> {
        while !self.seen().iter().any(|news| format!("{} {}", news.title, news.body).contains(&course.title)) {
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn seen(&self) -> Vec<News> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn name(tab: &Tab) -> Result<Option<String>> {
    Ok(tab.send::<MyProfile>(my_profile::Variables).await?.me.map(|me| me.name))
}

fn page(first: i64, after: Option<String>) -> catalogue::Variables {
    let filter = CourseFilter { is_free: Some(false), ..CourseFilter::default() };
    catalogue::Variables { filter: Some(filter), order_by: Some(CourseOrder::Title), first: Some(first), after }
}

fn key() -> String {
    Uuid::now_v7().to_string()
}

/// How long an access token is valid.
fn lifetime(session: &Session) -> Result<Duration> {
    let payload = session.access_token.split('.').nth(1).context("a token of three parts")?;
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload)?)?;
    let at = |name: &str| claims[name].as_u64().with_context(|| format!("a token with `{name}`"));
    Ok(Duration::from_secs(at("exp")? - at("iat")?))
}

/// The SQL statements of a request to a subgraph, without those that the driver needs for itself.
fn statements(fetch: &Value) -> usize {
    let statements = fetch["statements"].as_array();
    statements.map_or(0, |statements| statements.iter().filter(|it| it["catalog"] != true).count())
}
