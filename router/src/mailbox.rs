//! The mails of a development server, which sends none: its playground shows them.

use std::{
    fmt::{self, Debug, Formatter},
    sync::Arc,
};

use futures::future::BoxFuture;
use serde_json::Value;

/// Reads the newest mails, as the playground shows them. Their links work: whoever reads them can set passwords.
#[derive(Clone)]
pub struct Mailbox(Arc<dyn Fn() -> BoxFuture<'static, Value> + Send + Sync>);

impl Mailbox {
    /// A mailbox that is read by this function, on the runtime of the settings.
    pub fn new(read: impl Fn() -> BoxFuture<'static, Value> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn read(&self) -> BoxFuture<'static, Value> {
        (self.0)()
    }
}

impl Debug for Mailbox {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("Mailbox")
    }
}
