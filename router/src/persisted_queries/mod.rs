//! Automatic persisted queries, in Apollo's protocol: a client sends its document once, with the document's SHA-256
//! hash, and from then on the hash alone.
//!
//! A document is stored when its operation has passed validation and the cost limit; whoever sends its hash is checked
//! like anybody who sends the text. A client that sends many documents cannot evict those of others: each network
//! address has a share of the store, and a full store admits a document only in place of one that is requested less.
//! Routers may also share their documents in a Valkey, where a router looks for those that it does not have.

mod limits;
mod shared;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use auth::secret::Secret;
use hive_router::plugins::hooks::on_graphql_params::GraphQLParams;
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use sonic_rs::{JsonValueTrait as _, Value};

use self::{
    limits::{ENTRY_BYTES, Limits, SHARE_PERIOD},
    shared::{Hash, SharedDocuments},
};
use crate::{
    DocumentSettings,
    hive_gaps::request_errors::{RequestErrors, request_error},
    valkey,
};

/// The protocol's name in `extensions`.
const EXTENSION: &str = "persistedQuery";
const VERSION: u64 = 1;
/// The maximum of tracked network addresses. An evicted one starts anew.
const MAX_NETWORKS: u64 = 10_000;

/// The stored documents of one router.
#[derive(Clone)]
pub struct PersistedQueries(Option<Store>);

#[derive(Clone)]
struct Store {
    documents: Cache<Hash, Arc<str>>,
    /// The bytes that network addresses have stored recently.
    used: Cache<Option<IpAddr>, Arc<AtomicU64>>,
    limits: Limits,
    shared: Option<Arc<SharedDocuments>>,
}

/// How a request refers to its document.
#[derive(Clone, Debug)]
pub enum Reference {
    /// By its text alone.
    Text,
    /// By its text and the text's hash, under which it is to be stored.
    New(Hash),
    /// By its hash alone, which is that of a stored text.
    Found(Hash, Arc<str>),
    /// By its hash alone, and there is no such text.
    Missing(RequestErrors),
    /// By a hash that is none, or that of another text.
    Invalid(RequestErrors),
}

impl PersistedQueries {
    /// A store of up to this size; 0 for none. With a Valkey, it has to be called within the runtime that drives the
    /// connection.
    pub fn new(max_bytes: usize, valkey: Option<redis::Client>) -> Self {
        Self((max_bytes > 0).then(|| Store::new(Limits::new(max_bytes as u64), valkey)))
    }

    /// How a request refers to its document, which is `text` where it has any.
    pub fn reference(&self, params: &GraphQLParams, text: Option<&str>) -> Reference {
        let query = params.extensions.as_ref().and_then(|extensions| extensions.get(EXTENSION));
        let Some(query) = query.filter(|query| !query.is_null()) else { return Reference::Text };
        let text = text.filter(|text| !text.is_empty());
        let Some(store) = &self.0 else {
            return if text.is_some() { Reference::Text } else { Reference::Missing(not_supported()) };
        };
        let hash = match hash_of(query) {
            Ok(hash) => hash,
            Err(message) => return Reference::Invalid(vec![request_error(message, "BAD_USER_INPUT")]),
        };
        match text {
            Some(text) if <Hash>::from(Sha256::digest(text)) == hash => Reference::New(hash),
            Some(_) => Reference::Invalid(vec![request_error(OTHER_TEXT, "BAD_USER_INPUT")]),
            None => match store.documents.get(&hash) {
                Some(text) => Reference::Found(hash, text),
                None => Reference::Missing(not_found()),
            },
        }
    }

    /// The reference of a request by its hash alone, if another router has stored its document.
    pub async fn fetch(&self, params: &GraphQLParams) -> Option<Reference> {
        let shared = self.0.as_ref()?.shared.as_ref()?;
        let hash = hash_of(params.extensions.as_ref()?.get(EXTENSION)?).ok()?;
        Some(Reference::Found(hash, shared.find(hash).await?))
    }

    /// Stores a document that this network address may run, unless its share is used up. Whether it is stored now.
    pub fn store(&self, hash: Hash, text: &str, network: Option<IpAddr>) -> bool {
        let Some(store) = &self.0 else { return false };
        let stored = store.insert(hash, text, network);
        let is_stored = stored.is_some();
        if let (Some(text), Some(shared)) = (stored, &store.shared) {
            shared.store(hash, text, network);
        }
        is_stored
    }

