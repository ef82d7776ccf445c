use std::{
    num::{NonZeroU8, NonZeroU32},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use anyhow::Context;
use auth::{
    secret::Secret,
    signature::{SecretError, SecretSettings, Secrets},
};
use clap::Args;
use serde::Serialize;
use service::{ClientTimeouts, ShutdownSettings, Subgraph};
use tokio::runtime::Handle;

use crate::{Contract, Explain, Mailbox, allowed_hosts::AllowedHost};

/// Settings of the router; the defaults are in `router.config.yaml`.
#[derive(Args, Clone, Default)]
pub struct Settings {
    /// The address to listen on for clients.
    #[arg(long = "router-host", env = "LYCEUM_ROUTER_HOST", value_name = "ADDRESS")]
    pub host: Option<String>,

    /// The port to listen on for clients; 0 for any free one.
    // Not LYCEUM_ROUTER_PORT: Kubernetes sets that to a URL where a service is named so.
    #[arg(long = "router-port", env = "LYCEUM_ROUTER_LISTEN_PORT", value_name = "PORT")]
    pub port: Option<u16>,

    /// A file of changes to the router's built-in configuration. It has only what differs.
    #[arg(long = "router-config", env = "LYCEUM_ROUTER_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The supergraph file, instead of the built-in one.
    #[arg(long, env = "LYCEUM_SUPERGRAPH", value_name = "FILE")]
    pub supergraph: Option<PathBuf>,

    /// Serve part of the graph, as if there was no more: a contract of `contracts.yaml`. There is no playground then,
    /// because it shows the whole graph.
    #[arg(long, env = "LYCEUM_CONTRACT", value_name = "NAME", value_enum, conflicts_with = "supergraph")]
    pub contract: Option<Contract>,

    /// Serve only the stored operations of this manifest, by id: clients send `{"documentId": "…"}` instead of a
    /// `query`. All other requests are rejected, the playground's and introspection included.
    /// `operations/manifest.json` is the manifest of `operations/`.
    #[arg(long, env = "LYCEUM_SAFELIST", value_name = "FILE")]
    pub safelist: Option<PathBuf>,

    /// The URL at which identity publishes the public keys of access tokens.
    #[arg(long, env = "LYCEUM_JWKS_URL", hide_env_values = true, value_name = "URL")]
    pub jwks_url: Option<String>,

    /// The URLs of subgraphs, where they differ from the supergraph's: `course=http://course:8002/graphql,…`.
    #[arg(long, env = "LYCEUM_SUBGRAPH_URLS", hide_env_values = true, value_name = "NAME=URL", value_delimiter = ',')]
    pub subgraph_urls: Vec<SubgraphUrl>,

    /// The directory of the built playground.
    #[arg(long, env = "LYCEUM_PLAYGROUND", value_name = "DIRECTORY", default_value = "web-playground/dist")]
    pub playground: PathBuf,

    /// The directory of the built storefront, which is then served at `/store`; not with `--safelist`, because it sends
    /// documents of its own. Default: none.
    #[arg(long, env = "LYCEUM_STOREFRONT", value_name = "DIRECTORY")]
    pub storefront: Option<PathBuf>,

    /// The number of the router's worker threads. Default: the number of processor cores.
    #[arg(long = "router-workers", env = "LYCEUM_ROUTER_WORKERS", value_name = "NUMBER")]
    pub workers: Option<u16>,

    /// The allowed hosts.
    #[command(flatten)]
    pub allowed_hosts: AllowedHostsSettings,

    /// The origins that may read responses.
    #[command(flatten)]
    pub cors: CorsSettings,

    /// Detection of the client's address.
    #[command(flatten)]
    pub client_address: ClientAddressSettings,

    /// Limits per client and user.
    #[command(flatten)]
    pub live: LiveSettings,

    /// Cost limits.
    #[command(flatten)]
    pub cost: CostSettings,

    /// Limits of documents.
    #[command(flatten)]
    pub document: DocumentSettings,

    /// Counting what clients use.
    #[command(flatten)]
    pub usage: UsageSettings,

    /// The signing secret.
    #[command(flatten)]
    pub secret: SecretSettings,

    /// Timeouts for clients.
    #[command(flatten)]
    pub client_timeouts: ClientTimeouts,

    /// Limits of responses.
    #[command(flatten)]
    pub responses: ResponseSettings,

    /// Shutdown.
    #[command(flatten)]
    pub shutdown: ShutdownSettings,

    /// Send unsigned requests to subgraphs, which accept them only if they were started with `--insecure-dev`, too.
    #[arg(long)]
    pub insecure_dev: bool,

    /// Development mode: errors name their subgraph, plans and traces are public, sample users are shown.
    #[arg(skip)]
    pub development: bool,

    /// The sample users of the playground, in development only.
    #[arg(skip)]
    pub samples: Vec<SampleSignIn>,

    /// The mails that are stored and not sent, in development only. Only clients on this machine get them.
    #[arg(skip)]
    pub mailbox: Option<Mailbox>,

    /// Explains the statements of traces, in development only. Only clients on this machine can use it.
    #[arg(skip)]
    pub explain: Option<Explain>,

    /// The subgraphs of this process, called by function. Others are called over HTTP.
    #[arg(skip)]
    pub in_process: Vec<Subgraph>,

    /// The runtime for subscriptions to in-process subgraphs.
    #[arg(skip)]
    pub runtime: Option<Handle>,

    /// Timeouts of live connections.
    #[arg(skip)]
    pub live_timeouts: LiveTimeouts,
}

/// The hosts that the router serves.
#[derive(Args, Clone, Debug, Default)]
pub struct AllowedHostsSettings {
    /// The host names and addresses that the router serves, besides `localhost`, 127.0.0.1 and `[::1]`: without ports,
    /// separated by commas. Requests for any other host are rejected (421), which prevents DNS rebinding. `*` allows
    /// all, for a router behind a proxy that checks the host.
    #[arg(long = "allowed-hosts", env = "LYCEUM_ALLOWED_HOSTS", value_name = "HOST", value_delimiter = ',')]
    pub allowed_hosts: Vec<AllowedHost>,
}

/// The origins of pages that may read responses, besides the router's own.
#[derive(Args, Clone, Debug, Default)]
pub struct CorsSettings {
    /// The origins whose pages may send requests and read the responses, separated by commas:
    /// `https://app.example.com`. They are added to those of the configuration file. `lyceum up` also allows all
    /// origins on this machine: `localhost`, 127.0.0.1 and `[::1]`, on any port.
    #[arg(long = "cors-origin", env = "LYCEUM_CORS_ORIGINS", value_name = "ORIGIN", value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,
}

/// An origin as a browser sends it: scheme, host, and a port that is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin(String);

impl FromStr for Origin {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        // Anything more or less would never equal what a browser sends.
        let origin = url.map(|url| url.origin().ascii_serialization()).filter(|origin| origin == text);
        origin.map(Self).context(
            "an origin is like `https://app.example.com`: a scheme, a host in lower case, and a port where it is not the scheme's own",
        )
    }
}

