//! Every SQL statement on the table `sessions`.

use std::collections::HashMap;

use async_graphql::{SimpleObject, dataloader::Loader};
use chrono::{DateTime, TimeDelta, Utc};
use contracts::{SessionId, Timestamp, UserId};
use db::DbPool;
use sqlx::{PgConnection, query, query_as, query_scalar};
use subgraph_kit::{Error, Rejection, Table, viewer::SelfOrAdmin};
use uuid::Uuid;

use super::{
    client::SessionClient,
    refresh_token::{RefreshToken, Salt},
};
use crate::user::User;

/// A session of a user: one sign-in on one device or in one browser, until it ends. Only the user and admins may see it.
#[derive(Clone, SimpleObject)]
#[graphql(complex)]
pub struct ActiveSession {
    /// The id of the session, a UUID. It is no token: knowing it gives no access.
    pub id: SessionId,
    /// The user of the session.
    #[graphql(skip)]
    pub user: UserId,
    /// What the program that has used the session last calls itself: its `User-Agent`, at most 255 characters, as it was
    /// sent. Null if it sent none.
    pub client: Option<String>,
    /// The time at which the user signed in.
    pub created_at: Timestamp,
    /// The time at which the session was last refreshed; that of the sign-in if it never was.
    pub last_used_at: Timestamp,
}

/// How long a session lasts.
#[derive(Clone, Copy)]
pub struct Lifetime {
    /// When it is not refreshed.
    pub(super) unused: TimeDelta,
    /// However often it is refreshed.
    pub(super) max: TimeDelta,
}

/// The most sessions of a user that are listed.
const MAX_LISTED: i64 = 100;

/// Who has proven to be a user, and by what: whoever changes that meanwhile ends the sessions, and must find this one.
pub struct Authenticated<'a> {
    /// The user.
    pub user: UserId,
    /// The hash of the password.
    pub password_hash: &'a str,
    /// Since when the user has the second factor, which is part of the proof; `None` if they have none.
    pub second_factor_enabled_at: Option<DateTime<Utc>>,
}

/// The key of a user's sessions. It is made of the proof that the viewer may see them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionsOf(UserId);

/// The user of a session that was refreshed.
pub struct Refreshed {
    /// The user.
    pub user: User,
    /// The public id of the session.
    pub session: SessionId,
}

/// The use of a refresh token that was used before.
pub struct Reuse {
    /// What the first use of the token got.
    pub refreshed: Refreshed,
    /// The salt of the token's successor.
    pub salt: Salt,
    /// The hash of the session's valid token.
    pub valid_hash: Vec<u8>,
}

impl From<SelfOrAdmin> for SessionsOf {
    fn from(proof: SelfOrAdmin) -> Self {
        Self(subgraph_kit::viewer::Proof::owner(&proof))
    }
}

/// Inserts a session with its valid `token`, returns its public id, and deletes some that have expired. None if the user is
/// suspended, or what they have proven is not enough any more.
pub async fn insert(
    db: &mut PgConnection,
    token: &RefreshToken,
    Authenticated { user, password_hash, second_factor_enabled_at }: Authenticated<'_>,
    client: &SessionClient,
    lifetime: Lifetime,
) -> Result<Option<SessionId>, Error> {
    let now = Utc::now();
    let id = SessionId(Uuid::now_v7());
    let inserted = query!(
        r#"
        with ended as (
            delete from sessions
            where id in (select id from sessions where expires_at < $4 order by expires_at limit 10 for update skip locked)
        )
        insert into sessions (id, user_id, refresh_token_hash, created_at, expires_at, public_id, user_agent, last_used_at)
        select $1, id, $3, $4, $5, $6, $7, $4
        from users
        where id = $2 and password_hash = $8 and suspended_at is null
          and second_factor_enabled_at is not distinct from $9
        for share
        "#,
        token.session,
        user.0,
        &token.hash(),
        now,
        now + lifetime.unused.min(lifetime.max),
        id.0,
        client.user_agent,
        password_hash,
        second_factor_enabled_at,
    )
    .execute(db)
    .await?;
    Ok((inserted.rows_affected() > 0).then_some(id))
}

/// Replaces `token` with its successor by `salt`, and returns the session's user; None if `token` is not valid, or the user
/// is suspended. Of two concurrent calls, the second finds it replaced.
pub async fn replace(
    db: &DbPool,
    token: &RefreshToken,
    salt: &Salt,
    client: &SessionClient,
    lifetime: Lifetime,
) -> Result<Option<Refreshed>, Error> {
    let now = Utc::now();
    let row = query!(
        r#"
        with renewed as (
            update sessions
            set refresh_token_hash = $3, expires_at = least($5, created_at + ($4 - $6::timestamptz)), last_used_at = $4,
                previous_token_hash = $2, successor_salt = $7, refreshed_by = $8, user_agent = coalesce($9, user_agent)
            where id = $1 and refresh_token_hash = $2 and expires_at > $4 and created_at > $6
            returning user_id, public_id
        )
        select users.id, name, role, is_verified, users.created_at, email, suspended_at, renewed.public_id
        from renewed
        join users on users.id = renewed.user_id
        where suspended_at is null
        "#,
        token.session,
        &token.hash(),
        &token.successor(salt).hash(),
        now,
        now + lifetime.unused,
        now - lifetime.max,
        salt,
        &token.client_mac(client),
        client.user_agent,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Refreshed {
        user: User {
            id: row.id,
            name: row.name,
            role: row.role,
            is_verified: row.is_verified,
            created_at: row.created_at.into(),
            email: row.email,
            suspended_at: row.suspended_at,
            has_signed_in: true,
        },
        session: SessionId(row.public_id),
    }))
}

