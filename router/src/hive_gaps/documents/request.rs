//! A request as received: hive-router may be able to parse one that fails here, and the other way round.

use std::collections::HashMap;

use hive_router::{
    http::Method,
    ntex::{util::Bytes, web::types::Query},
    plugins::hooks::on_graphql_params::{GraphQLParams, OnGraphQLParamsStartHookPayload},
};
use serde::Deserialize;
use sonic_rs::Value;

use super::graph::{Graph, Rewritten};
use crate::persisted_queries::{PersistedQueries, Reference};

/// A request with the text of its document.
pub struct DocumentRequest {
    /// Empty if it refers to a text that is not known.
    pub text: String,
    pub reference: Reference,
    pub name: Option<String>,
    pub params: GraphQLParams,
}

/// The request is not JSON, or its URL has no valid parameters.
pub struct Unreadable;

/// The source of a request's operation.
pub enum Source {
    Body(Bytes),
    QueryString(String),
}

/// The parameters of a query string.
#[derive(Deserialize)]
struct QueryParams {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<String>,
    extensions: Option<String>,
}

impl Source {
    pub fn of(payload: &OnGraphQLParamsStartHookPayload<'_>) -> Self {
        let request = payload.router_http_request;
        match (request.method, request.uri.query()) {
            (&Method::GET, Some(query)) => Self::QueryString(query.to_owned()),
            _ => Self::Body(payload.body.clone()),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Body(body) => body.len(),
            Self::QueryString(query) => query.len(),
        }
    }

    /// `None` without a document. One that is missing here may have been `fetched`.
    pub fn read(
        &self,
        persisted: &PersistedQueries,
        fetched: Option<&Reference>,
    ) -> Result<Option<DocumentRequest>, Unreadable> {
        self.params().map(|params| DocumentRequest::of(params, persisted, fetched)).ok_or(Unreadable)
    }

    fn params(&self) -> Option<GraphQLParams> {
        match self {
            Self::Body(body) => sonic_rs::from_slice(body).ok(),
            Self::QueryString(query) => {
                let Query(params) = Query::<QueryParams>::from_query(query).ok()?;
                let QueryParams { query, operation_name, variables, extensions } = params;
                let variables = entries(variables).ok()?.unwrap_or_default();
                Some(GraphQLParams { query, operation_name, variables, extensions: entries(extensions).ok()? })
            }
        }
    }
}

impl DocumentRequest {
    /// None without a document.
    fn of(mut params: GraphQLParams, persisted: &PersistedQueries, fetched: Option<&Reference>) -> Option<Self> {
        let sent = params.query.take();
        let reference = match (persisted.reference(&params, sent.as_deref()), fetched) {
            (Reference::Missing(_), Some(fetched)) => fetched.clone(),
            (reference, _) => reference,
        };
        let text = match &reference {
            Reference::Text => sent?,
            Reference::Found(_, text) => text.as_ref().to_owned(),
            Reference::New(_) | Reference::Missing(_) | Reference::Invalid(_) => sent.unwrap_or_default(),
        };
        let name = operation_name(&mut params);
        Some(Self { text, reference, name, params })
    }

    /// The cached rewrite of its operation, if there is one; the errors if its document cannot be known.
    pub fn cached(&self, graph: &Graph) -> Option<Rewritten> {
        match &self.reference {
            Reference::Missing(errors) | Reference::Invalid(errors) => Some(Err(errors.clone())),
            _ => graph.cached(&self.text, self.name.as_deref(), &self.params),
        }
    }

    /// Whether hive-router has parsed the same request.
    pub fn is_same(&self, text: &str, name: Option<&str>, params: &GraphQLParams) -> bool {
        self.text == text && self.name.as_deref() == name && are_same_values(&self.params.variables, &params.variables)
    }
}

/// A parameter's JSON object, if it has one.
fn entries(text: Option<String>) -> Result<Option<HashMap<String, Value>>, sonic_rs::Error> {
    text.filter(|text| !text.is_empty()).map_or(Ok(None), |text| sonic_rs::from_str(&text))
}

/// Clients with a form send an empty name for none.
pub fn operation_name(params: &mut GraphQLParams) -> Option<String> {
    params.operation_name.take().filter(|name| !name.is_empty())
}

/// Whether the values have the same text. Comparing values takes exponential time with duplicate names.
fn are_same_values(values: &HashMap<String, Value>, others: &HashMap<String, Value>) -> bool {
    let is_same = |(name, value): (&String, &Value)| {
        others.get(name).is_some_and(|other| sonic_rs::to_string(value).ok() == sonic_rs::to_string(other).ok())
    };
    values.len() == others.len() && values.iter().all(is_same)
}
