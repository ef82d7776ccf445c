//! A database's address: one server, or several of which one is the primary.

use std::{
    error::Error,
    fmt, io,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Url;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor, PgConnection, Postgres, Row as _,
    postgres::{PgConnectOptions, PgSslMode},
};

use crate::availability::{is_unavailable, with_timeout};

/// Where a database is. `postgres://USER:PASSWORD@A:5432,B:5432/DATABASE` names several servers, of which the writable
/// one is used.
#[derive(Clone)]
pub struct Address {
    servers: Vec<PgConnectOptions>,
    needs_writable: bool,
    /// The server that was connected to last, which is tried first.
    last: Arc<AtomicUsize>,
    /// The same database without the pooler that these servers are.
    direct: Option<Arc<Self>>,
    /// The parameters of the URL that have no effect.
    ignored: Vec<&'static str>,
}

/// The servers of a URL, each in a URL of its own that sqlx can parse.
struct Servers {
    urls: Vec<Url>,
    needs_writable: bool,
    ignored: Vec<&'static str>,
}

impl Address {
    /// Not public, because [`ConnectionSettings`](crate::database::ConnectionSettings) say what a URL has to ask for.
    pub(crate) fn parse(url: &str) -> Result<Self, sqlx::Error> {
        let Servers { urls, needs_writable, ignored } = url.parse()?;
        let servers = urls.iter().map(server).collect::<Result<_, _>>()?;
        Ok(Self { servers, needs_writable, last: Arc::default(), direct: None, ignored })
    }

    /// The servers, each with its role, database and settings.
    #[must_use]
    pub fn servers(&self) -> &[PgConnectOptions] {
        &self.servers
    }

    /// The parameters of the URL that have no effect.
    pub(crate) fn ignored(&self) -> &[&'static str] {
        &self.ignored
    }

    /// This address of a pooler such as PgBouncer, which has no session between transactions, and the database's own.
    #[must_use]
    pub fn through_pooler(self, direct: Self) -> Self {
        // A pooler rejects parameters that it does not know.
        let pooled = self.map(|server| server.extra_float_digits(None));
        Self { direct: Some(Arc::new(direct)), ..pooled }
    }

    /// Whether the servers are poolers.
    #[must_use]
    pub fn is_pooler(&self) -> bool {
        self.direct.is_some()
    }

    /// The address without a pooler, for what needs a session: `LISTEN`, migrations, own time-outs.
    #[must_use]
    pub fn direct(&self) -> &Self {
        self.direct.as_deref().unwrap_or(self)
    }

    /// The address with other settings.
    #[must_use]
    pub fn map(self, settings: impl Fn(PgConnectOptions) -> PgConnectOptions) -> Self {
        Self { servers: self.servers.into_iter().map(settings).collect(), ..self }
    }

    /// Connects to a server. Each of several gets its share of `limit`.
    ///
    /// # Errors
    /// If no server accepts the connection, or none is writable where one of several has to be.
    pub async fn connect(&self, limit: Duration) -> Result<PgConnection, sqlx::Error> {
        // Whoever may have to connect would be as large as this.
        Ok(Box::pin(self.connect_to_one(limit)).await?.0)
    }

