//! A stand-in for the course subgraph: a small subgraph of its own, whose courses a test can change.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_graphql::{EmptyMutation, EmptySubscription, Enum, Object, SimpleObject};
use contracts::{CourseId, UserId, money::Money};
use service::Subgraph;
use sqlx::PgPool;
use subgraph_kit::Error;
use subgraph_testing::verifier;
use tokio::time::sleep;
use uuid::Uuid;

use crate::fixtures::TERESA;

/// The courses that it returns. Clones share them.
#[derive(Clone, Default)]
pub struct Catalogue(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    courses: HashMap<Uuid, Course>,
    is_unavailable: bool,
    broken: HashSet<Uuid>,
    asked: u32,
    pause: Duration,
}

#[derive(Clone, SimpleObject)]
struct Course {
    title: String,
    is_free: bool,
    price: Option<Money>,
    state: CourseState,
    teacher: Option<Teacher>,
}

#[derive(Clone, SimpleObject)]
struct Teacher {
    id: UserId,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum CourseState {
    Draft,
    Published,
    Withdrawn,
}

struct Query(Catalogue);

#[Object]
impl Query {
    async fn course(&self, id: CourseId) -> Result<Option<Course>, Error> {
        let pause = self.0.state().pause;
        sleep(pause).await;
        let mut state = self.0.state();
        state.asked += 1;
        if state.is_unavailable {
            return Err(sqlx::Error::PoolTimedOut.into());
        }
        // As for an anonymous viewer.
        Ok(state.courses.get(&id.0).filter(|course| course.state != CourseState::Draft).cloned())
    }

    #[expect(clippy::unused_async, reason = "async-graphql resolvers are asynchronous")]
    async fn course_teacher(&self, course_id: CourseId) -> Result<Option<Teacher>, Error> {
        let state = self.0.state();
        if state.broken.contains(&course_id.0) {
            return Err(Error::internal(std::io::Error::other("this course is broken")));
        }
        Ok(state.courses.get(&course_id.0).and_then(|course| course.teacher.clone()))
    }
}

impl Catalogue {
    /// Sets a course's price; free if none. Teresa teaches it.
    pub fn quote(&self, id: Uuid, title: &str, price: Option<&str>) {
        let price = price.map(|price| price.parse().expect("an amount"));
        let course = Course {
            title: title.to_owned(),
            is_free: price.is_none(),
            price,
            state: CourseState::Published,
            teacher: Some(Teacher { id: UserId(TERESA) }),
        };
        self.state().courses.insert(id, course);
    }

    /// Sets a course's state.
    pub fn set_state(&self, id: Uuid, course_state: CourseState) {
        self.state().courses.get_mut(&id).expect("a course").state = course_state;
    }

    /// Makes every query for a course's teacher fail.
    pub fn break_course(&self, id: Uuid) {
        self.state().broken.insert(id);
    }

    pub fn delete(&self, id: Uuid) {
        self.state().courses.remove(&id);
    }

    /// Sets whether its database is unavailable.
    pub fn set_unavailable(&self, is_unavailable: bool) {
        self.state().is_unavailable = is_unavailable;
    }

    /// Delays every response.
    pub fn be_slow(&self, pause: Duration) {
        self.state().pause = pause;
    }

    /// The number of queries for a course.
    pub fn asked(&self) -> u32 {
        self.state().asked
    }

    pub fn subgraph(&self, db: PgPool) -> Subgraph {
        let schema = service::build(Query(self.clone()), EmptyMutation, EmptySubscription).finish();
        Subgraph::new("course", schema, (), db, verifier())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panicked in here")
    }
}
