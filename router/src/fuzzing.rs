//! Invariants that must hold for any bytes that a client sends. `fuzz/` tries random ones, the tests below its corpus.

use std::{str, sync::LazyLock};

use apollo_compiler::{
    ExecutableDocument, Schema,
    ast::{self, Definition, FragmentDefinition, Selection},
    parser::Parser,
    validation::Valid,
};
use hive_router::{
    ntex::{
        codec::Decoder as _,
        util::{Bytes, BytesMut},
        web::ws::Frame,
        ws::{Codec, Item},
    },
    plugins::hooks::on_graphql_params::GraphQLParams,
    query_planner::{state::supergraph_state::SupergraphState, utils::parsing::safe_parse_schema},
};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};
use sonic_rs::JsonContainerTrait as _;

use crate::{
    client_messages::{ClientMessage, MAX_MESSAGE_BYTES, MessageBuffer, ProtocolError, Received},
    hive_gaps::{
        documents::{
            graph::{Graph, MAX_REWRITTEN_BYTES, RouterOperation},
            parser::{MAX_LEXED_TOKENS, MAX_PARSER_DEPTH, parse},
            rewriter::{DocumentLimits, Rewriter},
        },
        fragment_expansion::{self, ExpandedSize, INTROSPECTION_LISTS, MAX_DEPTH, MAX_SELECTIONS},
        json_depth_limit::{self, depth, parameters},
        variable_names,
    },
};

const MAX_DOCUMENT_BYTES: usize = 32_768;
/// The limit at which the naive expander stops.
const MAX_EXPANDED: usize = 4 * MAX_SELECTIONS;

static GRAPH: LazyLock<(Rewriter, Graph)> = LazyLock::new(|| {
    let supergraph = safe_parse_schema(include_str!("../../supergraph.graphql")).expect("it is a schema");
    let graph = Graph::new(include_str!("../../api.graphql")).expect("it is valid");
    let graph = graph.with_weights(&SupergraphState::new(&supergraph).into());
    (Rewriter::new(DocumentLimits { max_bytes: Some(MAX_DOCUMENT_BYTES), max_cost: None }), graph)
});

/// A document and, behind a NUL, its variables: hive-router gets an operation that is valid, within the limits, and
/// without fragments and conditions.
pub fn operation(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let (text, variables) = text.split_once('\0').unwrap_or((text, "{}"));
    if json_depth_limit::is_too_deep(variables.as_bytes()) {
        return;
    }
    let variables = sonic_rs::from_str(variables).unwrap_or_default();
    let params = GraphQLParams { variables, ..GraphQLParams::default() };
    let (rewriter, graph) = &*GRAPH;
    let names: Vec<_> = match graph.document(text) {
        Ok(document) => document.operations.named.keys().cloned().collect(),
        Err(errors) => {
            assert!(!errors.is_empty(), "no error says why");
            return;
        }
    };
    for name in [None].into_iter().chain(names.iter().take(3).map(|name| Some(name.as_str()))) {
        let Ok((_, rewritten)) = rewriter.operation(graph, text, name, &params) else { continue };
        assert!(text.len() <= MAX_DOCUMENT_BYTES);
        check_rewritten(graph, &rewritten, &params);
    }
}

fn check_rewritten(graph: &Graph, rewritten: &RouterOperation, params: &GraphQLParams) {
    let text = &rewritten.text;
    assert!(text.len() <= MAX_REWRITTEN_BYTES);
    let executable = validated(graph.schema(), text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let operation = executable.operations.get(None).expect("there is one operation");
    assert!(executable.fragments.is_empty(), "{text}");
    assert!(operation.variables.iter().all(|variable| variable.name != variable_names::RESERVED), "{text}");
    assert!(!text.contains("@include(if: $") && !text.contains("@skip(if: $") || text.contains('"'), "{text}");
    if let Some(name) = &rewritten.variable_name {
        assert!(operation.variables.iter().any(|variable| variable.name == *name), "{text}");
    }
    // Estimating must not panic.
    let _ = rewritten.cost.as_ref().map(|cost| cost.estimate(&params.variables));
}

fn validated(schema: &Valid<Schema>, text: &str) -> Result<Valid<ExecutableDocument>, String> {
    let document = parse(text).map_err(|errors| errors[0].message.clone())?;
    document.to_executable_validate(schema).map_err(|invalid| invalid.errors.to_string())
}

/// A document: its size is counted with all fragments expanded, and one above the limit is rejected.
pub fn fragment_expansion(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let mut parser = Parser::new().token_limit(MAX_LEXED_TOKENS).recursion_limit(MAX_PARSER_DEPTH);
    let Ok(document) = parser.parse_ast(text, "operation.graphql") else { return };
    let (counted, allowed) = (ExpandedSize::of(&document), fragment_expansion::check(&document).is_ok());

    let mut expander = Expander::of(&document);
    match expander.expand_operations(&document) {
        Ok(()) => {
            assert_eq!(counted, expander.size);
            assert!(!allowed || counted.selections <= MAX_SELECTIONS);
        }
        Err(ExpansionError::Large | ExpansionError::Deep | ExpansionError::Cycle | ExpansionError::DuplicateName) => {
            assert!(!allowed);
        }
    }
}

/// Expands all fragments, without caching any.
struct Expander<'a> {
    fragments: Vec<&'a FragmentDefinition>,
    within: Vec<&'a str>,
    size: ExpandedSize,
}