    /// Connects to a server, and returns which one.
    pub(crate) async fn connect_to_one(
        &self,
        limit: Duration,
    ) -> Result<(PgConnection, &PgConnectOptions), sqlx::Error> {
        let count = self.servers.len();
        let share = limit / u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let first = self.last.load(Ordering::Relaxed);
        let mut failure = None;
        for index in (0..count).map(|offset| (first + offset) % count) {
            let server = &self.servers[index];
            match with_timeout(share, self.connect_to(server)).await {
                Ok(connection) => {
                    self.last.store(index, Ordering::Relaxed);
                    return Ok((connection, server));
                }
                // That one of them is unavailable may explain why the others do not do.
                Err(error) if failure.as_ref().is_none_or(|previous| !is_unavailable(previous)) => {
                    failure = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(failure.unwrap_or_else(|| sqlx::Error::Configuration("the URL names no server".into())))
    }

    async fn connect_to(&self, server: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
        let mut connection = server.connect().await?;
        if self.needs_writable
            && let Err(error) = require_writable(&mut connection).await
        {
            let _ = connection.close().await;
            return Err(error);
        }
        Ok(connection)
    }
}

/// Fails if the server is a standby, or read-only for another reason.
///
/// # Errors
/// [`sqlx::Error::Io`] of kind `ReadOnlyFilesystem` if it is; otherwise the statement's own.
pub async fn require_writable<'c>(connection: impl Executor<'c, Database = Postgres>) -> Result<(), sqlx::Error> {
    run_and_require_writable(connection, "show transaction_read_only").await
}

/// Rolls back, and fails if the server is read-only.
pub(crate) async fn roll_back_and_require_writable(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    run_and_require_writable(connection, "rollback; show transaction_read_only").await
}

/// By the simple protocol: one round trip, and nothing is prepared.
async fn run_and_require_writable<'c>(
    connection: impl Executor<'c, Database = Postgres>,
    statements: &'static str,
) -> Result<(), sqlx::Error> {
    let row = connection.fetch_one(sqlx::raw_sql(statements)).await?;
    if row.try_get::<&str, _>(0)? == "on" { Err(read_only()) } else { Ok(()) }
}

fn read_only() -> sqlx::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "the database is read-only: a standby, or a former primary")
        .into()
}

/// Whether a statement has failed since the server is read-only.
pub(crate) fn is_rejected_as_read_only(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "25006")
}

/// Whether the error is that of [`require_writable`].
#[must_use]
pub fn is_read_only(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem)
}

impl From<PgConnectOptions> for Address {
    fn from(server: PgConnectOptions) -> Self {
        Self { servers: vec![server], needs_writable: false, last: Arc::default(), direct: None, ignored: Vec::new() }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.servers.iter().map(PgConnectOptions::get_host)).finish()
    }
}

/// The first server's URL, whose user and password are those of all.
///
/// # Errors
/// [`sqlx::Error::Configuration`] if the URL is not valid.
pub(crate) fn first_url(url: &str) -> Result<Url, sqlx::Error> {
    let Servers { mut urls, .. } = url.parse()?;
    Ok(urls.swap_remove(0))
}

/// Parses the URL of one server. Like libpq, verifies the certificate if an authority is named.
fn server(url: &Url) -> Result<PgConnectOptions, sqlx::Error> {
    let authority = query_value(url, |name| ["sslrootcert", "ssl-root-cert", "ssl-ca"].contains(&name));
    let mode = query_value(url, |name| ["sslmode", "ssl-mode"].contains(&name));
    if authority.as_deref() == Some("system") {
        let mut url = url.clone();
        replace_query(&mut url, |name| !["sslrootcert", "ssl-root-cert", "ssl-ca"].contains(&name), &[]);
        if mode.is_some_and(|mode| mode != "verify-full") {
            return Err(configuration("`sslrootcert=system` needs `sslmode=verify-full`"));
        }
        return Ok(url.as_str().parse::<PgConnectOptions>()?.ssl_mode(PgSslMode::VerifyFull));
    }
    let options: PgConnectOptions = url.as_str().parse()?;
    Ok(match options.get_ssl_mode() {
        PgSslMode::Require if authority.is_some() => options.ssl_mode(PgSslMode::VerifyCa),
        _ => options,
    })
}

impl FromStr for Servers {
    type Err = sqlx::Error;

    fn from_str(text: &str) -> Result<Self, sqlx::Error> {
        let (hosts, of_host) = split_hosts(text);
        let parsed = hosts.into_iter().map(|host| of_host(host).parse::<Url>()).collect::<Result<Vec<_>, _>>();
        let mut named = parsed.map_err(|error| sqlx::Error::Configuration(Box::new(error)))?;
        let ignored = named.iter_mut().map(take_ignored).collect::<Result<Vec<_>, _>>()?.swap_remove(0);
        let listed = named.iter().map(in_query).collect::<Result<Vec<_>, _>>()?;
        let target = query_value(&named[0], |name| name == TARGET);
        let urls: Vec<_> = listed.into_iter().flatten().collect();
        let needs_writable = match target.as_deref() {
            None => urls.len() > 1,
            Some("any") => false,
            Some("read-write" | "primary") => true,
            Some(_) => {
                return Err(configuration(
                    "`target_session_attrs` must be `read-write`, `primary` or `any`: events and changes are written",
                ));
            }
        };
        Ok(Self { urls, needs_writable, ignored })
    }
}

