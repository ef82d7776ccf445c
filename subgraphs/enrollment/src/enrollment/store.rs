//! Every SQL statement on the enrollments table.

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use sqlx::{PgPool, Postgres, QueryBuilder, query, query_as};
use subgraph_kit::{
    CourseId, EnrollmentId, Error, PaymentId, Refusal, UserId,
    list::{self, ChildCount, ChildPage, Filter, Listed, Page},
    page::Position,
    viewer::SignedIn,
};

use super::{Enrollment, Status};

/// The enrollments table.
#[derive(Clone)]
pub struct Store {
    db: PgPool,
}

/// Which enrollments of a student or a course are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EnrollmentFilter {
    /// Only those that have got so far.
    pub status: Option<Status>,
}

/// Names an enrollment by who is on which course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Who.
    pub student: UserId,
    /// On which course.
    pub course: CourseId,
}

impl Listed for Enrollment {
    const NOUN: &'static str = "enrollment";
    const TABLE: &'static str = "enrollments";
    const COLUMNS: &'static str = "id, student_id, course_id, payment_id, status, enrolled_at";
    const TIME: &'static str = "enrolled_at";

    fn position(&self) -> Position {
        Position { time: self.enrolled_at, id: self.id.0 }
    }
}

impl Filter for EnrollmentFilter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        if let Some(status) = self.status {
            sql.push(" and status = ").push_bind(status);
        }
    }
}

impl Store {
    /// The table in this database.
    #[must_use]
    pub fn new(db: PgPool) -> Self {
        Self { db }
    }

    /// Changes the status of a student's own enrollment as `change` says, while nobody else can.
    ///
    /// # Errors
    /// `NOT_FOUND`, also for another student's; those of `change`; those of the database.
    pub async fn update_status(
        &self,
        id: EnrollmentId,
        student: SignedIn,
        change: impl FnOnce(&mut Enrollment) -> Result<(), Refusal>,
    ) -> Result<Enrollment, Error> {
        let mut tx = self.db.begin().await?;
        let mut enrollment = query_as!(
            Enrollment,
            r#"
            select id as "id: _", student_id as "student_id: _", course_id as "course_id: _",
                   payment_id as "payment_id: _", status as "status: _", enrolled_at
            from enrollments
            where id = $1 and student_id = $2
            for update
            "#,
            id.0,
            student.id().0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| Refusal::not_found("enrollment", "enrollmentId"))?;

        change(&mut enrollment)?;
        query!("update enrollments set status = $2 where id = $1", id.0, enrollment.status as _)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(enrollment)
    }
}

impl Loader<EnrollmentId> for Store {
    type Value = Enrollment;
    type Error = Error;

    async fn load(&self, ids: &[EnrollmentId]) -> Result<HashMap<EnrollmentId, Enrollment>, Error> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let enrollments = query_as!(
            Enrollment,
            r#"
            select id as "id: _", student_id as "student_id: _", course_id as "course_id: _",
                   payment_id as "payment_id: _", status as "status: _", enrolled_at
            from enrollments
            where id = any($1)
            "#,
            &ids,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(enrollments.into_iter().map(|enrollment| (enrollment.id, enrollment)).collect())
    }
}

impl Loader<Place> for Store {
    type Value = Enrollment;
    type Error = Error;

    async fn load(&self, places: &[Place]) -> Result<HashMap<Place, Enrollment>, Error> {
        let students: Vec<_> = places.iter().map(|place| place.student.0).collect();
        let courses: Vec<_> = places.iter().map(|place| place.course.0).collect();
        let enrollments = query_as!(
            Enrollment,
            r#"
            select id as "id: _", student_id as "student_id: _", course_id as "course_id: _",
                   payment_id as "payment_id: _", status as "status: _", enrolled_at
            from enrollments
            join unnest($1::uuid[], $2::uuid[]) as place (student_id, course_id) using (student_id, course_id)
            "#,
            &students,
            &courses,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(enrollments.into_iter().map(|enrollment| (Place::of(&enrollment), enrollment)).collect())
    }
}

impl Place {
    fn of(enrollment: &Enrollment) -> Self {
        Self { student: enrollment.student_id, course: enrollment.course_id }
    }
}

/// The enrollment that each payment bought. Nothing in the table keeps an adopted database from
/// naming a payment twice: then it is the first one.
impl Loader<PaymentId> for Store {
    type Value = Enrollment;
    type Error = Error;

    async fn load(&self, payments: &[PaymentId]) -> Result<HashMap<PaymentId, Enrollment>, Error> {
        let payments: Vec<_> = payments.iter().map(|payment| payment.0).collect();
        let enrollments = query_as!(
            Enrollment,
            r#"
            select distinct on (payment_id)
                   id as "id: _", student_id as "student_id: _", course_id as "course_id: _",
                   payment_id as "payment_id: _", status as "status: _", enrolled_at
            from enrollments
            where payment_id = any($1)
            order by payment_id, enrolled_at, id
            "#,
            &payments,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(enrollments.into_iter().filter_map(|enrollment| Some((enrollment.payment_id?, enrollment))).collect())
    }
}

impl Loader<ChildPage<UserId, EnrollmentFilter>> for Store {
    type Value = Arc<Page<Enrollment>>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[ChildPage<UserId, EnrollmentFilter>],
    ) -> Result<HashMap<ChildPage<UserId, EnrollmentFilter>, Self::Value>, Error> {
        list::child_pages(&self.db, "student_id", keys).await
    }
}

impl Loader<ChildCount<UserId, EnrollmentFilter>> for Store {
    type Value = i64;
    type Error = Error;

    async fn load(
        &self,
        keys: &[ChildCount<UserId, EnrollmentFilter>],
    ) -> Result<HashMap<ChildCount<UserId, EnrollmentFilter>, i64>, Error> {
        list::child_counts::<Enrollment, _, _>(&self.db, "student_id", keys).await
    }
}

impl Loader<ChildPage<CourseId, EnrollmentFilter>> for Store {
    type Value = Arc<Page<Enrollment>>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[ChildPage<CourseId, EnrollmentFilter>],
    ) -> Result<HashMap<ChildPage<CourseId, EnrollmentFilter>, Self::Value>, Error> {
        list::child_pages(&self.db, "course_id", keys).await
    }
}

impl Loader<ChildCount<CourseId, EnrollmentFilter>> for Store {
    type Value = i64;
    type Error = Error;

    async fn load(
        &self,
        keys: &[ChildCount<CourseId, EnrollmentFilter>],
    ) -> Result<HashMap<ChildCount<CourseId, EnrollmentFilter>, i64>, Error> {
        list::child_counts::<Enrollment, _, _>(&self.db, "course_id", keys).await
    }
}
