//! Rejects requests for a host that this router does not serve.
//!
//! A page of another site can let its own name resolve to 127.0.0.1 (DNS rebinding). The browser then takes it for the
//! router's origin, so it could use a router that only its visitor can reach. But it cannot change the `Host` header.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use hive_router::{
    http::{StatusCode, header::HOST, uri::Authority},
    ntex::{
        Middleware, SharedCfg,
        http::{RequestHead, Response},
        service::{Service, ServiceCtx},
        web::{self, DefaultError, WebRequest, WebResponse},
    },
};
use tracing::info;

/// Paths that reveal nothing, and that probes request by address.
const OPEN_TO_ALL: [&str; 3] = ["/health", "/readiness", "/ready"];
const MAX_NAME_LENGTH: usize = 253;

/// A host by which clients may address the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHost {
    /// Any host.
    Any,
    /// This host, on any port.
    Host(Host),
}

/// A host as a request or a setting names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// A name in lower case, without the dot that may end it.
    Name(String),
}

impl FromStr for AllowedHost {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Host(Host::Address(address)));
        }
        let (host, port) = split_port(text).context("expected a host name, an IP address, or `*`")?;
        if port.is_some() {
            bail!("expected a host without a port: it is allowed on any port");
        }
        Ok(Self::Host(Host::parse(host).context("expected a host name, an IP address, or `*`")?))
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        if let Some(address) = text.strip_prefix('[') {
            let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(address.into()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let is_name = name.len() <= MAX_NAME_LENGTH && name.split('.').all(is_label);
        is_name.then(|| Self::Name(name.to_ascii_lowercase()))
    }

    /// Parses `host[:port]`, the form of the header and of a request target.
    fn of_authority(authority: &str) -> Option<Self> {
        let (host, port) = split_port(authority)?;
        let is_port = port.is_none_or(|port| port.is_empty() || port.parse::<u16>().is_ok());
        if !is_port || port.is_some_and(|port| port.starts_with('+')) {
            return None;
        }
        Self::parse(host)
    }

    fn is_loopback(&self) -> bool {
        match self {
            // Not all of 127.0.0.0/8: no legitimate client uses another address.
            Self::Address(address) => *address == Ipv4Addr::LOCALHOST || *address == Ipv6Addr::LOCALHOST,
            Self::Name(name) => name == "localhost",
        }
    }
}

/// Splits a host from its port, if it has one.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let (host, rest) = text.split_at(text.find(']')? + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

/// The allowed hosts of one router: the loopback names, and those of its settings.
#[derive(Clone, Debug)]
pub struct AllowedHosts(Arc<[AllowedHost]>);

/// The reason why a request is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejection {
    /// It has no host, several, or an invalid one.
    Malformed,
    /// It is for another host.
    Misdirected,
}

impl AllowedHosts {
    /// Allows `localhost`, the loopback addresses, and `hosts`.
    pub fn new(hosts: &[AllowedHost]) -> Self {
        Self(hosts.into())
    }

    fn contains(&self, host: &Host) -> bool {
        host.is_loopback() || self.0.iter().any(|allowed| matches!(allowed, AllowedHost::Host(known) if known == host))
    }

    fn check(&self, request: &RequestHead) -> Result<(), Rejection> {
        let mut hosts = request.headers().get_all(HOST);
        let (header, another) = (hosts.next(), hosts.next());
        if another.is_some() {
            return Err(Rejection::Malformed);
        }
        if self.0.contains(&AllowedHost::Any) || OPEN_TO_ALL.contains(&request.uri.path()) {
            return Ok(());
        }
        // A target such as `http://host/graphql` has a host, too, which may differ from the header's, and either may be
        // read: so both are checked.
        let header = header.map(|host| host.to_str().map_err(|_| Rejection::Malformed)).transpose()?;
        let target = request.uri.authority().map(Authority::as_str);
        if header.is_none() && target.is_none() {
            return Err(Rejection::Malformed);
        }
        for authority in [header, target].into_iter().flatten() {
            let host = Host::of_authority(authority).ok_or(Rejection::Malformed)?;
            if !self.contains(&host) {
                info!(?host, "request rejected: host not allowed");
                return Err(Rejection::Misdirected);
            }
        }
        Ok(())
    }
}

impl Rejection {
    fn response(self) -> Response {
        match self {
            Self::Malformed => Response::build(StatusCode::BAD_REQUEST).body("The request must name exactly one host."),
            Self::Misdirected => Response::build(StatusCode::MISDIRECTED_REQUEST)
                .body("This router does not serve that host. Add it to LYCEUM_ALLOWED_HOSTS.\n"),
        }
    }
}

impl<S> Middleware<S, SharedCfg> for AllowedHosts {
    type Service = AllowedHostsMiddleware<S>;

    fn create(&self, service: S, _: SharedCfg) -> Self::Service {
        AllowedHostsMiddleware { service, hosts: self.clone() }
    }
}

pub struct AllowedHostsMiddleware<S> {
    service: S,
    hosts: AllowedHosts,
}