const TARGET: &str = "target_session_attrs";

/// The parameters that have an effect, besides `options[…]`.
const USED: [&str; 19] = [
    TARGET,
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// The other parameters that libpq has.
const IGNORED: [&str; 33] = [
    "passfile",
    "require_auth",
    "channel_binding",
    "connect_timeout",
    "client_encoding",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "replication",
    "gssencmode",
    "sslnegotiation",
    "sslcompression",
    "sslkeylogfile",
    "sslpassword",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "min_protocol_version",
    "max_protocol_version",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "service",
    "servicefile",
    "load_balance_hosts",
    "requiressl",
];

/// Removes the parameters that have no effect, and rejects those that libpq does not have: one may be a part of a
/// password, so it is not named, and sqlx, which would log it with its value, does not get it.
fn take_ignored(url: &mut Url) -> Result<Vec<&'static str>, sqlx::Error> {
    let mut ignored = Vec::new();
    for (index, (name, _)) in url.query_pairs().enumerate() {
        if USED.contains(&&*name) || name.starts_with("options[") {
            continue;
        }
        let known = IGNORED.iter().find(|known| **known == name).ok_or_else(|| unknown_parameter(index + 1))?;
        ignored.push(*known);
    }
    if !ignored.is_empty() {
        replace_query(url, |name| !IGNORED.contains(&name), &[]);
    }
    Ok(ignored)
}

fn unknown_parameter(number: usize) -> sqlx::Error {
    configuration(format!(
        "parameter {number} after `?` is none that PostgreSQL's URLs have: correct or remove it. In a password, \
         `?`, `#`, `&` and `/` must be percent-encoded"
    ))
}

/// The hosts of a URL, with their ports, and how to put one of them into it: a URL has one host, PostgreSQL's several.
fn split_hosts(url: &str) -> (Vec<&str>, impl Fn(&str) -> String) {
    let start = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |length| start + length);
    let hosts_start = url[start..end].rfind('@').map_or(start, |at| start + at + 1);
    let hosts = url[hosts_start..end].split(',').collect();
    (hosts, move |host| format!("{}{host}{}", &url[..hosts_start], &url[end..]))
}

/// One URL for each host of the query, as in `?host=a,b&port=5432,5433`.
fn in_query(url: &Url) -> Result<Vec<Url>, sqlx::Error> {
    let hosts = query_value(url, |name| name == "host");
    let ports = query_value(url, |name| name == "port");
    let hosts: Vec<_> = hosts.iter().flat_map(|hosts| hosts.split(',')).map(Some).collect();
    let ports: Vec<_> = ports.iter().flat_map(|ports| ports.split(',')).collect();
    let hosts = if hosts.is_empty() { vec![None] } else { hosts };
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err(configuration("`port` must have one value, or as many as `host`"));
    }
    let one = |(index, host): (usize, Option<&str>)| {
        let port = ports.get(index).or(ports.first()).copied();
        let places = [("host", host), ("port", port)].into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut url = url.clone();
        replace_query(&mut url, |name| !["host", "port", TARGET].contains(&name), &places.collect::<Vec<_>>());
        url
    };
    Ok(hosts.iter().copied().enumerate().map(one).collect())
}

fn query_value(url: &Url, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
    url.query_pairs().filter(|(name, _)| is_wanted(name)).last().map(|(_, value)| value.into_owned())
}

fn replace_query(url: &mut Url, keep: impl Fn(&str) -> bool, add: &[(&str, &str)]) {
    let pairs: Vec<_> = url.query_pairs().into_owned().filter(|(name, _)| keep(name)).collect();
    url.set_query(None);
    if !pairs.is_empty() || !add.is_empty() {
        url.query_pairs_mut().extend_pairs(pairs).extend_pairs(add);
    }
}

