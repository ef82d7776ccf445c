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
            'payments', (select coalesce(jsonb_agg(to_jsonb(one) - 'teacher_id' order by created_at, id), '[]') from payments as one where student_id = $1),
            'purchase_requests', (select coalesce(jsonb_agg(to_jsonb(one) order by payment_id), '[]') from purchase_requests as one where student_id = $1),
            'refund_requests', (
                select coalesce(jsonb_agg(to_jsonb(one) order by requested_at), '[]')
                from refund_requests as one
                where payment_id in (select id from payments where student_id = $1)
            )
        )::text as "data!"
        "#,
        user.0,
    );
    Ok(data.fetch_one(db).await?)
}
