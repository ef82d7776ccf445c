//! How events travel.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{EventSettings, Inbox, Kind, Outbox, nats::Nats, relay::NATS, work::BusAddress};
use crate::{hop::Secrets, peers::Peers};

/// The way from one service's outbox to the others' inboxes: by way of NATS, if there is one, or straight
/// to the services.
#[derive(Clone, Default)]
pub struct Bus {
    peers: Peers,
    nats: Option<Nats>,
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
        Self { peers, nats: None }
    }

    /// The bus that the settings name.
    ///
    /// # Errors
    /// If they name no address of a NATS server.
    pub async fn open(
        settings: &EventSettings,
        peers: Peers,
        secrets: Option<Secrets>,
    ) -> Result<Self, async_nats::ConnectError> {
        let nats = match &settings.bus {
            BusAddress::Local => None,
            BusAddress::Nats(url) => Some(Nats::connect(url, settings.nats_name.clone(), secrets).await?),
        };
        Ok(Self { peers, nats })
    }

    /// Where a service that uses this bus addresses its events.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        if self.nats.is_some() { Outbox::Nats } else { Outbox::Local }
    }

    /// Fills an inbox with what comes from elsewhere than straight from the services.
    pub(super) async fn receive(&self, inbox: &Inbox, stop: &CancellationToken) {
        if let Some(nats) = &self.nats {
            nats.receive(inbox, stop).await;
        }
    }

    /// Takes an event to where it is wanted.
    pub(super) async fn deliver(
        &self,
        destination: &str,
        kind: Kind,
        id: Uuid,
        event: &[u8],
    ) -> Result<(), Undelivered> {
        if destination != NATS {
            return self.peers.tell(destination, event).await;
        }
        if let Some(nats) = &self.nats {
            return nats.publish(kind, id, event).await;
        }
        // Written while the setting was another one.
        for service in kind.consumers() {
            self.peers.tell(service, event).await?;
        }
        Ok(())
    }
}
