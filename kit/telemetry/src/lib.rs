//! The telemetry of a process: metrics, spans, and the trace of one request.

pub mod metrics;
pub mod spans;
pub mod trace;
