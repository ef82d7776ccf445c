//! Missing: a response to a WebSocket handshake that all clients and proxies accept. ntex, hive-router's HTTP server,
//! writes the names of its headers in lower case, where `WebsocketsTransport` of gql 4 for Python looks for
//! `Sec-WebSocket-Protocol` in these letters only, and speaks another protocol if it finds none. And ntex adds
//! `transfer-encoding: chunked`, which RFC 9112 forbids in a response with the status 101.
//!
//! Upstream: no issue known; `encode_headers` in `http/h1/encoder.rs` and `handshake_response` in `ws/handshake.rs` of
//! ntex 3.12. `upstream_writes_names_in_lower_case_and_a_transfer_encoding` fails once one of them is fixed.

use hive_router::ntex::util::BytePages;

const STATUS: &[u8] = b" 101 Switching Protocols\r\n";
const FORBIDDEN: &str = "Transfer-Encoding";
const NAMES: [&str; 5] = ["Connection", "Date", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Upgrade"];

/// Corrects the response to a handshake, the last one in the buffer, as long as it has not been sent.
pub fn correct(unsent: &mut BytePages) {
    let written = unsent.freeze();
    let status = written.windows(STATUS.len()).rposition(|part| part == STATUS);
    let (before, headers) = written.split_at(status.map_or(written.len(), |at| at + STATUS.len()));
    unsent.extend_from_slice(before);
    for line in headers.split_inclusive(|byte| *byte == b'\n') {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or_default());
        let is_name = |usual: &&str| usual.as_bytes().eq_ignore_ascii_case(name);
        if !is_name(&FORBIDDEN) {
            unsent.extend_from_slice(NAMES.iter().find(|usual| is_name(usual)).map_or(name, |usual| usual.as_bytes()));
            unsent.extend_from_slice(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use hive_router::{
        http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE},
        ntex::{
            SharedCfg,
            codec::Encoder as _,
            http::{body::BodySize, h1, test::TestRequest},
            rt::{DefaultRuntime, System},
            ws,
        },
    };

    use super::*;

    /// The response as ntex writes it.
    fn response() -> BytePages {
        let request = TestRequest::default()
            .header(UPGRADE, "websocket")
            .header(CONNECTION, "upgrade")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==")
            .finish();
        let mut response = ws::handshake(request.head()).expect("it is a handshake");
        let response = response.set_header(SEC_WEBSOCKET_PROTOCOL, "graphql-transport-ws").finish().into_parts().0;
        let codec = h1::Codec::new(0, SharedCfg::default().get());
        // The date that it adds needs a runtime.
        System::build().name("test").build(DefaultRuntime).block_on(async move {
            let mut written = BytePages::default();
            codec.encodev(h1::Message::Item((response, BodySize::Empty)), &mut written).expect("it is written");
            written
        })
    }

    /// The lines of a response in one order, without the date.
    fn lines(written: &mut BytePages) -> Vec<String> {
        let text = String::from_utf8(written.freeze().to_vec()).expect("it is text");
        assert!(text.ends_with("\r\n\r\n"), "{text}");
        let mut lines: Vec<_> = text.trim_end().split("\r\n").map(str::to_owned).collect();
        lines.retain(|line| !line.to_lowercase().starts_with("date: "));
        lines.sort();
        lines
    }

    #[test]
    fn upstream_writes_names_in_lower_case_and_a_transfer_encoding() {
        assert_eq!(
            lines(&mut response()),
            [
                "HTTP/1.1 101 Switching Protocols",
                "connection: upgrade",
                "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "sec-websocket-protocol: graphql-transport-ws",
                "transfer-encoding: chunked",
                "upgrade: websocket",
            ]
        );
    }

    #[test]
    fn names_have_their_usual_letter_case() {
        let mut response = response();
        correct(&mut response);

        assert_eq!(
            lines(&mut response),
            [
                "Connection: upgrade",
                "HTTP/1.1 101 Switching Protocols",
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "Sec-WebSocket-Protocol: graphql-transport-ws",
                "Upgrade: websocket",
            ]
        );
    }

    #[test]
    fn what_is_no_response_to_a_handshake_stays_as_it_is() {
        let earlier = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nupgrade: ".repeat(2_000);
        let other = [earlier.as_slice(), b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nx-y: date: z\r\n\r\n"];
        let mut written = BytePages::default();
        written.extend_from_slice(&earlier);
        correct(&mut written);
        assert!(written.freeze() == earlier);

        written.extend_from_slice(&other.concat());
        correct(&mut written);
        let corrected = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nx-y: date: z\r\n\r\n";
        assert!(written.freeze() == [earlier.as_slice(), corrected].concat());
        correct(&mut written);
        assert!(written.is_empty());
    }
}