impl<S> Service<WebRequest<DefaultError>> for AllowedHostsMiddleware<S>
where
    S: Service<WebRequest<DefaultError>, Response = WebResponse, Error = web::Error>,
{
    type Response = WebResponse;
    type Error = web::Error;

    hive_router::ntex::forward_ready!(service);

    async fn call(
        &self,
        request: WebRequest<DefaultError>,
        ctx: ServiceCtx<'_, Self>,
    ) -> Result<Self::Response, Self::Error> {
        match self.hosts.check(request.head()) {
            Ok(()) => ctx.call(&self.service, request).await,
            Err(rejection) => Ok(request.into_response(rejection.response())),
        }
    }
}

#[cfg(test)]
mod tests {
    use hive_router::ntex::web::test::TestRequest;

    use super::*;

    fn hosts(names: &[&str]) -> AllowedHosts {
        let hosts: Vec<_> = names.iter().map(|name| name.parse().expect("a host")).collect();
        AllowedHosts::new(&hosts)
    }

    fn check(hosts: &AllowedHosts, target: &str, headers: &[&str]) -> Result<(), Rejection> {
        let request = headers.iter().fold(TestRequest::with_uri(target), |request, host| request.header(HOST, *host));
        hosts.check(request.to_srv_request().head())
    }

    #[test]
    fn a_host_of_this_machine_is_known_in_all_its_forms() {
        for host in [
            "localhost",
            "localhost:4000",
            "LocalHost:1",
            "localhost.",
            "localhost.:4000",
            "localhost:",
            "127.0.0.1",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:4000",
            "[0:0:0:0:0:0:0:1]:4000",
        ] {
            assert_eq!(check(&hosts(&[]), "/graphql", &[host]), Ok(()), "{host}");
        }
    }

    #[test]
    fn another_host_is_misdirected() {
        for host in [
            "evil.example",
            "evil.example:4000",
            "localhost.evil.example",
            "evil-localhost",
            "0.0.0.0",
            "127.0.0.2",
            "192.0.2.7:4000",
            "[::]",
            "[::ffff:127.0.0.1]:4000",
            "127.1",
            "2130706433",
        ] {
            assert_eq!(check(&hosts(&[]), "/graphql", &[host]), Err(Rejection::Misdirected), "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_malformed() {
        for host in [
            "",
            ":4000",
            "user@localhost",
            "localhost@evil.example",
            "localhost:4000@evil.example",
            "localhost/",
            "localhost evil.example",
            "localhost,evil.example",
            "localhost:x",
            "localhost:+1",
            "localhost:65536",
            "localhost..",
            ".localhost",
            "local%68ost",
            "::1",
            "[::1",
            "[::1]x",
            "[localhost]",
            "lo\u{e9}calhost",
        ] {
            assert_eq!(check(&hosts(&[]), "/graphql", &[host]), Err(Rejection::Malformed), "{host}");
        }
        assert_eq!(check(&hosts(&[]), "/graphql", &[]), Err(Rejection::Malformed));
        assert_eq!(check(&hosts(&["*"]), "/graphql", &["localhost", "localhost"]), Err(Rejection::Malformed));
    }

    #[test]
    fn a_target_that_names_a_host_counts_as_well() {
        let hosts = hosts(&[]);

        assert_eq!(check(&hosts, "http://localhost:4000/graphql", &["localhost:4000"]), Ok(()));
        assert_eq!(check(&hosts, "http://localhost/graphql", &[]), Ok(()));
        assert_eq!(check(&hosts, "http://evil.example/graphql", &["localhost"]), Err(Rejection::Misdirected));
        assert_eq!(check(&hosts, "http://localhost/graphql", &["evil.example"]), Err(Rejection::Misdirected));
        assert_eq!(check(&hosts, "http://user@localhost/graphql", &["localhost"]), Err(Rejection::Malformed));
    }

    #[test]
    fn settings_add_hosts() {
        let hosts = hosts(&["Lyceum.Example", "192.0.2.7", "2001:db8::1", "[2001:db8::2]"]);

        for host in ["lyceum.example", "LYCEUM.example.:443", "192.0.2.7:4000", "[2001:db8::1]", "[2001:db8::2]:1"] {
            assert_eq!(check(&hosts, "/graphql", &[host]), Ok(()), "{host}");
        }
        assert_eq!(check(&hosts, "/graphql", &["www.lyceum.example"]), Err(Rejection::Misdirected));
        assert_eq!(check(&hosts, "/graphql", &["localhost"]), Ok(()));
    }

    #[test]
    fn a_star_allows_all() {
        assert_eq!(check(&hosts(&["*"]), "/graphql", &["evil.example"]), Ok(()));
        assert_eq!(check(&hosts(&["*"]), "/graphql", &[]), Ok(()));
    }

    #[test]
    fn probes_may_use_an_address() {
        for path in OPEN_TO_ALL {
            assert_eq!(check(&hosts(&[]), path, &["10.1.2.3:4000"]), Ok(()), "{path}");
        }
        assert_eq!(check(&hosts(&[]), "/ready/graphql", &["10.1.2.3:4000"]), Err(Rejection::Misdirected));
    }

    #[test]
    fn a_setting_that_names_no_host_is_rejected() {
        for text in ["", "localhost:4000", "[::1]:4000", "http://lyceum.example", "*.lyceum.example", "a b", "a@b"] {
            assert!(text.parse::<AllowedHost>().is_err(), "{text}");
        }
    }
}
