//! Settings of the events between services.

use std::{fmt, path::PathBuf, str::FromStr};

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;

/// Settings of the events between services.
#[derive(Clone, Debug, clap::Args)]
pub struct EventSettings {
    /// The transport of events between services: `local` for direct delivery, or the URLs of NATS servers with
    /// `JetStream`, separated by commas: `nats://HOST:4222`, `nats://USER:PASSWORD@HOST`, `nats://TOKEN@HOST`. `tls://…`
    /// requires TLS, which is used, too, if the server requires it. All processes need the same.
    #[arg(
        long,
        env = "LYCEUM_EVENT_BUS",
        hide_env_values = true,
        value_name = "local|nats://…",
        default_value = "local"
    )]
    pub event_bus: EventBusAddress,

    /// The system's name in NATS: the name of its stream, and the prefix of its subjects. Systems that share a NATS
    /// server need different names.
    #[arg(long, env = "LYCEUM_NATS_NAME", default_value = "lyceum")]
    pub nats_name: NatsName,

    /// The file with the credentials of a NATS user: a JWT and its key, as `nsc` writes them.
    #[arg(long, env = "LYCEUM_NATS_CREDENTIALS_FILE", value_name = "FILE")]
    pub nats_credentials_file: Option<PathBuf>,

    /// The PEM file with the certificates of the authorities of NATS servers. Default: those of the operating system.
    #[arg(long, env = "LYCEUM_NATS_CA_FILE", value_name = "FILE")]
    pub nats_ca_file: Option<PathBuf>,

    /// The PEM file with this client's certificate, for NATS servers that verify clients.
    #[arg(long, env = "LYCEUM_NATS_CERTIFICATE_FILE", value_name = "FILE", requires = "nats_key_file")]
    pub nats_certificate_file: Option<PathBuf>,

    /// The PEM file with the private key of this client's certificate.
    #[arg(long, env = "LYCEUM_NATS_KEY_FILE", value_name = "FILE", requires = "nats_certificate_file")]
    pub nats_key_file: Option<PathBuf>,

    /// The number of servers of a NATS cluster that store each event: 3 of three or more, so that one may be lost. A
    /// stream that has more replicas keeps them.
    #[arg(long, env = "LYCEUM_NATS_REPLICAS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub nats_replicas: u8,

    /// The number of hours for which events are kept after they were delivered and handled.
    #[arg(long, env = "LYCEUM_EVENT_RETENTION_HOURS", default_value_t = 168, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub event_retention_hours: u32,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self {
            event_bus: EventBusAddress::Local,
            nats_name: NatsName("lyceum".to_owned()),
            nats_credentials_file: None,
            nats_ca_file: None,
            nats_certificate_file: None,
            nats_key_file: None,
            nats_replicas: 1,
            event_retention_hours: 168,
        }
    }
}

/// The transport of events.
#[derive(Clone, PartialEq, Eq)]
pub enum EventBusAddress {
    /// Direct delivery, without a broker.
    Local,
    /// Delivery through NATS.
    Nats(NatsServers),
}

/// The servers of a NATS cluster, and how to sign in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsServers {
    pub(crate) addresses: Vec<ServerAddr>,
    pub(crate) login: Option<NatsLogin>,
}

/// How to sign in at a NATS server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum NatsLogin {
    Token(String),
    User { name: String, password: String },
}

impl fmt::Debug for NatsLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

impl fmt::Debug for EventBusAddress {
    // An address may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if *self == Self::Local { "local" } else { "nats" })
    }
}

impl FromStr for EventBusAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "local" => Ok(Self::Local),
            _ => text.parse().map(Self::Nats),
        }
    }
}

impl FromStr for NatsServers {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let servers = text.split(',').map(|url| server(url.trim())).collect::<Result<Vec<_>, _>>()?;
        let (addresses, logins): (Vec<_>, Vec<_>) = servers.into_iter().unzip();
        let mut logins = logins.into_iter().flatten();
        let login = logins.next();
        if logins.any(|other| Some(other) != login) {
            return Err("must have the same user in each URL, or in one of them");
        }
        Ok(Self { addresses, login })
    }
}

/// A server's address without the user, whom the client would log.
fn server(url: &str) -> Result<(ServerAddr, Option<NatsLogin>), &'static str> {
    const FORM: &str = "must be `local` or URLs such as nats://127.0.0.1:4222, separated by commas";
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| ["nats", "tls"].contains(scheme)).ok_or(FORM)?;
    let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user), host));
    let address: ServerAddr = format!("{scheme}://{host}").parse().map_err(|_| FORM)?;
    if address.host().is_empty() {
        return Err(FORM);
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let login = user.map(|user| match user.split_once(':') {
        Some((name, password)) => NatsLogin::User { name: decoded(name), password: decoded(password) },
        None => NatsLogin::Token(decoded(user)),
    });
    Ok((address, login))
}

/// A system's name in NATS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsName(String);

impl fmt::Display for NatsName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for NatsName {
    type Err = &'static str;

    // Valid both as a stream's name and as a token of a subject.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if (1..=64).contains(&text.len()) && text.chars().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must have 1 to 64 letters, digits, `-` or `_`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_nats_is_one_part_of_a_subject() {
        for good in ["lyceum", "Lyceum-2_b", &"x".repeat(64)] {
            assert!(good.parse::<NatsName>().is_ok(), "{good}");
        }
        for bad in ["", "a.b", "a b", "a*", ">", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<NatsName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn nats_servers_are_a_list_with_one_user() {
        let parse = |text: &str| match text.parse() {
            Ok(EventBusAddress::Nats(servers)) => servers,
            other => panic!("{text}: {other:?}"),
        };
        let ada = NatsLogin::User { name: "ada".to_owned(), password: "a@b:c".to_owned() };
        for (text, ports, login) in [
            ("nats://127.0.0.1:4223", vec![4223], None),
            ("nats://a,tls://b:4223, nats://[::1]:4224", vec![4222, 4223, 4224], None),
            ("nats://ada:a%40b%3Ac@a:4223,nats://b", vec![4223, 4222], Some(ada.clone())),
            ("nats://ada:a%40b%3Ac@a,tls://ada:a%40b%3Ac@b", vec![4222, 4222], Some(ada)),
            ("nats://s3cret@a", vec![4222], Some(NatsLogin::Token("s3cret".to_owned()))),
        ] {
            let servers = parse(text);
            assert_eq!(servers.addresses.iter().map(ServerAddr::port).collect::<Vec<_>>(), ports, "{text}");
            assert_eq!(servers.login, login, "{text}");
            assert!(!format!("{servers:?}").contains("s3cret") && !format!("{servers:?}").contains("ada"), "{text}");
        }
        for bad in ["", "nats", "http://a", "nats://", "nats://a:x", "nats://a,", "nats://a@b,nats://c@d"] {
            assert!(bad.parse::<EventBusAddress>().is_err(), "{bad}");
        }
    }
}
