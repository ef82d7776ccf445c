//! A stand-in for the enrollment subgraph: a small subgraph of its own, whose enrollments a test can change.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, SimpleObject};
use contracts::{CourseId, PaymentId, UserId};
use service::Subgraph;
use sqlx::PgPool;
use subgraph_kit::{Error, ViewerExt as _};
use subgraph_testing::verifier;
use uuid::Uuid;

/// The enrollments that it returns. Clones share them.
#[derive(Clone, Default)]
pub struct FakeEnrollments(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    enrollments: HashMap<(Uuid, Uuid), Enrollment>,
    is_unavailable: bool,
}

#[derive(Clone, SimpleObject)]
struct Enrollment {
    status: &'static str,
    payment: Option<Payment>,
}

#[derive(Clone, SimpleObject)]
struct Payment {
    id: PaymentId,
}

struct Query(FakeEnrollments);

#[Object]
impl Query {
    #[expect(clippy::unused_async, reason = "async-graphql resolvers are asynchronous")]
    async fn enrollment_in_course(
        &self,
        ctx: &Context<'_>,
        course_id: CourseId,
        student_id: UserId,
    ) -> Result<Option<Enrollment>, Error> {
        let state = self.0.state();
        if state.is_unavailable {
            return Err(sqlx::Error::PoolTimedOut.into());
        }
        let is_visible = ctx.viewer().is_self_or_admin(student_id);
        Ok(state.enrollments.get(&(student_id.0, course_id.0)).filter(|_| is_visible).cloned())
    }
}

impl FakeEnrollments {
    /// Enrolls a student, with the payment that bought it.
    pub fn enroll(&self, student: Uuid, course: Uuid, status: &'static str, payment: Option<Uuid>) {
        let payment = payment.map(|id| Payment { id: PaymentId(id) });
        self.state().enrollments.insert((student, course), Enrollment { status, payment });
    }

    /// Sets whether its database is unavailable.
    pub fn set_unavailable(&self, is_unavailable: bool) {
        self.state().is_unavailable = is_unavailable;
    }

    pub fn subgraph(&self, db: PgPool) -> Subgraph {
        let schema = service::build(Query(self.clone()), EmptyMutation, EmptySubscription).finish();
        Subgraph::new("enrollment", schema, (), db, verifier())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panicked in here")
    }
}
