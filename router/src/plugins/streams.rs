//! What live connections need beside what all requests need: no two share one upstream, since the later
//! one would miss what the earlier one has had; and events come as fast as the client takes them
//! ([`crate::relay`]).

use std::{
    error::Error,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use graphql_tools::static_graphql::query::{Definition, Document, OperationDefinition};
use hive_router::{
    async_trait,
    http::{HeaderValue, header::ACCEPT},
    ntex::{
        http::{
            HeaderMap,
            body::{Body, BodySize, MessageBody, ResponseBody},
        },
        util::Bytes,
    },
    plugins::{
        hooks::{
            on_graphql_validation::{OnGraphQLValidationStartHookPayload, OnGraphQLValidationStartHookResult},
            on_http_request::{OnHttpRequestHookFuture, OnHttpRequestHookPayload},
            on_plugin_init::{OnPluginInitPayload, OnPluginInitResult},
            on_subgraph_execute::{OnSubgraphExecuteStartHookPayload, OnSubgraphExecuteStartHookResult},
        },
        plugin_trait::{EndHookPayload, RouterPlugin, StartHookPayload},
    },
};

use super::handed_over;
use crate::relay::{self, ClientStream, KEY, STREAM};

pub struct Streams {
    open: relay::Streams,
}

#[async_trait]
impl RouterPlugin for Streams {
    type Config = handed_over::Config;

    fn plugin_name() -> &'static str {
        "streams"
    }

    fn on_plugin_init(payload: OnPluginInitPayload<Self>) -> OnPluginInitResult<Self> {
        let parts = payload.config()?.parts().ok_or("no relay was handed over")?;
        payload.initialize_plugin(Self { open: parts.streams })
    }

    fn on_http_request<'req>(&'req self, mut payload: OnHttpRequestHookPayload<'req>) -> OnHttpRequestHookFuture<'req> {
        Box::pin(async move {
            let headers = payload.router_http_request.headers_mut();
            headers.remove(STREAM);
            if !may_be_streamed(headers) {
                return payload.proceed();
            }
            let stream = self.open.open();
            headers.insert(STREAM, HeaderValue::from(stream.id()).into());
            payload.on_end(|payload| {
                let counted = |body| ResponseBody::Other(Body::from_message(Counted { body, stream }));
                payload.map_response(|response| response.map_body(|_, body| counted(body))).proceed()
            })
        })
    }

    async fn on_graphql_validation<'exec>(
        &'exec self,
        payload: OnGraphQLValidationStartHookPayload<'exec>,
    ) -> OnGraphQLValidationStartHookResult<'exec> {
        if has_subscription(&payload.document) {
            payload.add_inbound_dedupe_partition(rand::random());
        }
        payload.proceed()
    }

    // hive-router asks for subscriptions without this hook, so who comes here does not need the relay.
    async fn on_subgraph_execute<'exec>(
        &'exec self,
        mut payload: OnSubgraphExecuteStartHookPayload<'exec>,
    ) -> OnSubgraphExecuteStartHookResult<'exec> {
        for name in [KEY, STREAM] {
            payload.execution_request.headers.remove(name);
        }
        payload.proceed()
    }
}

fn may_be_streamed(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).map(str::trim).any(|one| {
        let one = one.to_ascii_lowercase();
        one.starts_with("text/event-stream") || one.starts_with("multipart/")
    })
}

fn has_subscription(document: &Document) -> bool {
    let is_subscription = |one: &Definition| matches!(one, Definition::Operation(OperationDefinition::Subscription(_)));
    document.definitions.iter().any(is_subscription)
}

/// A body that says when the client has taken a piece of it.
struct Counted {
    body: ResponseBody<Body>,
    stream: Arc<ClientStream>,
}

impl MessageBody for Counted {
    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Rc<dyn Error>>>> {
        let chunk = self.body.poll_next_chunk(cx);
        if matches!(&chunk, Poll::Ready(Some(Ok(bytes))) if !bytes.starts_with(b":")) {
            self.stream.take();
        }
        chunk
    }
}
