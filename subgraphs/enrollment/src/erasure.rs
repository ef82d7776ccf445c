//! Erases a student or a teacher whose account was deleted.

use contracts::{
    UserId,
    events::{EnrollmentRejected, ErasedTable, ErasureReceipt, EventPayload},
};
use service::Eraser;
use sqlx::{PgConnection, query, query_scalar};
use subgraph_kit::Error;

use crate::enrollment::store;

/// Erases a user from enrollments and their history.
#[derive(Clone, Copy, Debug)]
pub struct EnrollmentEraser;

impl Eraser for EnrollmentEraser {
    const SERVICE: &'static str = "enrollment";

    /// Enrollments and their history stay for the course's numbers, under the pseudonym and without what anybody wrote
    /// about the student. Where the user acted on others, only who it was is replaced.
    async fn erase(&self, db: &mut PgConnection, user: UserId, pseudonym: UserId) -> Result<Vec<ErasedTable>, Error> {
        let duplicates = delete_duplicates(db, user, pseudonym).await?;
        let enrollments = query!("update enrollments set student_id = $2 where student_id = $1", user.0, pseudonym.0);
        let enrollments = enrollments.execute(&mut *db).await?;
        let refunded = delete_refunded(db, pseudonym).await?;
        let history = query!(
            "update enrollment_history
             set student_id = case when student_id = $1 then $2 else student_id end,
                 changed_by = case when changed_by = $1 then $2 else changed_by end,
                 reason = case when student_id = $1 then null else reason end
             where student_id = $1 or changed_by = $1",
            user.0,
            pseudonym.0,
        );
        let history = history.execute(db).await?;
        let table = |table: &str, deleted, anonymized| ErasedTable { table: table.to_owned(), deleted, anonymized };
        Ok(vec![
            table("enrollments", duplicates + refunded, enrollments.rows_affected()),
            table("enrollment_history", 0, history.rows_affected()),
        ])
    }

    async fn send_receipt(&self, db: &mut PgConnection, receipt: ErasureReceipt) -> Result<(), Error> {
        Ok(messaging::publish(db, EventPayload::ErasedInEnrollment(receipt)).await?)
    }
}

/// Deletes enrollments that came after the user had the same one under the pseudonym. One that was paid for is rejected,
/// so that the money is refunded.
async fn delete_duplicates(db: &mut PgConnection, user: UserId, pseudonym: UserId) -> Result<u64, Error> {
    let duplicates = query_scalar!(
        "delete from enrollments
         where student_id = $1 and course_id in (select course_id from enrollments where student_id = $2)
         returning payment_id",
        user.0,
        pseudonym.0,
    )
    .fetch_all(&mut *db)
    .await?;
    for payment_id in duplicates.iter().flatten().copied() {
        store::reject(db, payment_id).await?;
        messaging::publish(db, EventPayload::EnrollmentRejected(EnrollmentRejected { payment_id })).await?;
    }
    Ok(duplicates.len() as u64)
}

/// Deletes enrollments whose payment was refunded while one of the two services knew the pseudonym, and the other did not.
async fn delete_refunded(db: &mut PgConnection, pseudonym: UserId) -> Result<u64, Error> {
    let deleted = query!(
        "delete from enrollments
         where student_id = $1
           and payment_id in (select payment_id from payment_redemptions where state = 'refunded')",
        pseudonym.0,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}
