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
            'notifications', (select coalesce(jsonb_agg(to_jsonb(one) order by created_at, id), '[]') from notifications as one where user_id = $1),
            'notification_settings', (select coalesce(jsonb_agg(to_jsonb(one) order by type), '[]') from notification_settings as one where user_id = $1),
            'deleted_notifications', (select coalesce(jsonb_agg(to_jsonb(one) order by created_at), '[]') from deleted_notifications as one where user_id = $1)
        )::text as "data!"
        "#,
        user.0,
    );
    Ok(data.fetch_one(db).await?)
}
