//! The client's network address, as the router forwards it.

use std::net::{IpAddr, Ipv6Addr};

use async_graphql::Context;
use http::{HeaderMap, HeaderName};

/// The header in which the router forwards the client's IP address, with mutations and expensive queries only: other
/// queries of different clients stay equal. The router drops the client's own header.
pub const HEADER: HeaderName = HeaderName::from_static("x-lyceum-client");

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
}

impl ClientIpExt for Context<'_> {
    fn client_ip(&self) -> ClientIp {
        *self.data_unchecked()
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
}
