//! The events between services: those that have been pending for long, and those that were dead-lettered.

use chrono::{DateTime, TimeDelta, Utc};
use service::SubgraphDefinition;
use sqlx::PgConnection;

use super::{
    super::{events::EventBox, wording::TIME},
    Report,
};

/// As of the alert `LyceumEventsLate`.
const MAX_EVENT_AGE: TimeDelta = TimeDelta::minutes(1);

/// Looks at both boxes of a service, at this time of its database.
pub async fn examine(
    subgraph: &SubgraphDefinition,
    now: DateTime<Utc>,
    db: &mut PgConnection,
    report: &mut Report,
) -> Result<(), sqlx::Error> {
    const CHECK: &str = "events";
    let mut is_well = true;
    for event_box in EventBox::of(subgraph) {
        let content = event_box.content(subgraph.name, &mut *db).await?;
        let name = event_box.name();
        // An event of the future is late, too: the clock has been set back.
        if let Some(since) = content.oldest_pending_since.filter(|since| (now - *since).abs() > MAX_EVENT_AGE) {
            let reason = content.pending_reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
            let message =
                format!("{} pending in the {name}, the oldest since {}{reason}", content.pending, since.format(TIME));
            let advice = "see `lyceum admin events`; check that the services that send and handle them run, and the \
                          NATS servers if there are any";
            report.problem(CHECK, message, advice);
            is_well = false;
        }
        if !content.dead_lettered.is_empty() {
            let message = format!("{} dead-lettered in the {name}", content.dead_lettered.len());
            let advice = "`lyceum admin events` lists them: fix the reason, and resend them";
            report.problem(CHECK, message, advice);
            is_well = false;
        }
    }
    if is_well {
        report.ok(CHECK, "none has been pending for a minute, and none is dead-lettered");
    }
    Ok(())
}
