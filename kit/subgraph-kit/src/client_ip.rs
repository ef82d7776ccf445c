//! Where a request comes from, as the router says.

use std::net::{IpAddr, Ipv6Addr};

use async_graphql::Context;
use http::{HeaderMap, HeaderName};

/// The header in which the router passes on the client's network address, with mutations and with queries that cost
/// much: other equal queries of different clients are to remain equal. What a client sends in it never arrives.
pub const HEADER: HeaderName = HeaderName::from_static("x-lyceum-client");

/// The network address of the client that asks the router, if the router has passed it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(pub Option<IpAddr>);

impl ClientIp {
    /// The client of a request with these headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let address = headers.get(HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        Self(address)
    }

    /// What one household or company has: an IPv4 address, or the first 48 bits of an IPv6 address, since
    /// whoever has one of those networks has all the addresses in it. All clients of unknown address are
    /// one.
    #[must_use]
    pub fn network(self) -> Option<IpAddr> {
        self.0.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).into(),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// Reads the client address from a resolver's context.
pub trait ClientIpExt {
    /// Where the request comes from.
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
