//! The users of the fixtures.

use service::ServiceContext;
use sqlx::PgPool;
use subgraph_testing::{TestApp, verifier};
use uuid::Uuid;

/// Has read her welcome, but not the notifications of her enrollment and her payment.
pub const ALICE: Uuid = Uuid::from_u128(0xa11ce);
/// Has not read his welcome.
pub const BOB: Uuid = Uuid::from_u128(0xb0b);
/// Has no notifications.
pub const CAROL: Uuid = Uuid::from_u128(0xca401);

pub const ALICES_WELCOME: Uuid = Uuid::from_u128(0xd_0001);
pub const ALICES_ENROLLMENT: Uuid = Uuid::from_u128(0xd_0002);
pub const ALICES_PAYMENT: Uuid = Uuid::from_u128(0xd_0003);
pub const BOBS_WELCOME: Uuid = Uuid::from_u128(0xd_0004);

pub const NOBODY: Uuid = Uuid::from_u128(0xdead);

/// The subgraph over the test's own database.
pub async fn app(db: PgPool) -> TestApp {
    TestApp::new(notification::subgraph(db, &ServiceContext::new(verifier())).await.expect("the subgraph opens"))
}
