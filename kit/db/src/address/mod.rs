//! A database's address: one server, or several of which one is the primary.

mod url;
mod writable;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

use self::url::Servers;
pub use self::writable::{is_read_only, require_writable};
pub(crate) use self::{
    url::first_url,
    writable::{is_rejected_as_read_only, roll_back_and_require_writable},
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

impl Address {
    /// Not public, because [`ConnectionSettings`](crate::database::ConnectionSettings) say what a URL has to ask for.
    pub(crate) fn parse(url: &str) -> Result<Self, sqlx::Error> {
        let Servers { urls, needs_writable, ignored } = url.parse()?;
        let servers = urls.iter().map(url::server).collect::<Result<_, _>>()?;
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

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgSslMode;

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
