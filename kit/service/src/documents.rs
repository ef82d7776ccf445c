//! Documents that have been parsed before: a router's plans repeat, so what it asks does.

use std::sync::Arc;

use async_graphql::{
    Request,
    parser::{parse_query, types::ExecutableDocument},
};
use moka::sync::Cache;

/// Of those that are kept, as they are in memory.
const MAX_CACHE_BYTES: u64 = 16 * 1024 * 1024;
/// What a byte of the text becomes: a name of four letters is a selection of 200 bytes.
const PARSED_BYTES_PER_BYTE: usize = 50;

/// Clones share what they know.
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
    /// Gives the request its document. One that does not parse is left to be complained of when it is run.
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
