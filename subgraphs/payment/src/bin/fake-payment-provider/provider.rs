//! What all requests to the provider share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{ledger::Ledger, switches::Switches, webhooks::Sender};

/// The provider. Clones share its state.
#[derive(Clone)]
pub struct Provider {
    ledger: Arc<Mutex<Ledger>>,
    switches: Arc<Mutex<Switches>>,
    /// The sender of its webhooks.
    pub webhooks: Sender,
    /// The secret that requests must have.
    pub secret: Arc<str>,
}

impl Provider {
    pub fn new(ledger: Ledger, webhooks: Sender, secret: String) -> Self {
        Self { ledger: Arc::new(Mutex::new(ledger)), switches: Arc::default(), webhooks, secret: secret.into() }
    }

    /// Its charges, locked.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it behaves now.
    pub fn switches(&self) -> Switches {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets how it behaves from now on.
    pub fn set_switches(&self, switches: Switches) {
        *self.switches.lock().unwrap_or_else(PoisonError::into_inner) = switches;
    }
}
