//! `lyceum admin events`: pending and dead-lettered events between services.

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use console::style;
use contracts::events::EventType;
use serde::Serialize;
use service::SubgraphDefinition;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query, query_as};
use uuid::Uuid;

use super::data_dir::DatabaseAccess;
use crate::{
    subgraphs::{ALL, DatabaseUrls, name_parser},
    terminal::line,
};

/// The settings of `lyceum admin events`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Settings {
    #[command(subcommand)]
    command: Option<Command>,

    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    scope: Scope,
}

#[derive(Subcommand)]
enum Command {
    /// Resend a dead-lettered event, once its cause is fixed.
    Resend {
        /// The id of the event.
        id: Uuid,
        #[command(flatten)]
        scope: Scope,
    },
    /// Give up a dead-lettered event that can never be handled. It is neither counted nor resent any more, and stays in
    /// the list, with the reason, as long as events that were handled (`LYCEUM_EVENT_RETENTION_HOURS`).
    Discard {
        /// The id of the event.
        id: Uuid,
        /// Why nothing is lost without it, for whoever reads the list.
        #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new())]
        reason: String,
        #[command(flatten)]
        scope: Scope,
    },
}

#[derive(Args)]
struct Scope {
    /// Only this service.
    #[arg(long, value_name = "NAME", value_parser = name_parser())]
    service: Option<&'static SubgraphDefinition>,

    /// Defaults to the databases of the `lyceum up` that is running on the data directory.
    #[command(flatten)]
    urls: DatabaseUrls,

    #[command(flatten)]
    access: DatabaseAccess,
}

/// A service's outbox or inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EventBox {
    Outbox,
    Inbox,
}

/// The content of one of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    service: &'static str,
    #[serde(rename = "box")]
    event_box: EventBox,
    pub pending: i64,
    pub oldest_pending_since: Option<DateTime<Utc>>,
    /// The last failure of the oldest pending event.
    pub pending_reason: Option<String>,
    pub dead_lettered: Vec<Event>,
    /// Those that an administrator has given up.
    discarded: Vec<Event>,
}

/// An event that was dead-lettered.
#[derive(Debug, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    id: Uuid,
    #[serde(rename = "type")]
    r#type: String,
    subject: Uuid,
    /// The consumer, of an outbox row.
    destination: Option<String>,
    since: DateTime<Utc>,
    attempts: i32,
    reason: Option<String>,
}

/// Lists events, resends or discards one.
pub async fn run(settings: &Settings) -> Result<()> {
    match &settings.command {
        Some(Command::Resend { id, scope }) => resend(*id, scope).await,
        Some(Command::Discard { id, reason, scope }) => discard(*id, reason, scope).await,
        None => list(&settings.scope, settings.json).await,
    }
}

async fn list(scope: &Scope, as_json: bool) -> Result<()> {
    let mut contents = Vec::new();
    for subgraph in scope.services()? {
        let mut db = scope.connect(subgraph).await?;
        for event_box in EventBox::of(subgraph) {
            contents.push(event_box.content(subgraph.name, &mut db).await.with_context(|| cannot_read(subgraph))?);
        }
        db.close().await?;
    }
    if as_json {
        line(serde_json::to_string_pretty(&contents)?);
    } else {
        show(&contents, Utc::now());
    }
    Ok(())
}

async fn resend(id: Uuid, scope: &Scope) -> Result<()> {
    let mut sent = 0;
    for subgraph in scope.services()? {
        let mut db = scope.connect(subgraph).await?;
        for event_box in EventBox::of(subgraph) {
            sent += event_box.resend(id, &mut db).await.with_context(|| cannot_read(subgraph))?;
        }
        db.close().await?;
    }
    ensure!(sent > 0, "there is no dead-lettered event with the id {id}");
    line(format_args!("Event {id} will be resent."));
    Ok(())
}

async fn discard(id: Uuid, reason: &str, scope: &Scope) -> Result<()> {
    let mut discarded = 0;
    for subgraph in scope.services()? {
        let mut db = scope.connect(subgraph).await?;
        for event_box in EventBox::of(subgraph) {
            discarded += event_box.discard(id, reason, &mut db).await.with_context(|| cannot_read(subgraph))?;
        }
        db.close().await?;
    }
    ensure!(discarded > 0, "there is no dead-lettered event with the id {id}");
    line(format_args!("Event {id} was discarded."));
    Ok(())
}

fn cannot_read(subgraph: &SubgraphDefinition) -> String {
    format!("cannot read the events of {}: check that its database is migrated", subgraph.name)
}

impl Scope {
    /// The services that produce or consume events.
    fn services(&self) -> Result<Vec<&'static SubgraphDefinition>> {
        let services: Vec<_> = ALL
            .into_iter()
            .filter(|subgraph| self.service.is_none_or(|only| only == *subgraph) && !EventBox::of(subgraph).is_empty())
            .collect();
        ensure!(!services.is_empty(), "this service neither produces nor consumes events");
        Ok(services)
    }

    async fn connect(&self, subgraph: &SubgraphDefinition) -> Result<PgConnection> {
        self.access.connect(subgraph, self.urls.get(subgraph)).await
    }
}

