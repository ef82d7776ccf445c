//! Erases a teacher whose account was deleted.

use contracts::{
    UserId,
    events::{ErasedTable, ErasureReceipt, EventPayload},
};
use db::DbPool;
use service::Eraser;
use sqlx::{PgConnection, query, query_scalar};
use subgraph_kit::Error;

/// Erases a user from the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct CourseEraser;

impl Eraser for CourseEraser {
    const SERVICE: &'static str = "course";

    /// Drafts, which nobody else has seen, are deleted. Withdrawn courses stay for their students, with an anonymous
    /// teacher; so does one that was published at the last moment, and it is withdrawn, even if its deletion fails.
    async fn erase(&self, db: &mut PgConnection, user: UserId, pseudonym: UserId) -> Result<Vec<ErasedTable>, Error> {
        let drafts = query!("delete from courses where teacher_id = $1 and state = 'draft'", user.0);
        let drafts = drafts.execute(&mut *db).await?;
        let kept = query!(
            "update courses set teacher_id = $2, state = 'withdrawn', deletion_began_at = null where teacher_id = $1",
            user.0,
            pseudonym.0,
        );
        let kept = kept.execute(&mut *db).await?;
        let requests = query!("delete from create_course_requests where teacher_id = $1", user.0).execute(db).await?;
        let table = |table: &str, deleted, anonymized| ErasedTable { table: table.to_owned(), deleted, anonymized };
        Ok(vec![
            table("courses", drafts.rows_affected(), kept.rows_affected()),
            table("create_course_requests", requests.rows_affected(), 0),
        ])
    }

    async fn send_receipt(&self, db: &mut PgConnection, receipt: ErasureReceipt) -> Result<(), Error> {
        Ok(messaging::publish(db, EventPayload::ErasedInCourse(receipt)).await?)
    }
}

/// Whether a user teaches a course that is in the catalogue.
///
/// # Errors
/// If the database is unavailable.
pub async fn has_published_courses(db: &DbPool, teacher: UserId) -> Result<bool, Error> {
    let exist = query_scalar!(
        r#"select exists (select from courses where teacher_id = $1 and state = 'published') as "exist!""#,
        teacher.0,
    );
    Ok(exist.fetch_one(db).await?)
}
