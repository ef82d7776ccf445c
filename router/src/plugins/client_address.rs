//! Forwards the client's network address to subgraphs, for rate limits per client; with mutations also its `User-Agent`,
//! by which users recognize their sessions.
//!
//! Cheap queries do not carry it: equal queries of different clients would then differ, and not be deduplicated.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Once,
};

use hive_router::{
    http::{
        HeaderName, HeaderValue,
        header::{InvalidHeaderName, USER_AGENT},
    },
    ntex::{
        http::HeaderMap,
        web::{DefaultError, WebRequest},
    },
    plugins::{
        hooks::{
            on_http_request::{OnHttpRequestHookPayload, OnHttpRequestHookResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_context::PluginContext,
        plugin_trait::StartHookPayload,
    },
};
use subgraph_kit::{
    ClientIp,
    client_ip::{HEADER, MAX_USER_AGENT_LENGTH},
};
use tracing::warn;

use crate::{
    ClientAddressSettings,
    cost::estimate::Estimate,
    subscription_proxy::{self, KEY},
};

/// Microseconds from which on an operation may have to queue per client at a database. A list by a column without an
/// index costs more.
const LIMITED_COST: u64 = 2_000;

/// The place of an address that is not known.
const UNKNOWN_ADDRESS: HeaderValue = HeaderValue::from_static("unknown");

/// The headers in which proxies usually forward the address of their client.
const USUAL_HEADERS: [&str; 3] = ["x-forwarded-for", "forwarded", "x-real-ip"];

pub struct ClientAddress {
    proxies: Option<TrustedProxies>,
    /// Whether there was a warning about a proxy that is not configured.
    has_warned: Once,
    /// The key that proves that a request is the router's own, which sets its client's address.
    key: String,
}

/// The proxies whose header is trusted.
struct TrustedProxies {
    header: HeaderName,
    count: usize,
}

/// The client's address, in a request's context; on a WebSocket, of the request that opened it.
pub struct Address(pub IpAddr);

/// The network address that counts as one anonymous client.
pub fn network(context: &PluginContext) -> Option<IpAddr> {
    ClientIp(context.get_ref::<Address>().map(|address| address.0)).network()
}

impl ClientAddress {
    /// # Errors
    /// When the setting is not a header name.
    pub fn new(settings: &ClientAddressSettings, key: String) -> Result<Self, InvalidHeaderName> {
        let header = settings.header().map(str::parse).transpose()?;
        let count = settings.trusted_proxies.get().into();
        let proxies = header.map(|header| TrustedProxies { header, count });
        Ok(Self { proxies, has_warned: Once::new(), key })
    }

    pub fn on_http_request<'req>(
        &'req self,
        mut payload: OnHttpRequestHookPayload<'req>,
    ) -> OnHttpRequestHookResult<'req> {
        if self.proxies.is_none() && is_forwarded(payload.router_http_request.headers()) {
            self.has_warned
                .call_once(|| warn!("a proxy forwards client addresses, but no header is configured for them"));
        }
        if let Some(address) = self.address(&payload.router_http_request) {
            payload.context.insert(Address(address));
        }
        payload.router_http_request.headers_mut().remove(HEADER);
        payload.router_http_request.headers_mut().remove(KEY);
        payload.proceed()
    }

    pub fn on_subgraph_execute(
        mut payload: OnSubgraphExecuteStartHookPayload<'_>,
    ) -> OnSubgraphExecuteStartHookResult<'_> {
        let request = &mut payload.execution_request;
        // Also for headers that were not sent over HTTP: the first message of a WebSocket has some, too.
        request.headers.remove(HEADER);
        let is_limited = !request.dedupe
            || payload.context.get_ref::<Estimate>().is_some_and(|estimate| estimate.cost >= LIMITED_COST);
        if is_limited && let Some(address) = payload.context.get_ref::<Address>() {
            let value = HeaderValue::from_str(&address.0.to_string()).expect("an address is ASCII");
            request.headers.insert(HEADER, value);
        }
        if !request.dedupe
            && let Some(agent) = user_agent(payload.router_http_request.headers)
        {
            request.headers.entry(HEADER).or_insert(UNKNOWN_ADDRESS);
            request.headers.append(HEADER, agent);
        }
        payload.proceed()
    }
}

/// Whether a proxy has forwarded a request, or its client pretends that one has.
fn is_forwarded(headers: &HeaderMap) -> bool {
    USUAL_HEADERS.iter().any(|header| headers.contains_key(*header))
}

/// The client's `User-Agent`, the start of it if it is long; `None` if it is not readable text.
fn user_agent(headers: &HeaderMap) -> Option<HeaderValue> {
    let agent = headers.get(USER_AGENT)?.to_str().ok()?;
    let agent = agent.get(..MAX_USER_AGENT_LENGTH).unwrap_or(agent).trim();
    if agent.is_empty() { None } else { HeaderValue::from_str(agent).ok() }
}

impl ClientAddress {
    fn address(&self, request: &WebRequest<DefaultError>) -> Option<IpAddr> {
        let key = request.headers().get(KEY);
        if key.is_some_and(|key| {
            subscription_proxy::hash(key.as_bytes()) == subscription_proxy::hash(self.key.as_bytes())
        }) {
            return request.headers().get(HEADER)?.to_str().ok()?.parse().ok();
        }
        let peer = request.peer_addr().map(|peer| peer.ip());
        let forwarded = self.proxies.as_ref().and_then(|proxies| proxies.client(request.headers()));
        forwarded.or(peer).map(|address| address.to_canonical())
    }
}

impl TrustedProxies {
    /// Each proxy appends the address of its own client. So with N trusted proxies, the client's address is the Nth
    /// from the right; what is left of it may be forged.
    fn client(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let values = headers.get_all(&self.header).filter_map(|value| value.to_str().ok());
        let entries: Vec<_> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
        parse(entries.iter().rev().nth(self.count.checked_sub(1)?)?)
    }
}

/// Parses an address as proxies write it, some with a port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(count: usize, values: &[&str]) -> Option<String> {
        let header = HeaderName::from_static("x-forwarded-for");
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header.clone(), HeaderValue::from_str(value).expect("a header's value").into());
        }
        TrustedProxies { header, count }.client(&headers).map(|address| address.to_string())
    }

    #[test]
    fn a_client_is_whom_the_outermost_proxy_of_ours_has_seen() {
        let values = ["10.0.0.9, 192.0.2.7", "198.51.100.1"];

        assert_eq!(client(1, &values).as_deref(), Some("198.51.100.1"));
        assert_eq!(client(2, &values).as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn an_empty_setting_is_none() {
        let proxies = |header: &str| {
            let settings =
                ClientAddressSettings { header: Some(header.to_owned()), ..ClientAddressSettings::default() };
            ClientAddress::new(&settings, String::new()).map(|address| address.proxies.is_some())
        };

        assert!(matches!(proxies(""), Ok(false)));
        assert!(matches!(proxies("x-forwarded-for"), Ok(true)));
        assert!(proxies("x forwarded for").is_err());
    }

    #[test]
    fn an_address_is_read_with_and_without_a_port() {
        for (text, address) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
        ] {
            assert_eq!(client(1, &[text]).as_deref(), Some(address), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_not_believed() {
        assert_eq!(client(1, &[]), None);
        assert_eq!(client(2, &["192.0.2.7"]), None);
        for text in ["", "unknown", "192.0.2.7,", "for=192.0.2.7", "192.0.2.7 198.51.100.1"] {
            assert_eq!(client(1, &[text]), None, "{text}");
        }
    }
}