    /// Stores a document that was found, and may come from another router, like [`Self::store`].
    pub fn keep(&self, hash: Hash, text: &Arc<str>, network: Option<IpAddr>) {
        if let Some(store) = &self.0 {
            store.insert(hash, Arc::clone(text), network);
        }
    }
}

/// The client of the Valkey where routers share documents, if they do.
///
/// # Errors
/// If the setting is not a Valkey or Redis URL, or requires TLS without verification.
pub fn valkey_client(settings: &DocumentSettings) -> anyhow::Result<Option<redis::Client>> {
    let url = settings.persisted_query_url.as_ref().map(Secret::reveal).filter(|url| !url.is_empty());
    url.map(|url| valkey::client(url, "LYCEUM_PERSISTED_QUERY_URL (`--persisted-query-url`)")).transpose()
}

impl Store {
    fn new(limits: Limits, valkey: Option<redis::Client>) -> Self {
        let documents = Cache::builder().weigher(|_, text: &Arc<str>| weight(text)).max_capacity(limits.total).build();
        let used = Cache::builder().max_capacity(MAX_NETWORKS).time_to_live(SHARE_PERIOD).build();
        let shared = valkey.map(|client| Arc::new(SharedDocuments::connect(client, limits)));
        Self { documents, used, limits, shared }
    }

    /// The document, if it is new and within the share of this network address.
    fn insert(&self, hash: Hash, text: impl AsRef<str> + Into<Arc<str>>, network: Option<IpAddr>) -> Option<Arc<str>> {
        if self.documents.contains_key(&hash) || !self.charge(network, weight(text.as_ref()).into()) {
            return None;
        }
        let text = text.into();
        self.documents.insert(hash, Arc::clone(&text));
        Some(text)
    }

    /// Whether the share of this network address has room for so many bytes, which it then has no more.
    fn charge(&self, network: Option<IpAddr>, bytes: u64) -> bool {
        let used = self.used.get_with(network, Arc::default);
        let total = |used: u64| used.checked_add(bytes).filter(|total| *total <= self.limits.share);
        used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, total).is_ok()
    }
}

fn weight(text: &str) -> u32 {
    u32::try_from(text.len() + ENTRY_BYTES).unwrap_or(u32::MAX)
}

const OTHER_TEXT: &str = "`extensions.persistedQuery.sha256Hash` is not the SHA-256 hash of `query`.";

// Clients compare these messages and codes.
fn not_found() -> RequestErrors {
    vec![request_error("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")]
}

fn not_supported() -> RequestErrors {
    vec![request_error("PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED")]
}

fn hash_of(query: &Value) -> Result<Hash, &'static str> {
    if query.get("version").as_u64() != Some(VERSION) {
        return Err("`extensions.persistedQuery.version` must be 1.");
    }
    let hash = query.get("sha256Hash").as_str().and_then(parse);
    hash.ok_or("`extensions.persistedQuery.sha256Hash` must be a SHA-256 hash: 64 hexadecimal digits.")
}