/// Detection of a client's network address, by which sign-ins and live connections are limited.
#[derive(Args, Clone, Debug)]
pub struct ClientAddressSettings {
    /// The header in which a proxy sends the client's address, such as `x-forwarded-for`. Without it, a client's
    /// address is the one that it connects from. Set it only if all requests pass the proxy, which must overwrite the
    /// header or append to it.
    #[arg(long = "client-address-header", env = "LYCEUM_CLIENT_ADDRESS_HEADER", value_name = "NAME")]
    pub header: Option<String>,

    /// The number of proxies in a row that append to this header: the client's address is the one at this position from
    /// the right.
    #[arg(long, env = "LYCEUM_TRUSTED_PROXIES", value_name = "NUMBER", default_value_t = ONE)]
    pub trusted_proxies: NonZeroU8,
}

impl ClientAddressSettings {
    /// The header. An empty value, as from a script's unset variable, counts as not given.
    pub(crate) fn header(&self) -> Option<&str> {
        self.header.as_deref().filter(|header| !header.is_empty())
    }
}

const ONE: NonZeroU8 = NonZeroU8::MIN;

impl Default for ClientAddressSettings {
    fn default() -> Self {
        Self { header: None, trusted_proxies: ONE }
    }
}

/// Limits of what one client and one user may have open at a time, of the 10,000 that a router can have.
#[derive(Args, Clone, Copy, Debug)]
pub struct LiveSettings {
    /// The maximum number of open connections of one network address (of IPv6, the first 48 bits), idle ones included
    /// and live ones not. A further one is closed after half a second. No limit with `--client-address-header`, where
    /// the proxy has to limit them.
    #[arg(long, env = "LYCEUM_CONNECTIONS_PER_CLIENT", value_name = "NUMBER", default_value_t = CONNECTIONS_PER_CLIENT)]
    pub connections_per_client: NonZeroU32,

    /// The maximum number of concurrent requests of one network address. Up to 256 more wait for a second at most.
    /// Expensive queries have separate limits, and subscriptions do not count. All users behind one address share the
    /// limit.
    #[arg(long, env = "LYCEUM_REQUESTS_PER_CLIENT", value_name = "NUMBER", default_value_t = REQUESTS_PER_CLIENT)]
    pub requests_per_client: NonZeroU32,

