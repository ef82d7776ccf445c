//! The users of the fixtures.

use std::sync::LazyLock;

use auth::seal::{SealKeys, SealedValue};
use contracts::{CourseId, UserId};
use service::ServiceContext;
use sqlx::PgPool;
use subgraph_testing::{TestApp, verifier};
use uuid::Uuid;

/// Paid for Rust, and was refunded for SQL.
pub const ALICE: Uuid = Uuid::from_u128(0xa11ce);
/// Paid for Rust.
pub const BOB: Uuid = Uuid::from_u128(0xb0b);
/// Teaches Rust and SQL.
pub const TERESA: Uuid = Uuid::from_u128(0x7e4e5);

pub const RUST: Uuid = Uuid::from_u128(0xc0_0001);
pub const SQL: Uuid = Uuid::from_u128(0xc0_0002);
pub const LATIN: Uuid = Uuid::from_u128(0xc0_0003);

pub const ALICES_RUST: Uuid = Uuid::from_u128(0xf_0001);
pub const ALICES_SQL: Uuid = Uuid::from_u128(0xf_0002);
pub const BOBS_RUST: Uuid = Uuid::from_u128(0xf_0003);

pub const NOBODY: Uuid = Uuid::from_u128(0xdead);

/// The subgraph over the test's own database.
pub async fn app(db: PgPool) -> TestApp {
    let context = ServiceContext { seals: seals(), ..ServiceContext::new(verifier()) };
    TestApp::new(payment::subgraph(db, &context).await.expect("the subgraph opens"))
}

/// The keys with which the course subgraph would seal.
fn seals() -> SealKeys {
    static SEALS: LazyLock<SealKeys> = LazyLock::new(SealKeys::random);
    SEALS.clone()
}

/// The course subgraph's seal of a course's teacher.
pub fn teacher_seal(teacher: Uuid, course: Uuid) -> String {
    seals().seal(SealedValue::CourseTeacher { course: CourseId(course), teacher: UserId(teacher) })
}
