//! The client's network address and its `User-Agent`, as the router forwards them.

use std::net::{IpAddr, Ipv6Addr};

use async_graphql::Context;
use http::{HeaderMap, HeaderName};

/// The header in which the router forwards the client's IP address, with mutations and expensive queries only: other
/// queries of different clients stay equal. The router drops the client's own header.
pub const HEADER: HeaderName = HeaderName::from_static("x-lyceum-client");

/// The maximum length of a forwarded `User-Agent`, in bytes.
pub const MAX_USER_AGENT_LENGTH: usize = 255;

/// The `User-Agent` of the router's client: the second value of the same header, since the signature of a request covers
/// all values of it, also that of a router or a subgraph of an earlier version. With mutations only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserAgent(pub Option<String>);

impl UserAgent {
    /// Reads the client's `User-Agent` from a request's headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let agent = headers.get_all(HEADER).iter().nth(1).and_then(|value| value.to_str().ok());
        Self(agent.filter(|agent| agent.len() <= MAX_USER_AGENT_LENGTH).map(str::to_owned))
    }
}

/// The IP address of the router's client, if the router has forwarded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(pub Option<IpAddr>);

impl ClientIp {
    /// Reads the client's address from a request's headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let address = headers.get(HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        Self(address)
    }

    /// The network of one household or company: an IPv4 address, or the first 48 bits of an IPv6 address, since a
    /// holder of such a network has all its addresses. `None` for all clients of unknown address.
    #[must_use]
    pub fn network(self) -> Option<IpAddr> {
        self.0.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// Provides the client's address in a resolver's context.
pub trait ClientIpExt {
    /// The address of the request's client.
    fn client_ip(&self) -> ClientIp;

    /// The `User-Agent` of the request's client.
    fn user_agent(&self) -> &UserAgent;
}

impl ClientIpExt for Context<'_> {
    fn client_ip(&self) -> ClientIp {
        *self.data_unchecked()
    }

    fn user_agent(&self) -> &UserAgent {
        self.data_unchecked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(value: &str) -> ClientIp {
        ClientIp::of(&HeaderMap::from_iter([(HEADER, value.parse().expect("a header's value"))]))
    }

    #[test]
    fn a_client_is_what_the_header_says() {
        assert_eq!(client("192.0.2.1"), ClientIp("192.0.2.1".parse().ok()));
        assert_eq!(client("2001:db8::1"), ClientIp("2001:db8::1".parse().ok()));
    }

    #[test]
    fn no_address_is_an_unknown_client() {
        assert_eq!(ClientIp::of(&HeaderMap::new()), ClientIp(None));
        for value in ["", "localhost", "192.0.2.1, 192.0.2.2", "192.0.2.1:80"] {
            assert_eq!(client(value), ClientIp(None), "{value}");
        }
    }

    #[test]
    fn the_second_value_is_the_user_agent() {
        let headers = |values: &[&str]| {
            let values = values.iter().map(|value| (HEADER, value.parse().expect("a header's value")));
            values.fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            })
        };

        let both = headers(&["192.0.2.1", "Mozilla/5.0 (X11)"]);
        assert_eq!(ClientIp::of(&both), ClientIp("192.0.2.1".parse().ok()));
        assert_eq!(UserAgent::of(&both), UserAgent(Some("Mozilla/5.0 (X11)".to_owned())));
        assert_eq!(UserAgent::of(&headers(&["192.0.2.1"])), UserAgent(None));
        assert_eq!(UserAgent::of(&headers(&["unknown", &"x".repeat(256)])), UserAgent(None));
    }
}