    /// The maximum number of open subscriptions, and of `WebSockets`, of one network address (of IPv6, the first 48
    /// bits). All users behind one address share the limit.
    #[arg(long, env = "LYCEUM_MAX_SUBSCRIPTIONS_PER_CLIENT", value_name = "NUMBER", default_value_t = MAX_SUBSCRIPTIONS_PER_CLIENT)]
    pub max_subscriptions_per_client: NonZeroU32,

    /// The maximum number of open subscriptions of one user, from all addresses.
    #[arg(long, env = "LYCEUM_MAX_SUBSCRIPTIONS_PER_USER", value_name = "NUMBER", default_value_t = MAX_SUBSCRIPTIONS_PER_USER)]
    pub max_subscriptions_per_user: NonZeroU32,
}

const CONNECTIONS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(256).expect("it is not zero");
/// Enough to keep the processors of a large machine busy.
const REQUESTS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(16).expect("it is not zero");
const MAX_SUBSCRIPTIONS_PER_CLIENT: NonZeroU32 = NonZeroU32::new(1000).expect("it is not zero");
const MAX_SUBSCRIPTIONS_PER_USER: NonZeroU32 = NonZeroU32::new(100).expect("it is not zero");

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            connections_per_client: CONNECTIONS_PER_CLIENT,
            requests_per_client: REQUESTS_PER_CLIENT,
            max_subscriptions_per_client: MAX_SUBSCRIPTIONS_PER_CLIENT,
            max_subscriptions_per_user: MAX_SUBSCRIPTIONS_PER_USER,
        }
    }
}

/// Cost limits, in milliseconds of work of the databases and of this process. 0 sets no limit.
#[derive(Args, Clone, Debug)]
pub struct CostSettings {
    /// The maximum estimated cost of one operation of a signed-in user, in milliseconds. A more expensive one is
    /// rejected before it runs. 0: no limit.
    #[arg(long, env = "LYCEUM_COST_LIMIT", value_name = "MILLISECONDS", default_value_t = COST_LIMIT)]
    pub cost_limit: u32,

    /// The maximum estimated cost of one operation of an anonymous client, in milliseconds. 0: no limit.
    #[arg(long, env = "LYCEUM_ANONYMOUS_COST_LIMIT", value_name = "MILLISECONDS", default_value_t = ANONYMOUS_COST_LIMIT)]
    pub anonymous_cost_limit: u32,

    /// The cost budget of one user for a minute, in milliseconds. Once it is used up, operations are rejected with the
    /// time to retry. 0: no limit.
    #[arg(long, env = "LYCEUM_COST_BUDGET", value_name = "MILLISECONDS", default_value_t = COST_BUDGET)]
    pub cost_budget: u32,

    /// The cost budget of all anonymous clients of one network address (of IPv6, the first 48 bits) for a minute, in
    /// milliseconds. 0: no limit.
    #[arg(long, env = "LYCEUM_ANONYMOUS_COST_BUDGET", value_name = "MILLISECONDS", default_value_t = ANONYMOUS_COST_BUDGET)]
    pub anonymous_cost_budget: u32,

    /// The URL of a Valkey or Redis server for budgets that routers share: `redis://user:password@host:6379/0`, or
    /// `rediss://…` for TLS. Without it, and while the server is unavailable, each router has its own budgets, in
    /// memory.
    // Any text is a secret, so that no message about a wrong URL repeats its password.
    #[arg(long, env = "LYCEUM_COST_BUDGET_URL", hide_env_values = true, value_name = "URL")]
    pub cost_budget_url: Option<Secret>,
}

/// Limits of the documents that clients send.
#[derive(Args, Clone, Debug)]
pub struct DocumentSettings {
    /// The maximum size of a document that a client sends, in bytes. It does not apply to the documents of
    /// `--safelist`.
    #[arg(long, env = "LYCEUM_MAX_DOCUMENT_BYTES", value_name = "BYTES", default_value_t = MAX_DOCUMENT_BYTES)]
    pub max_document_bytes: usize,

    /// The memory for automatic persisted queries (Apollo's protocol), in bytes: documents that clients may send by
    /// their hash. 0: none, and clients send their documents. A router with `--safelist` has none.
    #[arg(long, env = "LYCEUM_PERSISTED_QUERY_BYTES", value_name = "BYTES", default_value_t = PERSISTED_QUERY_BYTES)]
    pub persisted_query_bytes: usize,

    /// The URL of a Valkey or Redis server for persisted queries that routers share:
    /// `redis://user:password@host:6379/0`, or `rediss://…` for TLS. Without it, and while the server is unavailable,
    /// each router has its own, in memory.
    // Any text is a secret, so that no message about a wrong URL repeats its password.
    #[arg(long, env = "LYCEUM_PERSISTED_QUERY_URL", hide_env_values = true, value_name = "URL")]
    pub persisted_query_url: Option<Secret>,
}

