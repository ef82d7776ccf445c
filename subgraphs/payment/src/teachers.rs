//! Fills in who teaches the course of payments that were stored without it: those of a database that is older than the
//! column, or that an older process of this service writes during an update.

use std::{mem, time::Duration};

use contracts::CourseId;
use db::availability::BACKGROUND_TIMEOUT;
use subgraph_kit::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    course::find_teacher,
    payment::store::{course_without_teacher, set_teacher},
    payments::Payments,
};

/// The interval between two passes over all courses whose teacher is not known. A pass over none costs one look-up in an
/// index that is usually empty.
const PASS_INTERVAL: Duration = Duration::from_hours(1);

/// The interval after a pass in which not all courses could be asked for.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);

/// The delay after a failure.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Runs until `stop` is cancelled, which is checked between two courses. Several may run at once.
pub async fn run(payments: Payments, stop: CancellationToken) {
    let (mut last, mut has_failed) = (None, false);
    while !stop.is_cancelled() {
        let delay = match in_time(next_course(&payments, last)).await {
            // One course that fails does not hold up the others.
            Some(Some(course)) => {
                last = Some(course);
                if in_time(fill(&payments, course)).await.is_some() {
                    continue;
                }
                has_failed = true;
                RETRY_DELAY
            }
            Some(None) => {
                last = None;
                if mem::take(&mut has_failed) { RETRY_INTERVAL } else { PASS_INTERVAL }
            }
            None => RETRY_DELAY,
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// None, and a line in the log, if it fails or takes too long.
async fn in_time<T>(step: impl Future<Output = Result<T, Error>>) -> Option<T> {
    let error = match timeout(BACKGROUND_TIMEOUT, step).await {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(error)) => error.to_string(),
        Err(late) => late.to_string(),
    };
    warn!(error, "teachers of payments not found out, retrying");
    None
}

async fn next_course(payments: &Payments, after: Option<CourseId>) -> Result<Option<CourseId>, Error> {
    Ok(course_without_teacher(&payments.db, after).await?)
}

/// Fills in who teaches a course. A course that was deleted keeps its payments without a teacher.
async fn fill(payments: &Payments, course: CourseId) -> Result<(), Error> {
    if let Some(teacher) = find_teacher(&payments.peers, course).await? {
        set_teacher(&payments.db, course, teacher).await?;
    }
    Ok(())
}
