//! Erases a user from the events that a service keeps: those that it has sent or handled, and those that it has yet to.

use contracts::{
    ErasureId, UserId,
    events::{ErasedTable, Event},
};
use sqlx::{PgConnection, query, query_scalar};

/// The events of an erasure itself: they name the user on purpose, and are deleted when it is done.
const ERASED: &str = "lyceum.user.erased";

/// Shorter than the time that a worker gives it.
const SET_TIMEOUT: &str = "set local statement_timeout = '50s'";

/// The event with the pseudonym ($2) in place of the user ($1), and without the texts about the user.
const ANONYMOUS: &str = "
    replace((
        case when $1 in (event #>> '{data,user_id}', event #>> '{data,student_id}', event #>> '{data,teacher_id}') then
            jsonb_set(
                jsonb_set(
                    case when type = 'lyceum.course.withdrawn' then event #- '{data,reason}' else event end,
                    '{data,removal_reason}', '\"\"', false
                ),
                '{data,name}', '\"\"', false
            ) #- '{data,client}'
        else event end
    )::text, $1, $2)::jsonb";

/// Erases a user from the outbox and the inbox. What is delivered and handled loses its content, but not its id, by which
/// a repeated delivery is known; what is not becomes anonymous, so that it still has its effect.
///
/// # Errors
/// If a statement fails.
pub async fn erase_from_events(
    db: &mut PgConnection,
    user: UserId,
    pseudonym: UserId,
) -> Result<Vec<ErasedTable>, sqlx::Error> {
    let (user, pseudonym) = (user.to_string(), pseudonym.to_string());
    let mut tables = Vec::new();
    let count = |result: sqlx::postgres::PgQueryResult| result.rows_affected();

    // Both tables are read from beginning to end: a busy service has many events.
    query(SET_TIMEOUT).execute(&mut *db).await?;
    let sent: Vec<i64> =
        query_scalar("select position from outbox_events where strpos(event::text, $1) > 0 and type <> $2")
            .bind(&user)
            .bind(ERASED)
            .fetch_all(&mut *db)
            .await?;
    let deleted = query(
        "delete from outbox_events
         where position = any($1)
           and (delivered_at is not null or type in ('lyceum.user.registered', 'lyceum.user.signed_in_from_new_client'))",
    )
    .bind(&sent)
    .execute(&mut *db)
    .await?;
    let anonymized = query(sqlx::AssertSqlSafe(format!(
        "update outbox_events
         set event = {ANONYMOUS}, subject = case when subject = $1::uuid then $2::uuid else subject end
         where position = any($3)"
    )))
    .bind(&user)
    .bind(&pseudonym)
    .bind(&sent)
    .execute(&mut *db)
    .await?;
    tables.push(ErasedTable {
        table: "outbox_events".to_owned(),
        deleted: count(deleted),
        anonymized: count(anonymized),
    });

    let received: Vec<i64> = query_scalar("select position from inbox_events where strpos(event::text, $1) > 0")
        .bind(&user)
        .fetch_all(&mut *db)
        .await?;
    let emptied = query(
        "update inbox_events
         set event = '{}', reason = null, subject = case when subject = $1::uuid then $2::uuid else subject end
         where position = any($3) and (processed_at is not null or type = $4)",
    )
    .bind(&user)
    .bind(&pseudonym)
    .bind(&received)
    .bind(ERASED)
    .execute(&mut *db)
    .await?;
    let anonymized = query(sqlx::AssertSqlSafe(format!(
        "update inbox_events
         set event = {ANONYMOUS}, subject = case when subject = $1::uuid then $2::uuid else subject end
         where position = any($3) and processed_at is null and type <> $4"
    )))
    .bind(&user)
    .bind(&pseudonym)
    .bind(&received)
    .bind(ERASED)
    .execute(db)
    .await?;
    let anonymized = count(emptied) + count(anonymized);
    tables.push(ErasedTable { table: "inbox_events".to_owned(), deleted: 0, anonymized });
    Ok(tables)
}

/// Deletes the event of an erasure that this service has handled, and returns it.
///
/// # Errors
/// If the statement fails.
pub async fn take_sent(
    db: &mut PgConnection,
    erasure: ErasureId,
    destination: &str,
) -> Result<Option<Event>, sqlx::Error> {
    let events: Vec<String> = query_scalar(
        "delete from outbox_events
         where type = $1 and destination = $2 and event #>> '{data,erasure_id}' = $3
         returning event::text",
    )
    .bind(ERASED)
    .bind(destination)
    .bind(erasure.to_string())
    .fetch_all(db)
    .await?;
    Ok(events.first().and_then(|event| serde_json::from_str(event).ok()))
}
