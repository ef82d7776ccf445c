//! Rewrites responses, whole or streamed: restores what [`super::documents`] has changed for hive-router, and removes
//! errors that hive-router should not have added.

use std::{
    error::Error,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use hive_router::ntex::{
    http::{
        body::{Body, BodySize, MessageBody, ResponseBody},
        header::CONTENT_LENGTH,
    },
    util::Bytes,
    web::WebResponse,
};

use super::{errors_below_null::ClientOperation, response_keys::ResponseKeys};
use crate::node_fields::RequestedNodes;

/// The client's request that a response belongs to.
pub struct ClientRequest {
    pub operation: ClientOperation,
    pub response_keys: Option<Arc<ResponseKeys>>,
    pub nodes: Option<RequestedNodes>,
}

impl ClientRequest {
    /// The rewritten response; `None` if nothing changes, as in one that is not JSON.
    fn rewrite(&self, response: &str) -> Option<String> {
        let merged = self.nodes.as_ref().map(|nodes| nodes.merge(response));
        let keys = self.response_keys.as_ref();
        let restored = keys.map(|keys| keys.restore(merged.as_deref().unwrap_or(response))).or(merged);
        self.operation.without_errors_below_null(restored.as_deref().unwrap_or(response)).or(restored)
    }

    /// Rewrites a chunk of a stream: lines that are JSON, or the data of server-sent events.
    fn rewrite_lines(&self, piece: &str) -> String {
        piece.split_inclusive('\n').map(|line| self.rewrite_line(line).unwrap_or_else(|| line.to_owned())).collect()
    }

    fn rewrite_line(&self, line: &str) -> Option<String> {
        let start = line.find('{')?;
        let before = line[..start].trim_end_matches(' ');
        if !before.trim_start_matches("data:").is_empty() {
            return None;
        }
        let end = line.trim_end().len();
        let rewritten = self.rewrite(&line[start..end])?;
        Some([&line[..start], &rewritten, &line[end..]].concat())
    }
}

/// Rewrites the response for its client.
pub fn rewrite(response: WebResponse, request: Arc<ClientRequest>) -> WebResponse {
    response.map_body(|head, body| match body {
        ResponseBody::Body(Body::Bytes(bytes)) | ResponseBody::Other(Body::Bytes(bytes)) => {
            let rewritten = str::from_utf8(&bytes).ok().and_then(|text| request.rewrite(text));
            if rewritten.is_some() {
                head.headers_mut().remove(CONTENT_LENGTH);
            }
            ResponseBody::Body(Body::Bytes(rewritten.map_or(bytes, Bytes::from)))
        }
        body => ResponseBody::Other(Body::from_message(RewrittenBody { body, request })),
    })
}

/// The rewritten body of a stream.
struct RewrittenBody {
    body: ResponseBody<Body>,
    request: Arc<ClientRequest>,
}

impl MessageBody for RewrittenBody {
    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Rc<dyn Error>>>> {
        let chunk = self.body.poll_next_chunk(context);
        let rewrite = |bytes: Bytes| match str::from_utf8(&bytes) {
            Ok(text) => Bytes::from(self.request.rewrite_lines(text)),
            Err(_) => bytes,
        };
        chunk.map_ok(rewrite)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::documents::graph::Graph, *};

    #[test]
    fn events_of_all_forms_have_the_clients_keys() {
        let graph = Graph::new(include_str!("../../../api.graphql")).expect("the schema is valid");
        let document = graph.document("subscription { notificationAdded { id: title } }").expect("it is valid");
        let keys = ResponseKeys::of(&document, graph.field_names());
        let operation = ClientOperation { document, name: None };
        let request = ClientRequest { operation, response_keys: Some(Arc::new(keys)), nodes: None };
        let event = r#"{"data":{"notificationAdded":{"alias0_id":"a: {b}"}}}"#;
        let right = r#"{"data":{"notificationAdded":{"id":"a: {b}"}}}"#;

        for (before, after) in [
            ("event: next\ndata: ", "\n\n"),
            ("\r\n--graphql\r\nContent-Type: application/json\r\n\r\n{\"payload\":", "}\r\n--graphql"),
            ("---\r\nContent-Type: application/json\r\n\r\n", "\r\n"),
        ] {
            assert_eq!(request.rewrite_lines(&format!("{before}{event}{after}")), format!("{before}{right}{after}"));
        }
        assert_eq!(request.rewrite_lines(":\n\n"), ":\n\n");
    }
}