enum ExpansionError {
    Large,
    Deep,
    Cycle,
    /// Two fragments have the same name.
    DuplicateName,
}

impl<'a> Expander<'a> {
    fn of(document: &'a ast::Document) -> Self {
        let fragments = document.definitions.iter().filter_map(Definition::as_fragment_definition);
        Self { fragments: fragments.map(AsRef::as_ref).collect(), within: Vec::new(), size: ExpandedSize::default() }
    }

    fn expand_operations(&mut self, document: &'a ast::Document) -> Result<(), ExpansionError> {
        let mut operations = document.definitions.iter().filter_map(Definition::as_operation_definition);
        operations.try_for_each(|operation| self.expand(&operation.selection_set, 0, 0))
    }

    fn expand(&mut self, selections: &'a [Selection], depth: usize, lists: usize) -> Result<(), ExpansionError> {
        let depth = depth + 1;
        for selection in selections {
            self.size.selections += 1;
            self.size.depth = self.size.depth.max(depth);
            if self.size.selections > MAX_EXPANDED {
                return Err(ExpansionError::Large);
            }
            if depth > MAX_DEPTH {
                return Err(ExpansionError::Deep);
            }
            match selection {
                Selection::Field(field) => {
                    let lists = lists + usize::from(INTROSPECTION_LISTS.contains(&field.name.as_str()));
                    self.size.lists = self.size.lists.max(lists);
                    self.expand(field.selection_set.as_deref().unwrap_or(&[]), depth, lists)?;
                }
                Selection::InlineFragment(fragment) => self.expand(&fragment.selection_set, depth, lists)?,
                Selection::FragmentSpread(spread) => self.expand_fragment(&spread.fragment_name, depth, lists)?,
            }
        }
        Ok(())
    }

    fn expand_fragment(&mut self, name: &'a str, depth: usize, lists: usize) -> Result<(), ExpansionError> {
        if self.within.contains(&name) {
            return Err(ExpansionError::Cycle);
        }
        let mut named = self.fragments.iter().copied().filter(|fragment| fragment.name == name);
        let Some(fragment) = named.next() else { return Ok(()) };
        if named.next().is_some() {
            return Err(ExpansionError::DuplicateName);
        }
        self.within.push(name);
        self.expand(&fragment.selection_set, depth, lists)?;
        self.within.pop();
        Ok(())
    }
}

/// A body, or behind a `?` a URL's query string: our depth is the one that a parser finds, and a parser without a limit
/// can parse what passes.
pub fn nested_json(data: &[u8]) {
    match data.split_first() {
        Some((b'?', query)) => {
            let Ok(query) = str::from_utf8(query) else { return };
            if query.contains(|character: char| character.is_ascii_control() || character == '#') {
                return;
            }
            let found: Vec<Vec<u8>> = parameters(query).map(Iterator::collect).collect();
            let address = reqwest::Url::parse(&format!("http://localhost/?{query}"));
            for (_, value) in address.expect("an address").query_pairs().filter(|(name, _)| name != "query") {
                if serde_json::from_str::<Nested>(&value).is_ok_and(|value| value.0 > 0) {
                    // A `+` is a space there, which changes only strings.
                    let seen = |found: &Vec<u8>| depth(found.iter().copied()) == depth(value.bytes());
                    assert!(found.iter().any(seen), "{value}");
                }
            }
            for json in found {
                check_depth(&json);
            }
        }
        _ => check_depth(data),
    }
}