fn configuration(message: impl Into<Box<dyn Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Configuration(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(url: &str) -> Vec<(String, u16)> {
        let address = Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        address.servers.iter().map(|server| (server.get_host().to_owned(), server.get_port())).collect()
    }

    fn needs_writable(url: &str) -> bool {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")).needs_writable
    }

    fn ssl_mode(url: &str) -> PgSslMode {
        Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}")).servers[0].get_ssl_mode()
    }

    #[test]
    fn an_address_may_name_several_servers() {
        // That of PGPORT, where it is set.
        let port = PgConnectOptions::new_without_pgpass().get_port();
        let two = [("a".to_owned(), port), ("b.example".to_owned(), 5433)];
        for url in [
            "postgresql://u:p%40@a,b.example:5433/course?application_name=x",
            "postgres://u@a,b.example:5433?target_session_attrs=any",
        ] {
            assert_eq!(servers(url), two, "{url}");
        }
        let two = [("a".to_owned(), 5431), ("b.example".to_owned(), 5433)];
        assert_eq!(servers("postgres://u:p@a:5431,b.example:5433/course"), two);
        assert_eq!(servers("postgres:///course?host=a,b.example&port=5431,5433&user=u"), two);
        assert_eq!(
            servers("postgres://u:p@[::1]:5440,127.0.0.1/course"),
            [("[::1]".to_owned(), 5440), ("127.0.0.1".to_owned(), port)]
        );
        assert_eq!(servers("postgres:///course?host=a,b&port=5433"), [("a".to_owned(), 5433), ("b".to_owned(), 5433)]);
        for bad in [
            "postgres://u@a:x,b/course",
            "postgres:///course?host=a,b,c&port=1,2",
            "postgres://a/course?target_session_attrs=standby",
            "course",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_parameter_is_used_or_ignored_or_rejected_and_no_value_is_told() {
        let ignored = |url: &str| Address::parse(url).map(|address| address.ignored().to_vec());
        for (url, expected) in [
            ("postgres://a/course?sslmode=require&options[search_path]=x&application_name=y", vec![]),
            ("postgres://a/course?channel_binding=require&sslmode=require", vec!["channel_binding"]),
            ("postgres://a,b/course?sslpassword=x&connect_timeout=5", vec!["sslpassword", "connect_timeout"]),
        ] {
            assert_eq!(ignored(url).expect("a URL"), expected, "{url}");
        }
        let url = "postgres://a/course?connect_timeout=5&sslmode=require&sslrootcert=/ca.pem";
        assert!(matches!(ssl_mode(url), PgSslMode::VerifyCa));
        for (url, number) in [
            ("postgres://a/course?sslmod=s3cret", 1),
            ("postgres://a/course?sslmode=require&connect_timeout=5&S3CRET=s3cret", 3),
            // A password with `?` and `&` that are not encoded.
            ("postgres://ada:12?s3cret&s3cret@host/course", 1),
        ] {
            let error = ignored(url).expect_err(url).to_string();
            assert!(error.contains(&format!("parameter {number} ")), "{error}");
            assert!(!error.to_lowercase().contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_writable_one_of_several_is_wanted() {
        assert!(!needs_writable("postgres://a/course"));
        assert!(needs_writable("postgres://a/course?target_session_attrs=read-write"));
        assert!(needs_writable("postgres://a,b/course"));
        assert!(needs_writable("postgres://a,b/course?target_session_attrs=primary"));
        assert!(!needs_writable("postgres://a,b/course?target_session_attrs=any"));
    }

    #[test]
    fn a_named_authority_is_asked() {
        for (url, mode) in [
            ("postgres://a/course?sslmode=require", PgSslMode::Require),
            ("postgres://a/course?sslmode=require&sslrootcert=/ca.pem", PgSslMode::VerifyCa),
            ("postgres://a,b/course?sslmode=verify-full&sslrootcert=/ca.pem", PgSslMode::VerifyFull),
            ("postgres://a/course?sslrootcert=system", PgSslMode::VerifyFull),
        ] {
            assert!(
                matches!((ssl_mode(url), mode), (a, b) if std::mem::discriminant(&a) == std::mem::discriminant(&b)),
                "{url}"
            );
        }
        assert!(Address::parse("postgres://a/course?sslmode=require&sslrootcert=system").is_err());
    }
}
