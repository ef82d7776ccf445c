//! The form of URLs: several servers in one, and parameters of libpq.

use std::{error::Error, str::FromStr};

use reqwest::Url;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The servers of a URL, each in a URL of its own that sqlx can parse.
pub(super) struct Servers {
    pub urls: Vec<Url>,
    pub needs_writable: bool,
    pub ignored: Vec<&'static str>,
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
pub(super) fn server(url: &Url) -> Result<PgConnectOptions, sqlx::Error> {
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
