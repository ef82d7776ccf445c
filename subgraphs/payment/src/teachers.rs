//! Fills in who teaches the course of payments that were stored without it: those of a database that is older than the
//! column, or that an older process of this service writes during an update.

use std::time::Duration;

use contracts::CourseId;
use db::availability::BACKGROUND_TIMEOUT;
use service::Credentials;
use subgraph_kit::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    course::CourseQuote,
    payment::store::{course_without_teacher, set_teacher},
    payments::Payments,
};

/// The interval between two passes over all courses whose teacher is not known. A pass over none costs one look-up in an
/// index that is usually empty.
const PASS_INTERVAL: Duration = Duration::from_hours(1);

/// The delay before a pass that has failed goes on.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Runs until `stop` is cancelled, which is checked between two courses. Several may run at once.
pub async fn run(payments: Payments, stop: CancellationToken) {
    let mut last = None;
    while !stop.is_cancelled() {
        let delay = match timeout(BACKGROUND_TIMEOUT, fill_next(&payments, last)).await {
            Ok(Ok(Some(course))) => {
                last = Some(course);
                continue;
            }
            Ok(Ok(None)) => {
                last = None;
                PASS_INTERVAL
            }
            Ok(Err(error)) => {
                warn!(error = %error, "teachers of payments not found out, retrying");
                RETRY_DELAY
            }
            Err(late) => {
                warn!(error = %late, "teachers of payments not found out, retrying");
                RETRY_DELAY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Fills in the teacher of the next course after `last`. None if there is none. A course that was deleted keeps its
/// payments without a teacher.
async fn fill_next(payments: &Payments, last: Option<CourseId>) -> Result<Option<CourseId>, Error> {
    let Some(course) = course_without_teacher(&payments.db, last).await? else { return Ok(None) };
    let quote = CourseQuote::find(&payments.peers, &Credentials::default(), course).await?;
    if let Some(teacher) = quote.and_then(|quote| quote.teacher()) {
        set_teacher(&payments.db, course, teacher).await?;
    }
    Ok(Some(course))
}
