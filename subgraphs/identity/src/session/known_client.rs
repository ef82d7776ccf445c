//! Where a user has signed in before.

use contracts::{
    UserId,
    events::{EventPayload, NewClientSignIn},
};
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, query_scalar};
use subgraph_kit::Error;
use uuid::Uuid;

use super::client::SessionClient;

/// Notes where a user signs in, and tells them if they have signed in before, but never from there.
pub async fn record(db: &mut PgConnection, user: UserId, client: &SessionClient) -> Result<(), Error> {
    let is_new = query_scalar!(
        r#"
        with known as (
            insert into known_clients (user_id, client_hash, last_seen) values ($1, $2, now())
            on conflict (user_id, client_hash) do update set last_seen = excluded.last_seen
            returning xmax = 0 as is_new
        )
        select is_new and exists (select from known_clients where user_id = $1) as "is_new!" from known
        "#,
        user.0,
        &hash(user, client),
    );
    if is_new.fetch_one(&mut *db).await? {
        let sign_in = NewClientSignIn { sign_in_id: Uuid::now_v7(), user_id: user, client: client.user_agent.clone() };
        messaging::publish(db, EventPayload::SignedInFromNewClient(sign_in)).await?;
    }
    Ok(())
}

/// The network, and the browser whatever its version: it is updated every few weeks.
fn hash(user: UserId, client: &SessionClient) -> [u8; 32] {
    let agent = client.user_agent.as_deref().unwrap_or_default();
    let browser: String = agent.chars().filter(|letter| !letter.is_ascii_digit() && *letter != '.').collect();
    Sha256::digest(format!("{}\n{:?}\n{browser}", user.0, client.ip.network())).into()
}

#[cfg(test)]
mod tests {
    use subgraph_kit::ClientIp;

    use super::*;

    #[test]
    fn a_browser_is_the_same_after_its_update_and_not_in_another_network() {
        let of = |user, ip: &str, agent: Option<&str>| {
            let client = SessionClient { ip: ClientIp(ip.parse().ok()), user_agent: agent.map(str::to_owned) };
            hash(UserId(Uuid::from_u128(user)), &client)
        };
        let known = of(1, "192.0.2.1", Some("Mozilla/5.0 Firefox/151.0"));

        assert_eq!(known, of(1, "192.0.2.1", Some("Mozilla/5.0 Firefox/152.0.1")));
        for other in [
            of(1, "192.0.2.2", Some("Mozilla/5.0 Firefox/151.0")),
            of(1, "192.0.2.1", Some("Mozilla/5.0 Chrome/151.0")),
            of(1, "192.0.2.1", None),
            of(2, "192.0.2.1", Some("Mozilla/5.0 Firefox/151.0")),
        ] {
            assert_ne!(known, other);
        }
    }
}