impl EventBox {
    pub fn of(subgraph: &SubgraphDefinition) -> Vec<Self> {
        let sends = EventType::ALL.iter().any(|event_type| event_type.source() == subgraph.name);
        let receives = EventType::ALL.iter().any(|event_type| event_type.consumers().contains(&subgraph.name));
        [(sends, Self::Outbox), (receives, Self::Inbox)]
            .into_iter()
            .filter_map(|(has, event_box)| has.then_some(event_box))
            .collect()
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Inbox => "inbox",
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Outbox => "outbox_events",
            Self::Inbox => "inbox_events",
        }
    }

    /// The columns of an event's arrival, completion and destination.
    fn columns(self) -> [&'static str; 3] {
        match self {
            Self::Outbox => ["written_at", "delivered_at", "destination"],
            Self::Inbox => ["received_at", "processed_at", "null::text"],
        }
    }

    pub async fn content(self, service: &'static str, db: &mut PgConnection) -> Result<Content, sqlx::Error> {
        let [since, done, destination] = self.columns();
        let table = self.table();
        let pending = format!(
            "select count(*), min({since}), (array_agg(reason order by position))[1] from {table} where {done} is null and dead_lettered_at is null"
        );
        let (pending, oldest_pending_since, pending_reason) =
            query_as(AssertSqlSafe(pending)).fetch_one(&mut *db).await?;
        let given_up = |is_done: &str| {
            format!(
                "select event_id as id, type, subject, {destination} as destination, {since} as since, attempts, reason
                 from {table} where {done} is {is_done} and dead_lettered_at is not null order by position"
            )
        };
        let dead_lettered = query_as(AssertSqlSafe(given_up("null"))).fetch_all(&mut *db).await?;
        let discarded = query_as(AssertSqlSafe(given_up("not null"))).fetch_all(db).await?;
        Ok(Content {
            service,
            event_box: self,
            pending,
            oldest_pending_since,
            pending_reason,
            dead_lettered,
            discarded,
        })
    }

    async fn resend(self, id: Uuid, db: &mut PgConnection) -> Result<u64, sqlx::Error> {
        let [_, done, _] = self.columns();
        let table = self.table();
        let statement = format!(
            "update {table} set dead_lettered_at = null, attempts = 0, next_attempt_at = now()
             where event_id = $1 and {done} is null and dead_lettered_at is not null"
        );
        let sent = query(AssertSqlSafe(statement)).bind(id).execute(&mut *db).await?.rows_affected();
        if sent > 0 {
            // The channels have the tables' names.
            query("select pg_notify($1, '')").bind(self.name()).execute(db).await?;
        }
        Ok(sent)
    }

    /// Marks it as done, with the reason before that of its failure.
    async fn discard(self, id: Uuid, reason: &str, db: &mut PgConnection) -> Result<u64, sqlx::Error> {
        let [_, done, _] = self.columns();
        let table = self.table();
        let statement = format!(
            "update {table} set {done} = now(), reason = concat_ws('; ', 'discarded: ' || $2, reason)
             where event_id = $1 and {done} is null and dead_lettered_at is not null"
        );
        Ok(query(AssertSqlSafe(statement)).bind(id).bind(reason).execute(db).await?.rows_affected())
    }
}

fn show(contents: &[Content], now: DateTime<Utc>) {
    let heading = format!("{:<13} {:<7} {:>8} {:>7} {:>13}", "SERVICE", "BOX", "PENDING", "OLDEST", "DEAD-LETTERED");
    line(style(heading).dim());
    for content in contents {
        let oldest = content.oldest_pending_since.map_or("-".to_owned(), |since| age(now - since));
        let count = format!("{:>13}", content.dead_lettered.len());
        let count = if content.dead_lettered.is_empty() { style(count).dim() } else { style(count).red().bold() };
        line(format_args!(
            "{:<13} {:<7} {:>8} {oldest:>7} {count}",
            content.service,
            content.event_box.name(),
            content.pending
        ));
        if let Some(reason) = &content.pending_reason {
            line(format_args!("    oldest pending: {}", style(reason).yellow()));
        }
    }
    show_events(
        contents,
        now,
        "Dead-lettered events; resend one with `lyceum admin events resend ID`, or give it up with `… discard ID`:",
        |content| &content.dead_lettered,
    );
    show_events(contents, now, "Discarded events:", |content| &content.discarded);
}

fn show_events(contents: &[Content], now: DateTime<Utc>, heading: &str, events: impl Fn(&Content) -> &[Event]) {
    if contents.iter().all(|content| events(content).is_empty()) {
        return;
    }
    line("");
    line(heading);
    for content in contents {
        for event in events(content) {
            let destination = event.destination.as_ref().map_or(String::new(), |name| format!(" to {name}"));
            line(format_args!(
                "{} {} of {}{destination}: {} about {}, {} old, {} attempts",
                style(event.id).bold(),
                content.event_box.name(),
                content.service,
                event.r#type,
                event.subject,
                age(now - event.since),
                event.attempts
            ));
            line(format_args!("    {}", style(event.reason.as_deref().unwrap_or("no reason recorded")).yellow()));
        }
    }
}

/// Formats a duration in its largest unit.
fn age(time: TimeDelta) -> String {
    match time.num_seconds().max(0) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        EventBox::{Inbox, Outbox},
        *,
    };

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        let told = [0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(|seconds| age(TimeDelta::seconds(seconds)));

        assert_eq!(told, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]);
    }

    /// Each is told of a deleted account, and tells that it has erased the user.
    #[test]
    fn each_service_has_both_boxes() {
        for subgraph in ALL {
            assert_eq!(EventBox::of(subgraph), [Outbox, Inbox], "{}", subgraph.name);
        }
    }
}
