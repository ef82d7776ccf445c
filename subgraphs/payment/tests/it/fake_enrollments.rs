//! A stand-in for the enrollment subgraph: a small subgraph of its own, whose enrollments a test can change.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, SimpleObject};
use contracts::{CourseId, PaymentId, UserId};
use service::Subgraph;
use sqlx::{PgPool, query_scalar};
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
    completes_when_requested: bool,
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

struct Query {
    enrollments: FakeEnrollments,
    /// Payment's.
    db: PgPool,
}

#[Object]
impl Query {
    async fn enrollment_in_course(
        &self,
        ctx: &Context<'_>,
        course_id: CourseId,
        student_id: UserId,
    ) -> Result<Option<Enrollment>, Error> {
        let requests = query_scalar("select count(*) from refund_requests").fetch_one(&self.db);
        let requests: i64 = requests.await.map_err(Error::from)?;
        let mut state = self.enrollments.state();
        if state.completes_when_requested
            && requests > 0
            && let Some(enrollment) = state.enrollments.get_mut(&(student_id.0, course_id.0))
        {
            enrollment.status = "COMPLETED";
        }
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

    /// Students complete their courses between the moment before a refund is requested, and the moment after it.
    pub fn complete_when_requested(&self) {
        self.state().completes_when_requested = true;
    }

    pub fn subgraph(&self, db: PgPool) -> Subgraph {
        let schema =
            service::build(Query { enrollments: self.clone(), db: db.clone() }, EmptyMutation, EmptySubscription)
                .finish();
        Subgraph::new("enrollment", schema, (), db, verifier())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panicked in here")
    }
}
