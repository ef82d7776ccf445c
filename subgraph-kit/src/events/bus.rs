//! How events travel.

use crate::pool::DbPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{EventSettings, Inbox, Kind, nats::Nats, relay, work::BusAddress};
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
    Arrived,
    /// On its way there. It has arrived when that service says so.
    OnItsWay,
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

    /// Fills an inbox with what comes from elsewhere than straight from the services.
    pub(super) async fn receive(&self, inbox: &Inbox, stop: &CancellationToken) {
        if let Some(nats) = &self.nats {
            nats.receive(inbox, stop).await;
        }
    }

    /// Hears that what was on its way from `service`, whose outbox is in `db`, has arrived.
    pub(super) async fn hear_receipts(&self, service: &str, db: &DbPool, stop: &CancellationToken) {
        if let Some(nats) = &self.nats {
            nats.hear_receipts(service, db, stop).await;
        } else {
            // What was sent by way of NATS, while that was the setting.
            _ = stop.run_until_cancelled(relay::send_again(db)).await;
        }
    }

    /// Takes an event to where it is wanted.
    pub(super) async fn deliver(
        &self,
        destination: &str,
        kind: Kind,
        id: Uuid,
        event: &[u8],
    ) -> Result<Delivery, Undelivered> {
        if let Some(nats) = &self.nats {
            nats.publish(destination, kind, id, event).await?;
            return Ok(Delivery::OnItsWay);
        }
        self.peers.deliver(destination, event).await?;
        Ok(Delivery::Arrived)
    }
}
