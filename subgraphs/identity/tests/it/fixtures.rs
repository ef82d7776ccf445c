//! Who is who in the fixtures.

use identity::{IdentitySettings, Keys, TokenSettings, throttle::ThrottleSettings};
use service::ServiceContext;
use sqlx::PgPool;
use subgraph_testing::{Client, TestApp, verifier};
use uuid::Uuid;

/// Teaches.
pub const ALICE: Uuid = Uuid::from_u128(0xa11ce);
/// Studies.
pub const BOB: Uuid = Uuid::from_u128(0xb0b);
/// Studies, too.
pub const CAROL: Uuid = Uuid::from_u128(0xca401);
/// Waits for verification.
pub const TOM: Uuid = Uuid::from_u128(0x703);

pub const NOBODY: Uuid = Uuid::from_u128(0xdead);

/// Hashing that does not hold up the tests, and no limits.
pub fn settings() -> IdentitySettings {
    IdentitySettings {
        password_memory_kib: 1_024,
        password_argon2_iterations: 1,
        failed_sign_in_min_ms: 0,
        throttle: ThrottleSettings { throttle: false, ..ThrottleSettings::default() },
        ..IdentitySettings::default()
    }
}

/// Keys of the test's own.
pub fn keys() -> Keys {
    let directory = tempfile::tempdir().expect("a directory");
    Keys::load_or_create(directory.path(), &TokenSettings::default()).expect("keys")
}

/// The subgraph over the test's own database, which knows the people that the kit signs in.
pub async fn app(db: PgPool) -> TestApp {
    TestApp::new(
        identity::subgraph(db, &keys(), &ServiceContext::new(verifier()), &settings())
            .await
            .expect("the subgraph opens"),
    )
}

/// The subgraph over the test's own database, which believes the tokens that it gives out itself.
pub async fn real_app(db: PgPool, settings: &IdentitySettings) -> TestApp {
    let keys = keys();
    TestApp::new(
        identity::subgraph(db, &keys, &ServiceContext::new(keys.verifier()), settings)
            .await
            .expect("the subgraph opens"),
    )
}

/// Whoever has this access token.
pub fn bearer(app: &TestApp, token: &str) -> Client {
    app.anonymous().with_token(token)
}
