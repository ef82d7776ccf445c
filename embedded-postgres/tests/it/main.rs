//! Real servers, started, stopped, killed and misused.

mod crash;
mod rejections;
mod server;
mod testing;
