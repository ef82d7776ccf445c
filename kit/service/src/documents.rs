//! A cache of parsed documents: a router's query plans repeat, and so do its requests.

use std::sync::Arc;

use async_graphql::{
    Request,
    parser::{parse_query, types::ExecutableDocument},
};
use moka::sync::Cache;

/// The maximum memory of cached documents.
const MAX_CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// The memory per byte of text: a name of four letters is a selection of 200 bytes.
const PARSED_BYTES_PER_BYTE: usize = 50;

/// The cache, shared by its clones.
#[derive(Clone)]
pub(crate) struct Documents(Cache<String, Arc<ExecutableDocument>>);

impl Default for Documents {
    fn default() -> Self {
        let weigh = |text: &String, _: &Arc<ExecutableDocument>| {
            u32::try_from(PARSED_BYTES_PER_BYTE * text.len()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weigh).max_capacity(MAX_CACHE_BYTES).build())
    }
}

impl Documents {
    /// Sets the request's parsed document. A document that does not parse is left to fail at execution.
    pub(crate) fn parse(&self, request: &mut Request) {
        let document = self.0.get(&request.query).or_else(|| {
            let parsed = Arc::new(parse_query(&request.query).ok()?);
            self.0.insert(request.query.clone(), Arc::clone(&parsed));
            Some(parsed)
        });
        if let Some(document) = document {
            request.set_parsed_query(document.as_ref().clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_again_is_not_parsed_again() {
        let documents = Documents::default();
        for _ in 0..2 {
            let mut request = Request::new("{ a b }");
            documents.parse(&mut request);
            assert!(request.parsed_query().is_ok());
        }
        documents.0.run_pending_tasks();

        assert_eq!(documents.0.entry_count(), 1);
    }

    #[test]
    fn what_does_not_parse_is_left_alone() {
        let documents = Documents::default();
        let mut request = Request::new("{ a");
        documents.parse(&mut request);
        documents.0.run_pending_tasks();

        assert!(request.parsed_query().is_err());
        assert_eq!(documents.0.entry_count(), 0);
    }
}
