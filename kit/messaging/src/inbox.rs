//! The inbox: received events, deduplicated, and handled in order, each in the transaction of its effect.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use contracts::events::{Event, EventType};
use db::{DbPool, Transaction, availability::with_timeout, fail_point};
use futures::{FutureExt as _, future::BoxFuture};
use serde::Deserialize;
use serde_json::Value;
use sqlx::{PgConnection, query, query_as, query_scalar};
use subgraph_kit::{Error, report, text};
use telemetry::{metrics, spans};
use tracing::{Instrument as _, Span, debug, error, warn};
use uuid::Uuid;

use crate::delivery::{DeliveryError, MAX_SCHEDULED_AHEAD, Progress};

/// The `NOTIFY` channel for new events.
pub const CHANNEL: &str = "inbox";

/// Failures before an event is dead-lettered: about 13 seconds.
const MAX_ATTEMPTS: i32 = 8;

/// How long an event waits for a cause that has not been received, at most, from the first attempt to handle it. Longer
/// than NATS needs to republish a lost event.
const MAX_WAIT: Duration = Duration::from_secs(15);

/// As long as the relay waits for a delivery.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

type HandleFn =
    Arc<dyn for<'a> Fn(&'a mut PgConnection, Event, MayWait) -> BoxFuture<'a, Result<Handled, Error>> + Send + Sync>;

/// Whether an event may still wait for a cause that has not been received.
type MayWait = bool;

/// The type and the subject of an event that led to another one.
pub type Cause = (EventType, Uuid);

enum Handled {
    Done(AfterCommit),
    /// Its cause has yet to be handled.
    Waits,
}

/// An optional action after the commit of the effect. It is lost if the process dies at that moment.
pub type AfterCommit = Option<Box<dyn FnOnce() + Send>>;

/// Handles a service's events.
pub trait Handler: Send + Sync + 'static {
    /// Applies the event's effect, in the transaction that also marks it as processed. Each event is handled once, but
    /// an earlier one may have had the same payload.
    ///
    /// # Errors
    /// An error makes the event be retried, and dead-lettered after the last attempt.
    fn handle(
        &self,
        transaction: &mut PgConnection,
        event: Event,
    ) -> impl Future<Output = Result<AfterCommit, Error>> + Send;

    /// The event's cause, if it has yet to be handled: the event waits for it. Asked again while the cause is in the inbox,
    /// and otherwise for some seconds: then the event is handled without it.
    ///
    /// # Errors
    /// As of [`Handler::handle`].
    fn missing_cause(
        &self,
        _: &mut PgConnection,
        _: &Event,
    ) -> impl Future<Output = Result<Option<Cause>, Error>> + Send {
        async { Ok(None) }
    }
}

/// A service's inbox.
#[derive(Clone)]
pub struct Inbox {
    db: DbPool,
    service: &'static str,
    handle: HandleFn,
}

/// The attributes needed to store an event. Other faults show when it is handled, and can be repaired then.
#[derive(Deserialize)]
pub(crate) struct Envelope {
    specversion: String,
    pub(crate) id: Uuid,
    #[serde(rename = "source")]
    _source: String,
    pub(crate) r#type: String,
    pub(crate) subject: Uuid,
}

/// An inbox row to handle.
#[derive(sqlx::FromRow)]
struct PendingEvent {
    position: i64,
    event_id: Uuid,
    r#type: String,
    event: String,
    traceparent: Option<String>,
    may_wait: MayWait,
}

/// The outcome of handling an event.
enum HandlingOutcome {
    Done {
        occurred_at: DateTime<Utc>,
        after_commit: AfterCommit,
    },
    /// Its cause has yet to be handled.
    Waits,
    /// Cannot be handled: not retried.
    Rejected(String),
    Failed(Error),
}

impl Inbox {
    /// An inbox in this database, whose events `handler` handles.
    pub fn new(service: &'static str, db: DbPool, handler: impl Handler) -> Self {
        let handler = Arc::new(handler);
        let handle: HandleFn = Arc::new(move |transaction, event, may_wait| {
            let handler = Arc::clone(&handler);
            async move {
                if let Some(cause) = handler.missing_cause(&mut *transaction, &event).await?
                    && (may_wait || is_pending(&mut *transaction, cause).await?)
                {
                    return Ok(Handled::Waits);
                }
                Ok(Handled::Done(handler.handle(transaction, event).await?))
            }
            .boxed()
        });
        Self { db, service, handle }
    }

