//! What a process tells about itself: metrics, spans, and the trace of one request.

pub mod metrics;
pub mod spans;
pub mod trace;
