//! Fakes of the identity, the course and the payment subgraph: real graphs over a test's data.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Enum, ID, Object, SimpleObject};
use contracts::{CourseId, PaymentId, UserId, events::Purchase};
use service::{ServiceContext, Subgraph};
use sqlx::{PgPool, query, query_as, query_scalar};
use subgraph_kit::ViewerExt as _;
use subgraph_testing::{TestApp, verifier};
use uuid::Uuid;

use crate::fixtures::*;

/// The enrollment subgraph with its peers.
pub struct TestSystem {
    pub context: ServiceContext,
    pub db: PgPool,
    pub app: TestApp,
    pub subgraph: Subgraph,
    payments: Payments,
    pub courses: StateOfAll,
}

type Payments = Arc<Mutex<HashMap<Uuid, Paid>>>;

#[derive(Clone)]
struct Paid {
    purchase: Purchase,
    status: &'static str,
}

struct Courses(PgPool, StateOfAll);

/// The state of all courses.
#[derive(Clone)]
pub struct StateOfAll(Arc<Mutex<CourseState>>);

impl StateOfAll {
    fn get(&self) -> CourseState {
        *self.0.lock().expect("the state")
    }

    pub fn set(&self, state: CourseState) {
        *self.0.lock().expect("the state") = state;
    }
}

#[derive(SimpleObject)]
struct Course {
    title: &'static str,
    is_free: bool,
    state: CourseState,
    teacher: Option<Key>,
    teacher_seal: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum CourseState {
    Draft,
    Published,
    Withdrawn,
}

/// Everybody except `NOBODY`.
struct Users;

struct PaymentQuery(Payments);

#[derive(SimpleObject)]
struct Payment {
    status: &'static str,
    student: Option<Key>,
    course: Option<Key>,
}

#[derive(SimpleObject)]
struct Key {
    id: ID,
}

#[Object(name = "Query")]
impl Courses {
    /// Uses a connection, to show that whoever asks holds none.
    async fn course(&self, id: ID) -> Option<Course> {
        query("select 1").execute(&self.0).await.expect("there is a connection left");
        [(RUST, "Rust", false), (SQL, "SQL", true), (LATIN, "Latin", false)]
            .into_iter()
            .find(|(course, ..)| id.as_str() == course.to_string())
            .map(|(course, title, is_free)| Course {
                title,
                is_free,
                state: self.1.get(),
                teacher: Some(Key { id: TERESA.into() }),
                teacher_seal: Some(teacher_seal(TERESA, course)),
            })
    }
}

#[Object(name = "Query")]
impl Users {
    async fn user(&self, id: ID) -> Option<Key> {
        (id.as_str() != NOBODY.to_string()).then_some(Key { id })
    }
}

#[Object(name = "Query")]
impl PaymentQuery {
    async fn payment(&self, ctx: &Context<'_>, id: ID) -> Option<Payment> {
        let paid = self.0.lock().expect("the payments").get(&id.parse().expect("an id")).cloned()?;
        let purchase = paid.purchase;
        let key = |id: Uuid| Some(Key { id: id.into() });
        (ctx.viewer().id() == Some(purchase.student_id)).then(|| Payment {
            status: paid.status,
            student: key(purchase.student_id.0),
            course: key(purchase.course_id.0),
        })
    }
}

impl TestSystem {
    pub async fn new(db: PgPool) -> Self {
        let context = ServiceContext { seals: seals(), ..ServiceContext::new(verifier()) };
        let payments = Payments::default();
        let state = StateOfAll(Arc::new(Mutex::new(CourseState::Published)));
        let courses = service::build(Courses(db.clone(), state.clone()), EmptyMutation, EmptySubscription).finish();
        let users = service::build(Users, EmptyMutation, EmptySubscription).finish();
        let payment = service::build(PaymentQuery(payments.clone()), EmptyMutation, EmptySubscription).finish();
        context.peers.add(Subgraph::new("identity", users, (), db.clone(), verifier()));
        context.peers.add(Subgraph::new("course", courses, (), db.clone(), verifier()));
        context.peers.add(Subgraph::new("payment", payment, (), db.clone(), verifier()));
        let subgraph = enrollment::subgraph(db.clone(), &context).await.expect("the subgraph opens");
        Self { db, app: TestApp::new(subgraph.clone()), subgraph, payments, courses: state, context }
    }

    /// Adds a payment to the payment subgraph.
    pub fn pay(&self, payment: Uuid, student: Uuid, course: Uuid, status: &'static str) -> Purchase {
        let purchase = purchase(payment, student, course);
        self.payments.lock().expect("the payments").insert(payment, Paid { purchase: purchase.clone(), status });
        purchase
    }

    /// The payments of the student's enrollments in a course.
    pub async fn enrollments(&self, student: Uuid, course: Uuid) -> Vec<Option<Uuid>> {
        query_scalar("select payment_id from enrollments where student_id = $1 and course_id = $2")
            .bind(student)
            .bind(course)
            .fetch_all(&self.db)
            .await
            .expect("the database answers")
    }

    /// The student's changes in a course, oldest first: kind, status, who made it, reason.
    pub async fn history(&self, student: Uuid, course: Uuid) -> Vec<(String, String, Option<Uuid>, Option<String>)> {
        query_as(
            "select kind::text, status::text, changed_by, reason from enrollment_history
             where student_id = $1 and course_id = $2 order by position",
        )
        .bind(student)
        .bind(course)
        .fetch_all(&self.db)
        .await
        .expect("the database answers")
    }

    /// The state of a payment's redemption.
    pub async fn use_of(&self, payment: Uuid) -> Option<String> {
        query_scalar("select state from payment_redemptions where payment_id = $1")
            .bind(payment)
            .fetch_optional(&self.db)
            .await
            .expect("the database answers")
    }
}

pub fn purchase(payment: Uuid, student: Uuid, course: Uuid) -> Purchase {
    Purchase {
        payment_id: PaymentId(payment),
        student_id: UserId(student),
        course_id: CourseId(course),
        course_title: "Latin".to_owned(),
        amount: contracts::money::Money::from_cents(49_90),
    }
}