    /// The consumer's name.
    pub(super) fn service(&self) -> &'static str {
        self.service
    }

    /// Stores an event for handling. Idempotent: a duplicate changes nothing.
    ///
    /// # Errors
    /// [`DeliveryError`]: rejected, if the event is malformed or its id exists with other content; unavailable, if it
    /// cannot be stored now.
    pub async fn receive(&self, body: &[u8]) -> Result<(), DeliveryError> {
        let (envelope, event) = parse(body)?;
        let insert = query_scalar(
            "with added as (
                 insert into inbox_events (event_id, type, subject, event) values ($1, $2, $3, $4::jsonb)
                 on conflict (event_id) do nothing
                 returning pg_notify($5, '')
             )
             select true from added
             union all
             -- An erased event is empty.
             select event in ($4::jsonb, '{}'::jsonb) from inbox_events where event_id = $1
             limit 1",
        )
        .bind(envelope.id)
        .bind(&envelope.r#type)
        .bind(envelope.subject)
        .bind(&event)
        .bind(CHANNEL)
        .fetch_optional(&self.db);
        let is_the_same: Option<bool> =
            with_timeout(STORE_TIMEOUT, insert).await.map_err(|error| DeliveryError::from_storage(&error))?;
        fail_point("inbox.received");
        // None: a concurrent transaction has just stored the same event.
        if is_the_same.unwrap_or(true) {
            Ok(())
        } else {
            Err(DeliveryError::Rejected("another event with this id was received before".to_owned()))
        }
    }

    /// Handles the next due event, if there is one.
    ///
    /// # Errors
    /// If the database is unavailable.
    pub async fn process_next(&self, db: &DbPool) -> Result<Progress, sqlx::Error> {
        let mut transaction = db.begin().await?;
        let Some(next) = next(&mut transaction).await? else {
            return Ok(until_next_attempt(&mut transaction).await?.map_or(Progress::Idle, Progress::NotBefore));
        };
        let span = spans::consumer_span(self.service, &next.r#type, next.traceparent.as_deref());
        self.process(&next, db, transaction).instrument(span).await?;
        Ok(Progress::Made)
    }

    async fn process(&self, next: &PendingEvent, db: &DbPool, mut transaction: Transaction) -> Result<(), sqlx::Error> {
        match self.handle_event(&mut transaction, next).await {
            HandlingOutcome::Done { occurred_at, after_commit } => {
                query("update inbox_events set processed_at = now() where position = $1")
                    .bind(next.position)
                    .execute(&mut *transaction)
                    .await?;
                fail_point("inbox.before-commit");
                transaction.commit().await?;
                fail_point("inbox.committed");
                let delay = Utc::now().signed_duration_since(occurred_at).to_std().unwrap_or_default();
                metrics::record_latency(self.service, next.event_type(), delay);
                metrics::record_handled(self.service, next.event_type(), "done");
                if let Some(after_commit) = after_commit {
                    after_commit();
                }
                debug!(service = self.service, event.id = %next.event_id, event.r#type = next.r#type, "event handled");
            }
            HandlingOutcome::Waits => {
                wait(&mut transaction, next).await?;
                transaction.commit().await?;
                debug!(service = self.service, event.id = %next.event_id, "event waits for its cause");
            }
            HandlingOutcome::Rejected(reason) => {
                transaction.rollback().await?;
                self.dead_letter(db, next, 1, &reason).await?;
            }
            // The database is unavailable: no fault of the event.
            HandlingOutcome::Failed(Error::Unavailable(source)) => {
                return Err(sqlx::Error::Io(std::io::Error::other(source)));
            }
            HandlingOutcome::Failed(error) => {
                transaction.rollback().await?;
                self.schedule_retry(db, next, &error).await?;
            }
        }
        Ok(())
    }

    async fn handle_event(&self, transaction: &mut PgConnection, next: &PendingEvent) -> HandlingOutcome {
        let event: Event = match serde_json::from_str(&next.event) {
            Ok(event) => event,
            Err(error) => return HandlingOutcome::Rejected(text::redact_strings(&error.to_string())),
        };
        if !event.payload.event_type().consumers().contains(&self.service) {
            return HandlingOutcome::Rejected(format!("{} does not consume this event type", self.service));
        }
        let occurred_at = event.time;
        match AssertUnwindSafe((self.handle)(transaction, event, next.may_wait)).catch_unwind().await {
            Ok(Ok(Handled::Done(after_commit))) => HandlingOutcome::Done { occurred_at, after_commit },
            Ok(Ok(Handled::Waits)) => HandlingOutcome::Waits,
            Ok(Err(error)) => HandlingOutcome::Failed(error),
            Err(_) => HandlingOutcome::Failed(Error::internal(std::io::Error::other("the handler panicked"))),
        }
    }

    async fn schedule_retry(&self, db: &DbPool, next: &PendingEvent, error: &Error) -> Result<(), sqlx::Error> {
        let reason = report::error_chain(error);
        let attempts: Option<i32> = query_scalar(
            "update inbox_events
             set attempts = attempts + 1, reason = $2, next_attempt_at = now() + interval '0.1 s' * power(2, attempts)
             where position = $1 and processed_at is null
             returning attempts",
        )
        .bind(next.position)
        .bind(&reason)
        .fetch_optional(db)
        .await?;
        match attempts {
            Some(attempts) if attempts >= MAX_ATTEMPTS => self.dead_letter(db, next, 0, &reason).await,
            _ => {
                metrics::record_handled(self.service, next.event_type(), "failed");
                spans::record_failure(&Span::current(), "failed");
                warn!(service = self.service, event.id = %next.event_id, reason, "event handler failed, retrying");
                Ok(())
            }
        }
    }

    async fn dead_letter(
        &self,
        db: &DbPool,
        next: &PendingEvent,
        attempts: i32,
        reason: &str,
    ) -> Result<(), sqlx::Error> {
        query(
            "update inbox_events set dead_lettered_at = now(), attempts = attempts + $3, reason = $2
             where position = $1 and processed_at is null",
        )
        .bind(next.position)
        .bind(reason)
        .bind(attempts)
        .execute(db)
        .await?;
        metrics::record_handled(self.service, next.event_type(), "dead_lettered");
        spans::record_failure(&Span::current(), "dead_lettered");
        error!(
            service = self.service, event.id = %next.event_id, event.r#type = next.r#type, reason,
            "event dead-lettered: `lyceum admin events` lists it and resends it"
        );
        Ok(())
    }
}

impl PendingEvent {
    fn event_type(&self) -> &'static str {
        EventType::from_type(&self.r#type).map_or("unknown", EventType::name)
    }
}

/// Locks the first due event: no earlier one of the same subject is pending.
async fn next(transaction: &mut PgConnection) -> Result<Option<PendingEvent>, sqlx::Error> {
    query_as(
        "select position, event_id, type, event::text as event, event ->> 'traceparent' as traceparent,
                waits_since is null or waits_since > now() - make_interval(secs => $1) as may_wait
         from inbox_events
         where processed_at is null and dead_lettered_at is null
           and (next_attempt_at <= now() or next_attempt_at > now() + make_interval(secs => $2))
           and not exists (
               select from inbox_events earlier
               where earlier.subject = inbox_events.subject and earlier.position < inbox_events.position
                 and earlier.processed_at is null and earlier.dead_lettered_at is null
           )
         order by position
         limit 1
         for update skip locked",
    )
    .bind(MAX_WAIT.as_secs_f64())
    .bind(MAX_SCHEDULED_AHEAD.as_secs_f64())
    .fetch_optional(transaction)
    .await
}

/// Whether an event is in the inbox, and will be handled.
async fn is_pending(db: &mut PgConnection, (event_type, subject): Cause) -> Result<bool, sqlx::Error> {
    query_scalar(
        "select exists (
             select from inbox_events
             where subject = $1 and type = $2 and processed_at is null and dead_lettered_at is null
         )",
    )
    .bind(subject)
    .bind(event_type.name())
    .fetch_one(db)
    .await
}