fn check_depth(json: &[u8]) {
    let is_too_deep = json_depth_limit::is_too_deep(json);
    if let Ok(Nested(nested)) = serde_json::from_slice(json) {
        assert_eq!(depth(json.iter().copied()), nested);
    }
    if !is_too_deep {
        let _ = sonic_rs::from_slice::<GraphQLParams>(json);
        if let Ok(value) = sonic_rs::from_slice::<sonic_rs::Value>(json) {
            assert!(levels(&value) <= json_depth_limit::MAX_DEPTH);
        }
    }
}

fn levels(value: &sonic_rs::Value) -> usize {
    if let Some(items) = value.as_array() {
        return 1 + items.iter().map(levels).max().unwrap_or_default();
    }
    let object = value.as_object();
    object.map_or(0, |object| 1 + object.iter().map(|(_, value)| levels(value)).max().unwrap_or_default())
}

/// The nesting depth of arrays and objects, as serde's parser sees it.
struct Nested(usize);

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(NestedVisitor).map(Self)
    }
}

struct NestedVisitor;

impl<'de> Visitor<'de> for NestedVisitor {
    type Value = usize;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_i64<E>(self, _: i64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_u64<E>(self, _: u64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_f64<E>(self, _: f64) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_str<E>(self, _: &str) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<usize, A::Error> {
        let mut most = 0;
        while let Some(Nested(item)) = items.next_element()? {
            most = most.max(item);
        }
        Ok(1 + most)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<usize, A::Error> {
        let mut most = 0;
        while let Some((_, Nested(value))) = entries.next_entry::<IgnoredAny, Nested>()? {
            most = most.max(value);
        }
        Ok(1 + most)
    }
}

/// Bytes of a connection: the buffer never exceeds the maximum message, and a message is the same however it is split.
pub fn websocket(data: &[u8]) {
    let (codec, mut bytes, mut buffer) = (Codec::new(), BytesMut::copy_from_slice(data), MessageBuffer::default());
    while let Ok(Some(frame)) = codec.decode(&mut bytes) {
        match buffer.receive(frame) {
            Ok(Received::Message(text)) => check_message(&text),
            Ok(Received::Nothing | Received::Ping(_)) => {}
            Ok(Received::Close(_)) | Err(_) => break,
        }
        assert!(buffer.len() <= MAX_MESSAGE_BYTES);
    }
    check_message(data);
    let (first, rest) = data.split_at(data.len() / 3);
    let (second, third) = rest.split_at(rest.len() / 2);
    let mut cut = MessageBuffer::default();
    for part in [Item::FirstText(copied(first)), Item::Continue(copied(second)), Item::Last(copied(third))] {
        match cut.receive(Frame::Continuation(part)) {
            Ok(Received::Nothing) => {}
            Ok(Received::Message(text)) => assert_eq!(text, data),
            other => assert!(data.len() > MAX_MESSAGE_BYTES, "{other:?}"),
        }
    }
}

fn copied(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// An accepted message is one of the protocol, and survives a round trip.
fn check_message(text: &[u8]) {
    match ClientMessage::parse(text) {
        Ok(message) => {
            assert!(depth(text.iter().copied()) <= json_depth_limit::MAX_DEPTH);
            let again = written(&message).to_string();
            assert_eq!(ClientMessage::parse(again.as_bytes()), Ok(message));
        }
        Err(ProtocolError { code, .. }) => assert_eq!(code, 4400),
    }
}

fn written(message: &ClientMessage) -> Value {
    match message {
        ClientMessage::ConnectionInit(None) => json!({ "type": "connection_init" }),
        ClientMessage::ConnectionInit(Some(payload)) => json!({ "type": "connection_init", "payload": payload }),
        ClientMessage::Ping => json!({ "type": "ping" }),
        ClientMessage::Pong => json!({ "type": "pong" }),
        ClientMessage::Subscribe { id, payload } => json!({ "type": "subscribe", "id": id, "payload": payload }),
        ClientMessage::Complete { id } => json!({ "type": "complete", "id": id }),
    }
}

#[cfg(test)]
mod tests {
    use subgraph_testing::corpus::for_each_input;

    #[test]
    fn what_hive_router_gets_of_a_document_is_plain_and_valid() {
        for_each_input("operation", super::operation);
    }

    #[test]
    fn a_document_counts_as_much_as_it_is_with_its_fragments_in_place() {
        for_each_input("fragment_expansion", super::fragment_expansion);
    }

    #[test]
    fn json_is_as_deep_as_a_parser_finds_it() {
        for_each_input("nested_json", super::nested_json);
    }

    #[test]
    fn a_message_is_the_same_however_it_is_cut() {
        for_each_input("websocket", super::websocket);
    }
}