fn parse(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use serde_json::json;

    use super::{limits::SHARES, *};

    const MAX_BYTES: usize = 1_000_000;

    fn hash(text: &str) -> Hash {
        Sha256::digest(text).into()
    }

    fn hexadecimal(text: &str) -> String {
        hex::encode(hash(text))
    }

    fn request(query: &serde_json::Value) -> GraphQLParams {
        sonic_rs::from_str(&json!({ "extensions": { EXTENSION: query } }).to_string()).expect("a request")
    }

    fn by_hash(text: &str) -> GraphQLParams {
        request(&json!({ "version": 1, "sha256Hash": hexadecimal(text) }))
    }

    fn network(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    fn is_found(queries: &PersistedQueries, text: &str) -> bool {
        matches!(queries.reference(&by_hash(text), None), Reference::Found(_, found) if *found == *text)
    }

    fn settle(queries: &PersistedQueries) -> (u64, u64) {
        let documents = &queries.0.as_ref().expect("it stores").documents;
        documents.run_pending_tasks();
        (documents.entry_count(), documents.weighted_size())
    }

    #[test]
    fn a_document_is_found_by_its_hash_once_it_is_stored() {
        let queries = PersistedQueries::new(MAX_BYTES, None);

        assert!(
            matches!(queries.reference(&by_hash("{ a }"), Some("{ a }")), Reference::New(it) if it == hash("{ a }"))
        );
        assert!(!is_found(&queries, "{ a }"), "the operation has not passed yet");
        assert!(queries.store(hash("{ a }"), "{ a }", Some(network(1))));
        assert!(is_found(&queries, "{ a }"));
        assert!(!queries.store(hash("{ a }"), "{ a }", Some(network(1))), "it is stored already");
        assert!(matches!(queries.reference(&by_hash("{ a }"), Some("")), Reference::Found(..)), "as over a WebSocket");
        let upper = request(&json!({ "version": 1, "sha256Hash": hexadecimal("{ a }").to_uppercase() }));
        assert!(matches!(queries.reference(&upper, None), Reference::Found(..)));
    }

    #[test]
    fn a_hash_that_does_not_fit_is_an_error_that_names_it() {
        let queries = PersistedQueries::new(MAX_BYTES, None);
        let message = |params: &GraphQLParams, text| match queries.reference(params, text) {
            Reference::Invalid(errors) => errors[0].message.clone(),
            other => panic!("{other:?}"),
        };

        assert_eq!(message(&by_hash("{ a }"), Some("{ b }")), OTHER_TEXT);
        let valid = hexadecimal("{ a }");
        for hash in [json!("0000"), json!("+".repeat(64)), json!("g".repeat(64)), json!(format!("{valid}0")), json!(1)]
        {
            let params = request(&json!({ "version": 1, "sha256Hash": hash }));
            assert!(message(&params, None).contains("sha256Hash"), "{hash}");
        }
        for query in [json!({ "sha256Hash": &valid }), json!({ "version": 2, "sha256Hash": &valid }), json!(1)] {
            assert!(message(&request(&query), Some("{ a }")).contains("version"), "{query}");
        }
        assert!(matches!(queries.reference(&request(&json!(null)), Some("{ a }")), Reference::Text));
    }

    #[test]
    fn without_a_store_a_client_learns_that_it_has_to_send_the_text() {
        let queries = PersistedQueries::new(0, None);

        let Reference::Missing(errors) = queries.reference(&by_hash("{ a }"), None) else {
            panic!("there is no store")
        };
        assert_eq!(errors[0].message, "PersistedQueryNotSupported");
        assert!(matches!(queries.reference(&by_hash("{ a }"), Some("{ a }")), Reference::Text));
        assert!(!queries.store(hash("{ a }"), "{ a }", None));
    }

    #[test]
    fn one_client_fills_its_share_and_no_more() {
        let queries = PersistedQueries::new(MAX_BYTES, None);
        let mut stored = 0;
        for number in 0..1_000_000_u32 {
            let mut hash = Hash::default();
            hash[..4].copy_from_slice(&number.to_be_bytes());
            stored += u64::from(queries.store(hash, "{ a }", Some(network(1))));
        }

        let (entries, bytes) = settle(&queries);
        assert_eq!(entries, stored);
        assert!(bytes <= MAX_BYTES as u64 / SHARES && bytes > MAX_BYTES as u64 / SHARES - 2_048, "{bytes}");
        assert!(queries.store(hash("{ b }"), "{ b }", Some(network(2))), "another client has its own share");
    }

    #[test]
    fn a_document_of_another_router_counts_for_the_client_that_asks_for_it() {
        let queries = PersistedQueries::new(MAX_BYTES, None);
        let share = Limits::new(MAX_BYTES as u64).share;
        for number in 0..2 * share / ENTRY_BYTES as u64 {
            let text: Arc<str> = format!("{{ a{number} }}").into();
            queries.keep(hash(&text), &text, Some(network(1)));
        }

        let (_, bytes) = settle(&queries);
        assert!(bytes <= share && bytes > share - 2_048, "{bytes}");
        queries.keep(hash("{ b }"), &"{ b }".into(), Some(network(2)));
        assert!(is_found(&queries, "{ b }"));
    }

    #[test]
    fn a_flood_from_everywhere_evicts_nothing_that_is_used() {
        let queries = PersistedQueries::new(MAX_BYTES, None);
        let used: Vec<_> = (0..50).map(|number| format!("{{ used{number} }}")).collect();
        for text in &used {
            assert!(queries.store(hash(text), text, Some(network(1))));
        }
        for number in 0..20_000_u32 {
            let text = format!("{{ flood{number} }}");
            queries.store(hash(&text), &text, Some(network(1_000 + number)));
            assert!(is_found(&queries, &used[number as usize % used.len()]), "after {number} others");
        }

        let (_, bytes) = settle(&queries);
        assert!(bytes <= MAX_BYTES as u64, "{bytes}");
        assert!(used.iter().all(|text| is_found(&queries, text)));
    }
}