/// Finds the session that this client has refreshed by `token`, at most `window` ago.
pub async fn find_reuse(
    db: &DbPool,
    token: &RefreshToken,
    client: &SessionClient,
    window: TimeDelta,
) -> Result<Option<Reuse>, Error> {
    let now = Utc::now();
    let row = query!(
        r#"
        select users.id, name, role, is_verified, users.created_at, email, suspended_at,
               public_id, successor_salt as "successor_salt!", refresh_token_hash
        from sessions
        join users on users.id = sessions.user_id
        where sessions.id = $1 and previous_token_hash = $2 and refreshed_by = $3
          and last_used_at > $4 and expires_at > $5 and suspended_at is null and successor_salt is not null
        "#,
        token.session,
        &token.hash(),
        &token.client_mac(client),
        now - window,
        now,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Ok(salt) = row.successor_salt.try_into() else { return Ok(None) };
    let user = User {
        id: row.id,
        name: row.name,
        role: row.role,
        is_verified: row.is_verified,
        created_at: row.created_at.into(),
        email: row.email,
        suspended_at: row.suspended_at,
        has_signed_in: true,
    };
    let refreshed = Refreshed { user, session: SessionId(row.public_id) };
    Ok(Some(Reuse { refreshed, salt, valid_hash: row.refresh_token_hash }))
}

/// Ends the session of a token.
pub async fn delete(db: &DbPool, token: &RefreshToken) -> Result<(), Error> {
    query!("delete from sessions where id = $1", token.session).execute(db).await?;
    Ok(())
}

/// Ends a session of a user.
///
/// # Errors
/// `NOT_FOUND` if the user has no such session, or it has expired.
pub async fn end(db: &mut PgConnection, user: UserId, id: SessionId) -> Result<ActiveSession, Error> {
    let session = query_as!(
        ActiveSession,
        r#"
        delete from sessions
        where public_id = $1 and user_id = $2 and expires_at > $3
        returning public_id as "id: SessionId", user_id as "user: UserId", user_agent as client, created_at, last_used_at
        "#,
        id.0,
        user.0,
        Utc::now(),
    )
    .fetch_optional(db)
    .await?;
    session.ok_or_else(|| Rejection::not_found("session", "sessionId").into())
}

/// Ends all sessions of a user but one, and returns how many of them were still valid.
pub async fn end_others(db: &mut PgConnection, user: UserId, current: Option<SessionId>) -> Result<i64, Error> {
    let ended = query_scalar!(
        r#"
        with ended as (
            delete from sessions where user_id = $1 and public_id is distinct from $2 returning expires_at
        )
        select count(*) as "count!" from ended where expires_at > $3
        "#,
        user.0,
        current.map(|current| current.0),
        Utc::now(),
    )
    .fetch_one(db)
    .await?;
    Ok(ended)
}

/// Ends all sessions of a user, and returns how many there were.
pub async fn delete_all(db: &mut PgConnection, user: UserId) -> Result<u64, Error> {
    Ok(query!("delete from sessions where user_id = $1", user.0).execute(db).await?.rows_affected())
}

/// Lists the sessions of users that have not expired, the last used first.
async fn list(db: &DbPool, users: &[Uuid], now: DateTime<Utc>) -> Result<Vec<ActiveSession>, sqlx::Error> {
    query_as!(
        ActiveSession,
        r#"
        select public_id as "id!: SessionId", user_id as "user!: UserId", user_agent as "client?",
               created_at as "created_at!", last_used_at as "last_used_at!"
        from unnest($1::uuid[]) as owner (id)
        cross join lateral (
            select public_id, user_id, user_agent, created_at, last_used_at
            from sessions
            where user_id = owner.id and expires_at > $2
            order by last_used_at desc, public_id desc
            limit $3
        ) as newest
        order by last_used_at desc, public_id desc
        "#,
        users,
        now,
        MAX_LISTED,
    )
    .fetch_all(db)
    .await
}

/// Lists the sessions of a user that have not expired, the last used first.
pub async fn list_of(db: &DbPool, user: UserId) -> Result<Vec<ActiveSession>, Error> {
    Ok(list(db, &[user.0], Utc::now()).await?)
}

impl Loader<SessionsOf> for Table<User> {
    type Value = Vec<ActiveSession>;
    type Error = Error;

    async fn load(&self, keys: &[SessionsOf]) -> Result<HashMap<SessionsOf, Vec<ActiveSession>>, Error> {
        let users: Vec<Uuid> = keys.iter().map(|key| key.0.0).collect();
        let mut lists: HashMap<_, Vec<_>> = keys.iter().map(|key| (*key, Vec::new())).collect();
        for session in list(self.db(), &users, Utc::now()).await? {
            lists.entry(SessionsOf(session.user)).or_default().push(session);
        }
        Ok(lists)
    }
}
