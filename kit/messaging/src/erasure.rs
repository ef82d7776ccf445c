//! Erases a user from the events that a service keeps: those that it has sent or handled, and those that it has yet to.

use contracts::{ErasureId, UserId, events::ErasedTable};
use sqlx::{PgConnection, query};

/// The events of an erasure itself: they name the user on purpose, and are deleted when it is done.
const ERASED: &str = "lyceum.user.erased";

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

    let deleted = query(
        "delete from outbox_events
         where strpos(event::text, $1) > 0 and type <> $2
           and (delivered_at is not null or type in ('lyceum.user.registered', 'lyceum.user.signed_in_from_new_client'))",
    )
    .bind(&user)
    .bind(ERASED)
    .execute(&mut *db)
    .await?;
    let anonymized = query(sqlx::AssertSqlSafe(format!(
        "update outbox_events
         set event = {ANONYMOUS}, subject = case when subject = $1::uuid then $2::uuid else subject end
         where strpos(event::text, $1) > 0 and type <> $3"
    )))
    .bind(&user)
    .bind(&pseudonym)
    .bind(ERASED)
    .execute(&mut *db)
    .await?;
    tables.push(ErasedTable {
        table: "outbox_events".to_owned(),
        deleted: count(deleted),
        anonymized: count(anonymized),
    });

    let emptied = query(
        "update inbox_events
         set event = '{}', reason = null, subject = case when subject = $1::uuid then $2::uuid else subject end
         where strpos(event::text, $1) > 0 and (processed_at is not null or type = $3)",
    )
    .bind(&user)
    .bind(&pseudonym)
    .bind(ERASED)
    .execute(&mut *db)
    .await?;
    let anonymized = query(sqlx::AssertSqlSafe(format!(
        "update inbox_events
         set event = {ANONYMOUS}, subject = case when subject = $1::uuid then $2::uuid else subject end
         where strpos(event::text, $1) > 0 and processed_at is null"
    )))
    .bind(&user)
    .bind(&pseudonym)
    .execute(db)
    .await?;
    let anonymized = count(emptied) + count(anonymized);
    tables.push(ErasedTable { table: "inbox_events".to_owned(), deleted: 0, anonymized });
    Ok(tables)
}

/// Deletes the event of an erasure that this service has handled.
///
/// # Errors
/// If the statement fails.
pub async fn delete_sent(db: &mut PgConnection, erasure: ErasureId, destination: &str) -> Result<(), sqlx::Error> {
    query("delete from outbox_events where type = $1 and destination = $2 and event #>> '{data,erasure_id}' = $3")
        .bind(ERASED)
        .bind(destination)
        .bind(erasure.to_string())
        .execute(db)
        .await?;
    Ok(())
}