/// Counting what clients use of the graph.
#[derive(Args, Clone)]
pub struct UsageSettings {
    /// The directory where the router writes which clients use which fields, arguments and enum values of the graph: a
    /// file a day, names only, never values. `lyceum-schema check --traffic` and `lyceum-schema usage` read it. Without
    /// it nothing is counted.
    #[arg(long, env = "LYCEUM_USAGE_DIRECTORY", value_name = "DIRECTORY")]
    pub usage_directory: Option<PathBuf>,

    /// For how many days these files are kept.
    #[arg(long, env = "LYCEUM_USAGE_DAYS", value_name = "DAYS", default_value_t = USAGE_DAYS)]
    pub usage_days: u32,
}

const USAGE_DAYS: u32 = 90;

impl Default for UsageSettings {
    fn default() -> Self {
        Self { usage_directory: None, usage_days: USAGE_DAYS }
    }
}

const MAX_DOCUMENT_BYTES: usize = 32 * 1024;
const PERSISTED_QUERY_BYTES: usize = 16 * 1024 * 1024;

impl Default for DocumentSettings {
    fn default() -> Self {
        Self {
            max_document_bytes: MAX_DOCUMENT_BYTES,
            persisted_query_bytes: PERSISTED_QUERY_BYTES,
            persisted_query_url: None,
        }
    }
}

const COST_LIMIT: u32 = 4_000;
const ANONYMOUS_COST_LIMIT: u32 = 2_000;
const COST_BUDGET: u32 = 60_000;
const ANONYMOUS_COST_BUDGET: u32 = 30_000;

impl Default for CostSettings {
    fn default() -> Self {
        Self {
            cost_limit: COST_LIMIT,
            anonymous_cost_limit: ANONYMOUS_COST_LIMIT,
            cost_budget: COST_BUDGET,
            anonymous_cost_budget: ANONYMOUS_COST_BUDGET,
            cost_budget_url: None,
        }
    }
}

/// Limits of responses.
#[derive(Args, Clone, Copy, Debug)]
pub struct ResponseSettings {
    /// The maximum size of the router's response before compression, in bytes, and of all the subgraphs' responses that
    /// it is made of. A larger one fails with `RESPONSE_TOO_LARGE`.
    #[arg(long, env = "LYCEUM_MAX_RESPONSE_BYTES", value_name = "BYTES", default_value_t = MAX_RESPONSE_BYTES)]
    pub max_response_bytes: usize,
}

const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

impl Default for ResponseSettings {
    fn default() -> Self {
        Self { max_response_bytes: MAX_RESPONSE_BYTES }
    }
}

/// Timeouts of live connections.
#[derive(Clone, Copy, Debug)]
pub struct LiveTimeouts {
    /// Timeout for the first message of a WebSocket's client.
    pub initialisation: Duration,
    /// Interval between pings to the client.
    pub ping: Duration,
    /// Idle timeout after which a client is considered gone.
    pub client: Duration,
    /// Idle timeout of a subgraph, which sends a heartbeat every 10 seconds. The client must get an error: the
    /// heartbeats that it receives are the router's own.
    pub subgraph: Duration,
}

impl Default for LiveTimeouts {
    fn default() -> Self {
        Self {
            initialisation: Duration::from_secs(10),
            ping: Duration::from_secs(15),
            client: Duration::from_secs(40),
            subgraph: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// The secrets that sign requests to subgraphs; `None` only with `--insecure-dev`.
    pub(crate) fn require_secrets(&self) -> Result<Option<Secrets>, SecretError> {
        match self.secret.secrets()? {
            None if !self.insecure_dev => Err(SecretError::Missing),
            secrets => Ok(secrets),
        }
    }
}

/// The address of one subgraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubgraphUrl {
    /// The subgraph's name in the supergraph.
    pub name: String,
    /// The subgraph's GraphQL endpoint.
    pub url: String,
}

impl FromStr for SubgraphUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, url) = text.split_once('=').context("expected NAME=URL")?;
        Ok(Self { name: name.trim().to_owned(), url: url.trim().to_owned() })
    }
}

/// A sample user of the seeded data, for the playground's "Sign in as…".
#[derive(Clone, Debug, Serialize)]
pub struct SampleSignIn {
    /// The label in the playground, for example "Student".
    pub label: String,
    /// The email address to sign in with.
    pub email: String,
    /// The seeded password.
    pub password: String,
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        for origin in ["https://app.example.com", "http://localhost:5173", "http://[::1]:3000", " https://a.example "] {
            assert!(origin.parse::<Origin>().is_ok(), "{origin}");
        }
        for wrong in [
            "*",
            "null",
            "app.example.com",
            "https://app.example.com/",
            "https://app.example.com/shop",
            "https://app.example.com:443",
            "https://App.example.com",
            "https://user@app.example.com",
            "ws://app.example.com",
            "",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
