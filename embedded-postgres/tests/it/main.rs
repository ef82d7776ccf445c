//! Real servers, started, stopped, killed and misused.

mod crash;
mod refusals;
mod server;
mod testing;
