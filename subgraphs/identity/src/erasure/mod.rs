//! Deleted accounts, and what becomes of a deletion in all services.

pub mod graphql;
pub mod handlers;
mod peers;
pub mod store;

use async_graphql::{Enum, SimpleObject};
use contracts::{
    ErasureId, Timestamp,
    events::{ErasedTable, ErasureReceipt, EventType},
};
use subgraph_kit::{
    Rejection,
    text::{self, TextRules},
};

/// What an account is called once it was deleted.
pub const NAME: &str = "Deleted user";

/// This service, in its own receipts.
const SERVICE: &str = "identity";

/// The rules of a reason, as in the table.
const REASON: TextRules = TextRules { is_required: false, is_multiline: true, max_length: Some(500) };

/// What becomes of a deleted account in all services. Everyone who has its id may see it: it says nothing about the person.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Erasure {
    /// The id of the erasure, a UUID that nobody can guess. It is the only way to follow the erasure.
    pub id: ErasureId,
    /// Whether all services have erased the user.
    pub state: ErasureState,
    /// The time at which the account was deleted.
    pub requested_at: Timestamp,
    /// The time at which the last service had erased the user; null until then.
    pub completed_at: Option<Timestamp>,
    /// What each service says it has erased, in the order in which the services were done.
    pub receipts: Vec<Receipt>,
    /// The services that have not erased everything yet.
    pub pending_services: Vec<String>,
    /// For admins.
    #[graphql(skip)]
    pub reason: Option<String>,
}

/// Whether all services have erased a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ErasureState {
    /// Services are still erasing. Each takes as long as an access token is valid, in case that something comes late.
    Running,
    /// All services have erased the user.
    Completed,
}

/// A service's signed statement that it has erased a user.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "ErasureReceipt")]
pub struct Receipt {
    /// The name of the service.
    pub service: String,
    /// The time at which the service had erased everything.
    pub erased_at: Timestamp,
    /// What the service erased, by table.
    pub tables: Vec<ErasedRows>,
    /// The signature of the service: an HMAC-SHA256 of the receipt in base64url, by a key that only the services have. It
    /// was verified when the receipt arrived.
    pub signature: String,
}

/// What a service erased in one of its tables.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name = "ErasedTable")]
pub struct ErasedRows {
    /// The name of the table.
    pub table: String,
    /// The number of rows that were deleted.
    pub deleted: i32,
    /// The number of rows that were kept without a trace of the user.
    pub anonymized: i32,
}

impl From<ErasureReceipt> for Receipt {
    fn from(receipt: ErasureReceipt) -> Self {
        let ErasureReceipt { service, erased_at, tables, signature, .. } = receipt;
        Self {
            service,
            erased_at: erased_at.into(),
            tables: tables.into_iter().map(ErasedRows::from).collect(),
            signature,
        }
    }
}

impl From<ErasedTable> for ErasedRows {
    fn from(ErasedTable { table, deleted, anonymized }: ErasedTable) -> Self {
        let count = |count| i32::try_from(count).unwrap_or(i32::MAX);
        Self { table, deleted: count(deleted), anonymized: count(anonymized) }
    }
}

/// The services that erase a user.
fn services() -> impl Iterator<Item = &'static str> {
    EventType::UserErased.consumers().iter().copied().chain([SERVICE])
}

/// Validates an admin's reason. A blank one is none.
fn clean_reason(reason: Option<String>) -> Result<Option<String>, Rejection> {
    let reason = reason.map(|reason| text::clean("reason", &reason, REASON)).transpose()?;
    Ok(reason.filter(|reason| !reason.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::clean_reason;

    #[test]
    fn a_reason_is_readable_text() {
        for bad in ["a\0b", "a\u{1b}[31mb", "a\u{202e}b", "\u{200b}", &"é".repeat(501)] {
            assert!(clean_reason(Some(bad.to_owned())).is_err(), "{bad:?}");
        }
        for blank in [None, Some(" \n".to_owned())] {
            assert!(matches!(clean_reason(blank), Ok(None)));
        }
        assert!(matches!(clean_reason(Some(" Spam\r\n".to_owned())), Ok(Some(reason)) if reason == "Spam"));
    }
}
