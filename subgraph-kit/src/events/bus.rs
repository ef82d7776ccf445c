//! How events travel.

use uuid::Uuid;

use super::Outbox;
use crate::peers::Peers;

/// The way from one service's outbox to the others' inboxes: straight to the services.
#[derive(Clone, Default)]
pub struct Bus {
    peers: Peers,
}

/// Why an event is not where it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// It will not do, and never will.
    #[error("refused: {0}")]
    Refused(String),
    /// Nobody took it; it is worth trying again.
    #[error("{0}")]
    Away(String),
}

impl Bus {
    /// A bus that takes events straight to these.
    #[must_use]
    pub fn local(peers: Peers) -> Self {
        Self { peers }
    }

    /// Where a service that uses this bus addresses its events.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox::Local
    }

    /// Where events go besides straight to the services.
    pub(super) fn destination(&self) -> Option<&'static str> {
        None
    }

    /// Takes an event to where it is wanted.
    pub(super) async fn deliver(
        &self,
        destination: &str,
        _kind: &str,
        _id: Uuid,
        event: &[u8],
    ) -> Result<(), Undelivered> {
        self.peers.tell(destination, event).await
    }
}
