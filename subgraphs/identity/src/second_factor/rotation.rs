//! Encrypting stored secrets anew, with the new secret of the seals, while the previous one is known.

use std::time::Duration;

use auth::encryption::StorageKeys;
use db::DbPool;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};
use uuid::Uuid;

use super::store;

const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How many are read at a time.
const PAGE: i64 = 500;

/// Encrypts anew what was encrypted with the previous secret. Each process does so when it starts: the last one that starts
/// with the new secret finds what those before it have still written.
pub(crate) async fn encrypt_anew(db: DbPool, keys: StorageKeys, stop: CancellationToken) {
    if !keys.is_rotating() {
        return;
    }
    loop {
        match encrypt_all(&db, &keys).await {
            Ok(0) => return,
            Ok(count) => return info!(count, "second factors encrypted with the new secret of the seals"),
            Err(error) => debug!(error = %error, "second factors not encrypted anew yet, retrying"),
        }
        tokio::select! {
            () = sleep(RETRY_INTERVAL) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn encrypt_all(db: &DbPool, keys: &StorageKeys) -> Result<u64, sqlx::Error> {
    let (mut after, mut count) = (Uuid::nil(), 0);
    loop {
        let page = store::list_secrets(db, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        after = last.user.0;
        for stored in &page {
            let owner = stored.user.0.as_bytes();
            let decrypted = keys.decrypt(owner, &stored.secret).filter(|decrypted| decrypted.is_outdated);
            if let Some(decrypted) = decrypted {
                store::set_encrypted(db, stored, &keys.encrypt(owner, &decrypted.value)).await?;
                count += 1;
            }
        }
    }
}
