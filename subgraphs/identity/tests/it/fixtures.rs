//! The users of the fixtures.

use identity::{IdentitySettings, Keys, TokenSettings, throttle::ThrottleSettings};
use service::ServiceContext;
use sqlx::PgPool;
use subgraph_testing::{Client, TestApp, verifier};
use uuid::Uuid;

/// A teacher.
pub const ALICE: Uuid = Uuid::from_u128(0xa11ce);
/// A student.
pub const BOB: Uuid = Uuid::from_u128(0xb0b);
/// Another student.
pub const CAROL: Uuid = Uuid::from_u128(0xca401);
/// A teacher who waits for verification.
pub const TOM: Uuid = Uuid::from_u128(0x703);

pub const NOBODY: Uuid = Uuid::from_u128(0xdead);

/// Settings with fast hashing, and without limits.
pub fn settings() -> IdentitySettings {
    IdentitySettings {
        password_memory_kib: 1_024,
        password_argon2_iterations: 1,
        failed_sign_in_min_ms: 0,
        throttle: ThrottleSettings { throttle: false, ..ThrottleSettings::default() },
        ..IdentitySettings::default()
    }
}

/// Creates keys of the test's own.
pub fn keys() -> Keys {
    let directory = tempfile::tempdir().expect("a directory");
    Keys::load_or_create(directory.path(), &TokenSettings::default()).expect("keys")
}

/// The subgraph over the test's own database, with the kit's verifier.
pub async fn app(db: PgPool) -> TestApp {
    TestApp::new(
        identity::subgraph(db, &keys(), &ServiceContext::new(verifier()), &settings())
            .await
            .expect("the subgraph opens"),
    )
}

/// The subgraph over the test's own database, which accepts the tokens that it issues.
pub async fn real_app(db: PgPool, settings: &IdentitySettings) -> TestApp {
    let keys = keys();
    TestApp::new(
        identity::subgraph(db, &keys, &ServiceContext::new(keys.verifier()), settings)
            .await
            .expect("the subgraph opens"),
    )
}

/// A client with this access token.
pub fn bearer(app: &TestApp, token: &str) -> Client {
    app.anonymous().with_token(token)
}
