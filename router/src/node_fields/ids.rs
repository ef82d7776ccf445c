//! The ids of a `nodes`: how many there may be, and are planned.

use std::sync::LazyLock;

use sonic_rs::{Array, JsonContainerTrait as _, JsonValueTrait as _, Value as Json};

use crate::hive_gaps::request_errors::{RequestErrors, request_error};

pub(super) const MAX_IDS: usize = 100;
/// The numbers of ids that have a plan of their own: the others have the next one's, with padding ids for the rest.
const PLANNED_IDS: [usize; 8] = [0, 1, 2, 5, 10, 25, 50, MAX_IDS];
/// The id of no object, which no client can know: what it costs is not the client's.
pub static PADDING_ID: LazyLock<String> = LazyLock::new(|| {
    let random = format!("{:032x}", rand::random::<u128>());
    [&random[..8], &random[8..12], &random[12..16], &random[16..20], &random[20..]].join("-")
});

/// The number of ids that is planned for this number of them.
pub fn planned_ids(count: usize) -> usize {
    PLANNED_IDS.into_iter().find(|planned| *planned >= count).unwrap_or(count)
}

/// Whether this is an id that only the router has sent.
pub fn is_padding_id(value: &Json) -> bool {
    value.as_str() == Some(PADDING_ID.as_str())
}

/// The number of ids in a variable's value.
///
/// # Errors
/// If they are too many, or null.
pub fn count_ids(value: &Json) -> Result<usize, RequestErrors> {
    if value.is_null() {
        return Err(vec![request_error("`ids` must not be null.", "BAD_USER_INPUT")]);
    }
    check_length(length(value))
}

/// A single value coerces to a list of it.
pub(super) fn length(ids: &Json) -> usize {
    ids.as_array().map_or(1, Array::len)
}

pub(super) fn check_length(length: usize) -> Result<usize, RequestErrors> {
    if length <= MAX_IDS {
        return Ok(length);
    }
    let message = format!("`ids` must have at most {MAX_IDS} items, and has {length}.");
    Err(vec![request_error(message, "BAD_USER_INPUT")])
}
