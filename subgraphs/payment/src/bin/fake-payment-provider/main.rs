//! A payment provider for tests and development: it moves no money. `docs/payment-provider.md` describes its protocol and
//! its switches.

mod api;
mod control;
mod ledger;
mod provider;
mod switches;
mod webhooks;

use std::{
    error::Error,
    io::{Write as _, stdout},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use axum::Router;
use clap::Parser;
use tokio::net::TcpListener;

use crate::{ledger::Ledger, provider::Provider, webhooks::Sender};

/// A payment provider for tests and development. It charges nobody.
#[derive(Parser)]
struct Settings {
    /// The address to listen on. With port 0 a free one is taken.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8010")]
    listen: SocketAddr,

    /// The URL that webhooks are sent to: of a local payment subgraph by default.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8004/webhooks/payment-provider")]
    webhook_url: String,

    /// The secret that requests must have.
    #[arg(long, env = "LYCEUM_PAYMENT_PROVIDER_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: String,

    /// The secret that webhooks are signed with.
    #[arg(long, env = "LYCEUM_PAYMENT_WEBHOOK_SECRET", hide_env_values = true, value_name = "SECRET")]
    webhook_secret: String,

    /// The file in which charges are kept. Without it they are in memory, and forgotten at the end.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// The number of milliseconds before a webhook that was not accepted is sent again; it doubles each time.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 500)]
    retry_ms: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse();
    let webhooks =
        Sender::new(settings.webhook_url, &settings.webhook_secret, Duration::from_millis(settings.retry_ms));
    let provider = Provider::new(Ledger::open(settings.state)?, webhooks, settings.secret);
    let listener = TcpListener::bind(settings.listen).await?;
    writeln!(stdout(), "http://{}", listener.local_addr()?)?;
    let routes = Router::new().merge(api::routes()).merge(control::routes()).with_state(provider);
    axum::serve(listener, routes).await?;
    Ok(())
}
