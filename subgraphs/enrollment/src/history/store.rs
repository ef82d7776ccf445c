//! Every SQL statement on the table `enrollment_history`, except that an insertion of an enrollment reads how the last one
//! ended.

use std::{collections::HashMap, hash::Hash};

use async_graphql::dataloader::Loader;
use chrono::{DateTime, Utc};
use contracts::{CourseId, Timestamp, UserId};
use service::OwnTeacherOrAdmin;
use sqlx::{PgConnection, query, query_as, query_scalar};
use subgraph_kit::{
    Error, Table,
    viewer::{Proof as _, SelfOrAdmin, SignedIn},
};
use uuid::Uuid;

use super::{ChangeKind, EnrollmentChange};
use crate::enrollment::{Enrollment, Status, store::EnrollmentKey};

/// A change to record.
#[derive(Clone, Copy, Debug)]
pub struct NewChange<'a> {
    /// What has happened.
    pub kind: ChangeKind,
    /// Who did it; none for an event of a payment.
    pub changed_by: Option<UserId>,
    /// The reason that was given.
    pub reason: Option<&'a str>,
    /// When it happened.
    pub changed_at: DateTime<Utc>,
}

/// Records a change of this enrollment, whose fields are as after the change.
pub async fn record(db: &mut PgConnection, enrollment: &Enrollment, change: NewChange<'_>) -> Result<(), sqlx::Error> {
    query!(
        "insert into enrollment_history
             (enrollment_id, student_id, course_id, kind, status, completed_at, changed_by, reason, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        enrollment.id.0,
        enrollment.student_id.0,
        enrollment.course_id.0,
        change.kind,
        enrollment.status,
        enrollment.completed_at.map(|time| time.0),
        change.changed_by.map(|user| user.0),
        change.reason,
        change.changed_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How often a student has enrolled in a course, or was enrolled.
pub async fn count_enrollments(db: &mut PgConnection, key: EnrollmentKey) -> Result<i64, sqlx::Error> {
    query_scalar!(
        r#"
        select count(*) as "count!"
        from enrollment_history
        where student_id = $1 and course_id = $2 and kind in ('enrolled', 'granted')
        "#,
        key.student.0,
        key.course.0,
    )
    .fetch_one(db)
    .await
}

/// How many enrollments somebody has granted within 24 hours.
#[derive(Clone, Copy, Debug)]
pub struct RecentGrants {
    /// To all students.
    pub total: i64,
    /// To one student.
    pub to_student: i64,
}

/// Serializes the grants of a teacher until the transaction ends, so that concurrent ones count each other.
pub async fn lock_grants(db: &mut PgConnection, granter: SignedIn) -> Result<(), sqlx::Error> {
    query!("select pg_advisory_xact_lock(hashtextextended('grants ' || $1::text, 0))", granter.id().to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Counts what this teacher has granted within 24 hours.
pub async fn count_grants(
    db: &mut PgConnection,
    granter: SignedIn,
    student: UserId,
) -> Result<RecentGrants, sqlx::Error> {
    query_as!(
        RecentGrants,
        r#"
        select count(*) as "total!", count(*) filter (where student_id = $2) as "to_student!"
        from enrollment_history
        where changed_by = $1 and kind = 'granted' and changed_at > now() - interval '24 hours'
        "#,
        granter.id().0,
        student.0,
    )
    .fetch_one(db)
    .await
}

/// The loader key of a student's newest changes, in one course or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfStudent {
    student: UserId,
    course: Option<CourseId>,
}

/// The loader key of a course's newest changes, of one student or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfCourse {
    course: CourseId,
    student: Option<UserId>,
}

impl OfStudent {
    /// The key, for a viewer who may see what the student does.
    #[must_use]
    pub fn new(proof: SelfOrAdmin, course: Option<CourseId>) -> Self {
        Self { student: proof.owner(), course }
    }
}

impl OfCourse {
    /// The key, for a viewer who may see who is on the course.
    #[must_use]
    pub fn new(proof: OwnTeacherOrAdmin, student: Option<UserId>) -> Self {
        Self { course: proof.owner(), student }
    }
}

/// A change, with the number of the key that it belongs to, from 1.
struct Found {
    key: i64,
    kind: ChangeKind,
    status: Status,
    reason: Option<String>,
    changed_at: Timestamp,
    changed_by: Option<UserId>,
    student_id: UserId,
    course_id: CourseId,
}

impl Loader<OfStudent> for Table<Enrollment> {
    type Value = Vec<EnrollmentChange>;
    type Error = Error;

    async fn load(&self, keys: &[OfStudent]) -> Result<HashMap<OfStudent, Vec<EnrollmentChange>>, Error> {
        let students: Vec<_> = keys.iter().map(|key| key.student.0).collect();
        let courses: Vec<_> = keys.iter().map(|key| key.course.map(|course| course.0)).collect();
        let found = query_as!(
            Found,
            r#"
            select wanted.number as "key!", change.kind, change.status, change.reason, change.changed_at,
                   change.changed_by, change.student_id, change.course_id
            from unnest($1::uuid[], $2::uuid[]) with ordinality as wanted (student_id, course_id, number)
            cross join lateral (
                select position, kind, status, reason, changed_at, changed_by, student_id, course_id
                from enrollment_history
                where student_id = wanted.student_id and (wanted.course_id is null or course_id = wanted.course_id)
                order by position desc
                limit 100
            ) as change
            order by change.position desc
            "#,
            &students,
            &courses as &[Option<Uuid>],
        )
        .fetch_all(self.db())
        .await?;
        Ok(grouped(keys, found))
    }
}

impl Loader<OfCourse> for Table<Enrollment> {
    type Value = Vec<EnrollmentChange>;
    type Error = Error;

    async fn load(&self, keys: &[OfCourse]) -> Result<HashMap<OfCourse, Vec<EnrollmentChange>>, Error> {
        let courses: Vec<_> = keys.iter().map(|key| key.course.0).collect();
        let students: Vec<_> = keys.iter().map(|key| key.student.map(|student| student.0)).collect();
        let found = query_as!(
            Found,
            r#"
            select wanted.number as "key!", change.kind, change.status, change.reason, change.changed_at,
                   change.changed_by, change.student_id, change.course_id
            from unnest($1::uuid[], $2::uuid[]) with ordinality as wanted (course_id, student_id, number)
            cross join lateral (
                select position, kind, status, reason, changed_at, changed_by, student_id, course_id
                from enrollment_history
                where course_id = wanted.course_id and (wanted.student_id is null or student_id = wanted.student_id)
                order by position desc
                limit 100
            ) as change
            order by change.position desc
            "#,
            &courses,
            &students as &[Option<Uuid>],
        )
        .fetch_all(self.db())
        .await?;
        Ok(grouped(keys, found))
    }
}

/// The changes of each key, in their order.
fn grouped<K: Copy + Eq + Hash>(keys: &[K], found: Vec<Found>) -> HashMap<K, Vec<EnrollmentChange>> {
    let mut groups: HashMap<K, Vec<EnrollmentChange>> = keys.iter().map(|key| (*key, Vec::new())).collect();
    for Found { key, kind, status, reason, changed_at, changed_by, student_id, course_id } in found {
        let key = usize::try_from(key - 1).ok().and_then(|index| keys.get(index));
        if let Some(changes) = key.and_then(|key| groups.get_mut(key)) {
            changes.push(EnrollmentChange { kind, status, reason, changed_at, changed_by, student_id, course_id });
        }
    }
    groups
}
