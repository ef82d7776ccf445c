//! Ports for servers that tests start as other programs.

use std::{net::TcpListener, ops::Range};

/// Outside of the range from which systems hand out ports to whoever asks for any, so that it is nobody's by the time
/// that its server listens.
const PORTS: Range<u16> = 10_000..32_000;

/// A port of this machine on which nobody listens.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut tried = std::iter::repeat_with(|| rand::random_range(PORTS)).take(1_000);
    tried.find(is_free).expect("a free port")
}
