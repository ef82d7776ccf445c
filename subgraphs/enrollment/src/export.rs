//! What this service has of a user, for `exportMyData`.

use contracts::UserId;
use db::DbPool;
use sqlx::query_scalar;
use subgraph_kit::Error;

/// The user's rows of each table, as JSON.
///
/// # Errors
/// If the database is unavailable.
pub async fn data_of(db: &DbPool, user: UserId) -> Result<String, Error> {
    let data = query_scalar!(
        r#"
        select jsonb_build_object(
            'enrollments', (select coalesce(jsonb_agg(to_jsonb(one) order by enrolled_at, id), '[]') from enrollments as one where student_id = $1),
            -- Not who else acted, nor what the user did to others.
            'enrollment_history', (select coalesce(jsonb_agg(to_jsonb(one) - 'position' - 'changed_by' order by position), '[]') from enrollment_history as one where student_id = $1)
        )::text as "data!"
        "#,
        user.0,
    );
    Ok(data.fetch_one(db).await?)
}
