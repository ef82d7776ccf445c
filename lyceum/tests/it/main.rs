//! The whole system, as its users get it: the real program, five real databases, the real router.

mod admin;
mod bad_input;
mod contract;
mod hop;
mod hostile_router;
mod lifecycle;
mod live;
mod notices;
mod operations;
mod page;
mod permissions;
mod plans;
mod processes;
mod purchases;
mod reconcile;
mod references;
mod rotation;
mod safelist;
mod silence;
mod statements;
mod system;
mod telemetry;
mod throttle;
mod tokens;
mod trace;
mod viewers;
