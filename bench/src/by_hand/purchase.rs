//! A purchase, with the same transactions as the services.

use axum::{Json, extract::State};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, PgPool, Postgres, Transaction, query, query_as};
use tokio::try_join;
use uuid::Uuid;

use super::{
    answers::{Data, Payment},
    databases::{DatabaseError, Databases, Viewer},
};

/// The graph's input.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    course_id: Uuid,
    idempotency_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Purchased {
    purchase_course: Payload,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    payment: Option<Payment>,
    user_errors: [(); 0],
}

/// The purchased course and its buyer.
#[derive(Clone, Copy)]
struct Bought {
    student: Uuid,
    course: Uuid,
    payment: Uuid,
}

/// Responds when the payment is completed. The enrollment and the notifications follow in the background.
pub(super) async fn purchase(
    State(databases): State<Databases>,
    Viewer(student): Viewer,
    Json(input): Json<Input>,
) -> Result<Json<Data<Purchased>>, DatabaseError> {
    let payment = match begin(&databases, student, &input).await? {
        Some(id) => {
            let payment = complete(&databases, id).await?;
            tokio::spawn(follow_up(databases, Bought { student, course: input.course_id, payment: id }));
            Some(payment)
        }
        None => None,
    };
    Ok(Json(Data { data: Purchased { purchase_course: Payload { payment, user_errors: [] } } }))
}

/// Begins a pending payment; `None` if the course cannot be bought.
async fn begin(databases: &Databases, student: Uuid, input: &Input) -> Result<Option<Uuid>, DatabaseError> {
    let earlier = query("select payment_id from purchase_requests where student_id = $1 and idempotency_key = $2")
        .bind(student)
        .bind(&input.idempotency_key)
        .fetch_optional(&databases.0.payment)
        .await?;
    let course: Option<(String, Decimal)> = query_as("select title, price from courses where id = $1 and not is_free")
        .bind(input.course_id)
        .fetch_optional(&databases.0.course)
        .await?;
    let (None, Some((title, price))) = (earlier, course) else { return Ok(None) };
    let payment = query_as(
        "with purchase as (
             insert into purchase_requests
                 (payment_id, student_id, course_id, idempotency_key, course_title, is_active, next_attempt_at)
             select $1, $2, $3, $4, $5, true, now() + interval '5 s'
             where not exists (
                 select from payments
                 where student_id = $2 and course_id = $3 and status in ('pending', 'completed')
             )
             on conflict do nothing
             returning payment_id, student_id, course_id
         )
         insert into payments (id, student_id, course_id, amount, status)
         select payment_id, student_id, course_id, $6, 'pending'
         from purchase
         returning id",
    )
    .bind(Uuid::now_v7())
    .bind(student)
    .bind(input.course_id)
    .bind(&input.idempotency_key)
    .bind(title)
    .bind(price)
    .fetch_optional(&databases.0.payment)
    .await?;
    Ok(payment.map(|(id,)| id))
}

async fn complete(databases: &Databases, id: Uuid) -> Result<Payment, DatabaseError> {
    let mut transaction = transaction(&databases.0.payment).await?;
    let payment = query_as(
        "update payments set status = 'completed' where id = $1 and status = 'pending'
         returning id, amount, upper(status::text) as status, created_at",
    )
    .bind(id)
    .fetch_one(&mut *transaction)
    .await?;
    query(
        "update purchase_requests
         set next_attempt_at = null,
             is_active = (select status in ('pending', 'completed') from payments where payments.id = payment_id)
         where payment_id = $1",
    )
    .bind(id)
    .execute(&mut *transaction)
    .await?;
    publish(&mut transaction, id, &["enrollment", "notification"]).await?;
    transaction.commit().await?;
    Ok(payment)
}

async fn follow_up(databases: Databases, bought: Bought) -> Result<(), sqlx::Error> {
    let enroll = async {
        let mut transaction = transaction(&databases.0.enrollment).await?;
        receive(&mut transaction, bought.payment).await?;
        let id = Uuid::now_v7();
        query("insert into payment_redemptions (payment_id, enrollment_id) values ($1, $2)")
            .bind(bought.payment)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        query("insert into enrollments (id, student_id, course_id, payment_id) values ($1, $2, $3, $4)")
            .bind(id)
            .bind(bought.student)
            .bind(bought.course)
            .bind(bought.payment)
            .execute(&mut *transaction)
            .await?;
        publish(&mut transaction, id, &["notification"]).await?;
        transaction.commit().await?;
        notify(&databases, bought.student, id, "enrollment").await
    };
    try_join!(enroll, notify(&databases, bought.student, bought.payment, "payment"))?;
    Ok(())
}

async fn notify(databases: &Databases, student: Uuid, subject: Uuid, kind: &str) -> Result<(), sqlx::Error> {
    let mut transaction = transaction(&databases.0.notification).await?;
    receive(&mut transaction, subject).await?;
    query("insert into notifications (user_id, type, title) values ($1, $2::notification_type, 'By hand')")
        .bind(student)
        .bind(kind)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

#[expect(clippy::disallowed_methods, reason = "as by hand")]
async fn transaction(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    pool.begin().await
}

/// Inserts outbox rows as delivered: the services over the same databases must ignore them.
async fn publish(transaction: &mut PgConnection, subject: Uuid, destinations: &[&str]) -> Result<(), sqlx::Error> {
    query(
        "insert into outbox_events (event_id, destination, type, subject, event, delivered_at)
         select $1, unnest($2::text[]), 'bench', $3, $4::jsonb, now()",
    )
    .bind(Uuid::now_v7())
    .bind(destinations)
    .bind(subject)
    .bind(json!({ "subject": subject }).to_string())
    .execute(transaction)
    .await?;
    Ok(())
}

/// Inserts an inbox row as handled.
async fn receive(transaction: &mut PgConnection, subject: Uuid) -> Result<(), sqlx::Error> {
    query(
        "insert into inbox_events (event_id, type, subject, event, processed_at) values ($1, 'bench', $2, $3::jsonb, now())",
    )
    .bind(Uuid::now_v7())
    .bind(subject)
    .bind(json!({ "subject": subject }).to_string())
    .execute(transaction)
    .await?;
    Ok(())
}
