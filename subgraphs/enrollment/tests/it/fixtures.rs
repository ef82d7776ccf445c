//! Who is who in the fixtures.

use std::sync::LazyLock;

use auth::seal::{Fact, SealKeys};
use contracts::{CourseId, UserId};
use service::ServiceContext;
use sqlx::PgPool;
use subgraph_testing::{TestApp, verifier};
use uuid::Uuid;

/// Begun with Rust, which she paid for, and enrolled in SQL, which is free.
pub const ALICE: Uuid = Uuid::from_u128(0xa11ce);
/// Through with Rust.
pub const BOB: Uuid = Uuid::from_u128(0xb0b);
/// Teaches Rust and SQL.
pub const TERESA: Uuid = Uuid::from_u128(0x7e4e5);

pub const RUST: Uuid = Uuid::from_u128(0xc0_0001);
pub const SQL: Uuid = Uuid::from_u128(0xc0_0002);
/// Nobody is on it.
pub const LATIN: Uuid = Uuid::from_u128(0xc0_0003);

pub const ALICES_RUST: Uuid = Uuid::from_u128(0xe_0001);
pub const ALICES_SQL: Uuid = Uuid::from_u128(0xe_0002);
pub const BOBS_RUST: Uuid = Uuid::from_u128(0xe_0003);

pub const ALICES_PAYMENT: Uuid = Uuid::from_u128(0xf_0001);
pub const BOBS_PAYMENT: Uuid = Uuid::from_u128(0xf_0003);
/// Has bought nothing.
pub const UNUSED_PAYMENT: Uuid = Uuid::from_u128(0xf_0009);

pub const NOBODY: Uuid = Uuid::from_u128(0xdead);

/// The subgraph over the test's own database.
pub async fn app(db: PgPool) -> TestApp {
    let context = ServiceContext { seals: seals(), ..ServiceContext::new(verifier()) };
    TestApp::new(enrollment::subgraph(db, &context).await.expect("the subgraph opens"))
}

/// What the course subgraph would seal with.
pub fn seals() -> SealKeys {
    static SEALS: LazyLock<SealKeys> = LazyLock::new(SealKeys::random);
    SEALS.clone()
}

/// What the course subgraph would say of who teaches a course.
pub fn teacher_seal(teacher: Uuid, course: Uuid) -> String {
    seals().seal(Fact::CourseTeacher { course: CourseId(course), teacher: UserId(teacher) })
}
