//! WebSocket messages of clients: frames are assembled to messages, and messages are parsed. Untrusted bytes are
//! bounded here, in size and depth, before they are parsed.

use hive_router::ntex::{
    util::Bytes,
    web::ws::{CloseReason, Frame},
    ws::Item,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::hive_gaps::json_depth_limit;

/// The maximum of a fragmented message; a single frame has at most 64 KiB.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// The reason why a connection is closed, as a close code of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolError {
    pub code: u16,
    pub reason: &'static str,
}

const NOT_TEXT: ProtocolError = ProtocolError { code: 4400, reason: "Only text messages are supported" };
const TOO_DEEP: ProtocolError = ProtocolError { code: 4400, reason: "The message is nested too deeply" };
const UNKNOWN: ProtocolError = ProtocolError { code: 4400, reason: "The message does not follow the protocol" };
const TOO_LARGE: ProtocolError = ProtocolError { code: 1009, reason: "The message is too large" };

/// The frames received so far of a fragmented message.
#[derive(Default)]
pub struct MessageBuffer(Vec<u8>);

/// The result of a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// The message is incomplete, or nothing is to be done.
    Nothing,
    Message(Vec<u8>),
    Ping(Bytes),
    Close(Option<CloseReason>),
}

impl MessageBuffer {
    /// Handles the next frame.
    pub fn receive(&mut self, frame: Frame) -> Result<Received, ProtocolError> {
        match frame {
            Frame::Text(text) => Ok(Received::Message(text.to_vec())),
            Frame::Continuation(part) => self.receive_part(part),
            Frame::Ping(text) => Ok(Received::Ping(text)),
            Frame::Pong(_) => Ok(Received::Nothing),
            Frame::Binary(_) => Err(NOT_TEXT),
            Frame::Close(reason) => Ok(Received::Close(reason)),
        }
    }

    fn receive_part(&mut self, part: Item) -> Result<Received, ProtocolError> {
        let (part, is_last) = match part {
            Item::FirstText(part) => {
                self.0.clear();
                (part, false)
            }
            Item::Continue(part) => (part, false),
            Item::Last(part) => (part, true),
            Item::FirstBinary(_) => return Err(NOT_TEXT),
        };
        if self.0.len() + part.len() > MAX_MESSAGE_BYTES {
            return Err(TOO_LARGE);
        }
        self.0.extend_from_slice(&part);
        Ok(if is_last { Received::Message(std::mem::take(&mut self.0)) } else { Received::Nothing })
    }

    /// The number of buffered bytes.
    #[cfg(any(test, fuzzing))]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// A message of `graphql-transport-ws`.
#[derive(Debug, PartialEq)]
pub enum ClientMessage {
    ConnectionInit(Option<Value>),
    Ping,
    Pong,
    Subscribe { id: String, payload: Map<String, Value> },
    Complete { id: String },
}

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    id: Option<String>,
    payload: Option<Value>,
}

impl ClientMessage {
    /// Parses a message.
    pub fn parse(text: &[u8]) -> Result<Self, ProtocolError> {
        if json_depth_limit::is_too_deep(text) {
            return Err(TOO_DEEP);
        }
        let Envelope { r#type, id, payload } = serde_json::from_slice(text).map_err(|_| UNKNOWN)?;
        match (r#type.as_str(), id, payload) {
            ("connection_init", _, payload) => Ok(Self::ConnectionInit(payload)),
            ("ping", ..) => Ok(Self::Ping),
            ("pong", ..) => Ok(Self::Pong),
            ("subscribe", Some(id), Some(Value::Object(payload))) => Ok(Self::Subscribe { id, payload }),
            ("complete", Some(id), _) => Ok(Self::Complete { id }),
            _ => Err(UNKNOWN),
        }
    }
}
