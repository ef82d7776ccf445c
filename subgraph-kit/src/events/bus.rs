//! How events travel.

use crate::pool::DbPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{EventSettings, EventType, Inbox, nats::Nats, relay, worker::BusAddress};
use crate::{peers::Peers, signature::Secrets};

/// The way from one service's outbox to the others' inboxes: by way of NATS, if there is one, or straight
/// to the services.
#[derive(Clone, Default)]
pub struct Bus {
    peers: Peers,
    nats: Option<Nats>,
}

/// Where an event is that was taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// In the inbox of the service that it is for.
    Delivered,
    /// On its way there. It has arrived when that service says so.
    Published,
}

/// Why an event is not where it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// It will not do, and never will.
    #[error("refused: {0}")]
    Rejected(String),
    /// Nobody took it; it is worth trying again.
    #[error("{0}")]
    Unavailable(String),
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
    /// If the setting is not a valid NATS URL.
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

    /// Fills an inbox with what comes from elsewhere than straight from the services.
    pub(super) async fn receive(&self, inbox: &Inbox, stop: &CancellationToken) {
        if let Some(nats) = &self.nats {
            nats.receive(inbox, stop).await;
        }
    }

    /// Hears that what was on its way from `service`, whose outbox is in `db`, has arrived.
    pub(super) async fn receive_acks(&self, service: &str, db: &DbPool, stop: &CancellationToken) {
        if let Some(nats) = &self.nats {
            nats.receive_acks(service, db, stop).await;
        } else {
            // What was sent by way of NATS, while that was the setting.
            _ = stop.run_until_cancelled(relay::republish_unacked(db)).await;
        }
    }

    /// Takes an event to where it is wanted.
    pub(super) async fn deliver(
        &self,
        destination: &str,
        event_type: EventType,
        id: Uuid,
        event: &[u8],
    ) -> Result<Delivery, DeliveryError> {
        if let Some(nats) = &self.nats {
            nats.publish(destination, event_type, id, event).await?;
            return Ok(Delivery::Published);
        }
        self.peers.deliver(destination, event).await?;
        Ok(Delivery::Delivered)
    }
}
