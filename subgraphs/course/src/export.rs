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
            'courses', (select coalesce(jsonb_agg(to_jsonb(one) order by created_at, id), '[]') from courses as one where teacher_id = $1),
            'create_course_requests', (select coalesce(jsonb_agg(to_jsonb(one) - 'input_hash' order by idempotency_key), '[]') from create_course_requests as one where teacher_id = $1)
        )::text as "data!"
        "#,
        user.0,
    );
    Ok(data.fetch_one(db).await?)
}