/// Postpones an event that waits for its cause: by as long as it has waited, so that a backlog of such events costs
/// little. A wait that begins later than now is of a clock that was ahead, and begins now.
async fn wait(transaction: &mut PgConnection, next: &PendingEvent) -> Result<(), sqlx::Error> {
    query(
        "update inbox_events
         set waits_since = least(coalesce(waits_since, now()), now()),
             next_attempt_at = now() + least(greatest(now() - waits_since, interval '0.02 s'), interval '2 s')
         where position = $1",
    )
    .bind(next.position)
    .execute(transaction)
    .await?;
    Ok(())
}

/// The time until the next retry of a failed event.
async fn until_next_attempt(transaction: &mut PgConnection) -> Result<Option<Duration>, sqlx::Error> {
    let seconds: Option<f64> = query_scalar(
        "select extract(epoch from min(next_attempt_at) - now())::float8
         from inbox_events
         where processed_at is null and dead_lettered_at is null and next_attempt_at > now()",
    )
    .fetch_one(transaction)
    .await?;
    Ok(seconds.map(Duration::from_secs_f64))
}

/// Parses an event: its envelope, and its JSON to store.
pub(crate) fn parse(body: &[u8]) -> Result<(Envelope, String), DeliveryError> {
    let reject = |reason: String| DeliveryError::Rejected(format!("malformed event: {reason}"));
    let malformed = |error: serde_json::Error| reject(text::redact_strings(&error.to_string()));
    let event: Value = serde_json::from_slice(body).map_err(malformed)?;
    let envelope = Envelope::deserialize(&event).map_err(malformed)?;
    if envelope.specversion == "1.0" {
        Ok((envelope, event.to_string()))
    } else {
        Err(reject("`specversion` must be 1.0".to_owned()))
    }
}
