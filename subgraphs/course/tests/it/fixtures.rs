//! The users and courses of the fixtures.

use db::DbPool;
use service::ServiceContext;
use subgraph_testing::{TestApp, verifier};
use uuid::Uuid;

pub const ALICE: Uuid = Uuid::from_u128(0xa11ce);
/// Teaches Rust and SQL.
pub const TERESA: Uuid = Uuid::from_u128(0x7e_4e5a);
/// Teaches Latin.
pub const TOM: Uuid = Uuid::from_u128(0x703);
/// Waits for verification.
pub const ULA: Uuid = Uuid::from_u128(0x01a);

/// Free, for beginners, the oldest.
pub const RUST: Uuid = Uuid::from_u128(0xc0_115e_0001);
/// Costs 49.99, intermediate.
pub const SQL: Uuid = Uuid::from_u128(0xc0_115e_0002);
/// Costs 5.00, advanced, the newest.
pub const LATIN: Uuid = Uuid::from_u128(0xc0_115e_0003);

pub const NOBODY: Uuid = Uuid::from_u128(0xdead);

/// The subgraph over the test's own database.
pub async fn app(db: impl Into<DbPool>) -> TestApp {
    TestApp::new(course::subgraph(db, &ServiceContext::new(verifier())).await.expect("the subgraph opens"))
}
