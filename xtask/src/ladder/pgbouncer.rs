//! `PgBouncer` in transaction mode before all databases.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use subgraph_testing::free_port;

use super::{
    certificates::Authority,
    databases::{Databases, password, role},
    engine::Engine,
};

/// Earlier versions mix up prepared statements.
const MIN_VERSION: (u32, u32) = (1, 21);

fn program() -> PathBuf {
    std::env::var_os("PGBOUNCER").map_or_else(|| "/usr/sbin/pgbouncer".into(), PathBuf::from)
}

/// Why it cannot be used, if so.
pub fn reason_against() -> Option<String> {
    let output = Command::new(program()).arg("--version").output();
    let Ok(output) = output else { return Some(format!("{} does not run", program().display())) };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split([' ', '.', '\n']).filter_map(|part| part.parse::<u32>().ok());
    let version = numbers.next().zip(numbers.next()).unwrap_or_default();
    let (major, minor) = version;
    let (min_major, min_minor) = MIN_VERSION;
    (version < MIN_VERSION).then(|| {
        format!(
            "PgBouncer {major}.{minor} mixes up prepared statements: PGBOUNCER names {min_major}.{min_minor} or newer"
        )
    })
}

/// Starts it, with TLS on both sides.
pub async fn start(directory: &Path, databases: &Databases, authority: &Authority) -> Result<Engine> {
    let place = directory.join("pgbouncer");
    fs::create_dir_all(&place)?;
    let port = free_port();
    let certificate = authority.issue()?;
    fs::write(place.join("authority"), &authority.certificate)?;
    fs::write(place.join("certificate"), &certificate.chain)?;
    fs::write(place.join("key"), &certificate.key)?;
    fs::write(place.join("users"), users(databases))?;
    fs::write(place.join("settings"), settings(&place, port, databases))?;

    let first = databases.names().next().context("there are databases")?;
    let owner = fs::metadata(databases.server(first).data_dir())?;
    for name in ["", "authority", "certificate", "key", "users", "settings"] {
        chown(place.join(name), Some(owner.uid()), Some(owner.gid()))?;
    }
    let file = place.join("settings").to_string_lossy().into_owned();
    let engine = Engine::new("pgbouncer", &program(), &[&file], port, directory.join("pgbouncer.out"));
    // It does not run as root.
    let mut engine = engine.with_account(owner.uid(), owner.gid());
    engine.start().await?;
    Ok(engine)
}

fn users(databases: &Databases) -> String {
    let lines: Vec<_> = databases.names().map(|name| format!("\"{}\" \"{}\"\n", role(name), password())).collect();
    lines.concat()
}

fn settings(place: &Path, port: u16, databases: &Databases) -> String {
    let line = |name: &str| format!("{name} = host=127.0.0.1 port={} dbname={name}\n", databases.server(name).port());
    let lines: String = databases.names().map(line).collect();
    let place = place.display();
    format!(
        "[databases]\n{lines}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         pool_mode = transaction\ndefault_pool_size = 8\nmax_prepared_statements = 200\nmax_client_conn = 500\n\
         auth_type = scram-sha-256\nauth_file = {place}/users\nlogfile = {place}/log\n\
         client_tls_sslmode = require\nclient_tls_key_file = {place}/key\nclient_tls_cert_file = {place}/certificate\n\
         server_tls_sslmode = verify-full\nserver_tls_ca_file = {place}/authority\n"
    )
}
