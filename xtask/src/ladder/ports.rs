//! Ports for processes that are given theirs before they run.

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::{Context as _, Result};

/// None of those that the system gives to connections.
const MIN_PORT: u16 = 10_000;
const MAX_PORT: u16 = 32_000;

/// A free port of this machine, and another one each time.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = MAX_PORT - MIN_PORT;
    // Two runs at the same time begin at different ones.
    let start = u16::try_from(std::process::id() % u32::from(count))?;
    let mut candidates = (0..count).map(|_| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % count;
        MIN_PORT + u16::try_from((u32::from(start) + u32::from(step)) % u32::from(count)).unwrap_or_default()
    });
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    candidates.find(is_free).context("no port is free")
}
