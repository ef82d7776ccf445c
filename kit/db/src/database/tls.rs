//! Whether connections are encrypted, and the certificates verified.

use std::net::IpAddr;

use sqlx::{
    PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
    query_scalar,
};
use tracing::warn;

use crate::Address;

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all, on this machine.
    Local,
    /// Not at all, over a network.
    Missing,
    /// With a certificate that was not verified.
    Unverified,
    /// With a certificate of a known authority, for this host.
    Verified,
}

impl Encryption {
    pub(super) async fn of(connection: &mut PgConnection, server: &PgConnectOptions) -> Result<Self, sqlx::Error> {
        let statement = "select coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false)";
        let is_encrypted: bool = query_scalar(statement).fetch_one(connection).await?;
        Ok(match (is_encrypted, server.get_ssl_mode()) {
            (true, PgSslMode::VerifyFull) => Self::Verified,
            (true, _) => Self::Unverified,
            (false, _) if is_remote(server) => Self::Missing,
            (false, _) => Self::Local,
        })
    }
}

/// The address with verified certificates for servers on other hosts.
pub(super) fn with_tls(url: &str) -> Result<Address, sqlx::Error> {
    let names_mode = url.contains("sslmode=") || url.contains("ssl-mode=");
    let address = Address::parse(url)?;
    let is_verified = |server: &PgConnectOptions| matches!(server.get_ssl_mode(), PgSslMode::VerifyFull);
    if names_mode && address.servers().iter().any(|server| is_remote(server) && !is_verified(server)) {
        let message = "`sslmode` is less than `verify-full`, and LYCEUM_DB_REQUIRE_TLS is set";
        return Err(sqlx::Error::Configuration(message.into()));
    }
    Ok(address.map(|server| if is_remote(&server) { server.ssl_mode(PgSslMode::VerifyFull) } else { server }))
}

/// Whether the server is reached over a network.
fn is_remote(server: &PgConnectOptions) -> bool {
    let host = server.get_host().trim_matches(['[', ']']);
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    server.get_socket().is_none() && !is_loopback
}

/// Warns of a connection over a network that others may read, or answer, unless the URL says so.
pub(super) async fn warn_of_missing_tls(
    connection: &mut PgConnection,
    server: &PgConnectOptions,
) -> Result<(), sqlx::Error> {
    if !is_remote(server) || matches!(server.get_ssl_mode(), PgSslMode::Disable) {
        return Ok(());
    }
    let host = server.get_host();
    match Encryption::of(connection, server).await? {
        Encryption::Missing => {
            warn!(server.address = host, "database connection not encrypted: use sslmode=verify-full");
        }
        Encryption::Unverified => {
            warn!(server.address = host, "database certificate not verified: use sslmode=verify-full");
        }
        Encryption::Local | Encryption::Verified => {}
    }
    Ok(())
}
