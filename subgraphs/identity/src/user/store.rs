//! Every SQL statement on the table `users`.

use chrono::{DateTime, Utc};
use contracts::{Code, UserId, ids::new_id_and_time};
use db::DbPool;
use sqlx::{PgConnection, Postgres, QueryBuilder, query, query_as, query_scalar};
use subgraph_kit::{
    Error, Rejection,
    cursor::Cursor,
    list::{Filter, Listable},
    row::Paginated,
    table::FindById,
    text::ilike_pattern,
    viewer::{Admin, CurrentSession, SignedIn},
};
use uuid::Uuid;

use super::{
    Role, SignUp, User,
    email::{search_forms, stored_forms, with_unicode_domain},
};
use crate::{password::StoredHash, session::store as sessions};

/// A user with their password hash.
pub struct Account {
    /// The user.
    pub user: User,
    /// An Argon2id hash, or a bcrypt hash of the legacy system.
    pub password_hash: String,
    /// Whether it is the hash of the normalized password. One of the legacy system or of an earlier version is that of the
    /// password as it was typed.
    pub password_is_normalized: bool,
    /// Since when signing in also needs the second factor; `None` if it does not.
    pub second_factor_enabled_at: Option<DateTime<Utc>>,
}

impl Account {
    /// The hash of the account's password.
    #[must_use]
    pub fn stored_hash(&self) -> StoredHash {
        StoredHash { hash: self.password_hash.clone(), is_normalized: self.password_is_normalized }
    }
}

/// Who changes a user. An admin must be one still when it happens, since their access token is valid longer: otherwise the
/// error is [`Error::Forbidden`], or one of [`lock_viewer`].
#[derive(Clone, Copy)]
pub enum Actor {
    /// An admin, by an access token of this session.
    Admin(Admin, CurrentSession),
    /// An operator, by `lyceum admin`.
    Operator,
}

pub(crate) const ACCOUNT_DELETED: Error =
    Error::Unauthenticated("the account of this access token does not exist any more");
const ACCOUNT_SUSPENDED: Error = Error::Unauthenticated("an admin has suspended the account of this access token");
const SESSION_ENDED: Error = Error::Unauthenticated("the session of this access token has ended: sign in again");
const ADMIN_NO_MORE: Error =
    Error::Forbidden("only admins may do this, and the user of this access token is no longer one");

/// The filter of a list of users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserFilter {
    /// The text that name or address contains, in any letter case.
    pub search: Option<String>,
    /// The role; any if none.
    pub role: Option<Role>,
    /// Whether the users are verified teachers; either if none.
    pub is_verified: Option<bool>,
    /// Whether the users are suspended; either if none.
    pub is_suspended: Option<bool>,
    /// Whether to list only teachers who wait for verification.
    pub is_waiting: bool,
}

impl Paginated for User {
    const TYPE_NAME: &'static str = "user";
    const TABLE: &'static str = "users";
    const COLUMNS: &'static str = "id, name, role, is_verified, created_at, email, suspended_at";
    const TIME_COLUMN: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { time: self.created_at.0, id: self.id.0 }
    }
}

impl FindById for User {
    type Id = UserId;

    fn id(&self) -> UserId {
        self.id
    }

    async fn find_by_ids(db: &DbPool, ids: &[Uuid]) -> Result<Vec<Self>, sqlx::Error> {
        query_as!(
            Self,
            r#"
            select id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
            from users
            where id = any($1)
            "#,
            ids,
        )
        .fetch_all(db)
        .await
    }
}

impl Listable for User {
    type Filter = UserFilter;
    type Proof = Admin;
}

impl Filter for UserFilter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        let Self { search, role, is_verified, is_suspended, is_waiting } = self;
        sql.push(" and erased_at is null");
        if *is_waiting {
            sql.push(" and role = 'teacher' and not is_verified");
        }
        if let Some(search) = search {
            let addresses: Vec<_> = search_forms(search).iter().map(|form| ilike_pattern(form)).collect();
            sql.push(" and (name ilike ")
                .push_bind(ilike_pattern(search))
                .push(" or email ilike any(")
                .push_bind(addresses)
                .push("))");
        }
        if let Some(role) = role {
            sql.push(" and role = ").push_bind(*role);
        }
        match is_verified {
            Some(true) => _ = sql.push(" and role = 'teacher' and is_verified"),
            Some(false) => _ = sql.push(" and not (role = 'teacher' and is_verified)"),
            None => {}
        }
        match is_suspended {
            Some(true) => _ = sql.push(" and suspended_at is not null"),
            Some(false) => _ = sql.push(" and suspended_at is null"),
            None => {}
        }
    }

    fn may_need_full_scan(&self) -> bool {
        *self != Self::default()
    }
}

/// Finds a user by their id.
pub async fn find(db: &DbPool, id: UserId) -> Result<Option<User>, Error> {
    Ok(User::find_by_ids(db, &[id.0]).await?.pop())
}

/// Lists the newest accounts, up to a limit.
pub async fn list(db: &DbPool, filter: &UserFilter, limit: i64) -> Result<Vec<User>, Error> {
    let mut sql = QueryBuilder::new(format!("select {} from {} where true", User::COLUMNS, User::TABLE));
    filter.push(&mut sql);
    sql.push(" order by created_at desc, id desc limit ").push_bind(limit);
    Ok(sql.build_query_as().fetch_all(db).await?)
}

/// Locks the viewer's own account until the transaction ends, and requires that their access token still counts: it is
/// valid longer than what it was issued for. Every mutation that acts for a viewer does this, in its transaction.
///
/// # Errors
/// [`Error::Unauthenticated`] if the account was deleted or is suspended, or the session of the token has ended. A token of
/// `lyceum admin token` has no session.
pub async fn lock_viewer(db: &mut PgConnection, id: UserId, session: CurrentSession) -> Result<User, Error> {
    let row = query!(
        r#"
        select id, name, role, is_verified, created_at, email, suspended_at,
               $2::uuid is null or exists (
                   select from sessions where public_id = $2 and user_id = users.id and expires_at > $3
               ) as "has_session!"
        from users
        where id = $1 and erased_at is null
        for no key update of users
        "#,
        id.0,
        session.0.map(|session| session.0),
        Utc::now(),
    )
    .fetch_optional(db)
    .await?
    .ok_or(ACCOUNT_DELETED)?;
    if row.suspended_at.is_some() {
        return Err(ACCOUNT_SUSPENDED);
    }
    if !row.has_session {
        return Err(SESSION_ENDED);
    }
    Ok(User {
        id: row.id,
        name: row.name,
        role: row.role,
        is_verified: row.is_verified,
        created_at: row.created_at.into(),
        email: row.email,
        suspended_at: row.suspended_at,
        has_signed_in: false,
    })
}

/// Verifies a teacher, if they are not yet.
///
/// # Errors
/// `NOT_FOUND` if there is no such user, or the user is not a teacher; those of [`Actor`].
pub async fn verify_teacher(db: &DbPool, actor: Actor, id: UserId) -> Result<User, Error> {
    let user = set_verified(db, actor, id, true).await?;
    user.ok_or_else(|| Rejection::not_found("teacher", "userId").into())
}

/// Revokes a teacher's verification, if they have it.
///
/// # Errors
/// `NOT_FOUND` if there is no such user, or the user is not a teacher; those of [`Actor`].
pub async fn unverify_teacher(db: &DbPool, actor: Actor, id: UserId) -> Result<User, Error> {
    let user = set_verified(db, actor, id, false).await?;
    user.ok_or_else(|| Rejection::not_found("teacher", "userId").into())
}

/// Sets whether a teacher is verified, and returns the user; None if the user is not a teacher.
pub async fn set_verified(db: &DbPool, actor: Actor, id: UserId, is_verified: bool) -> Result<Option<User>, Error> {
    let mut tx = db.begin().await?;
    lock(&mut tx, actor, id).await?;
    let user = query_as!(
        User,
        r#"
        update users set is_verified = $2
        where id = $1 and role = 'teacher' and erased_at is null
        returning id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        "#,
        id.0,
        is_verified,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(user)
}

/// Inserts an account. The unique constraint decides whether the address is free; with `on conflict`, the database does
/// not write a taken address into its log.
///
/// An account has the address, too, that the legacy system stored in other letter case, or an earlier version with the same
/// domain in Unicode: none of them is new.
///
/// # Errors
/// `EMAIL_TAKEN` if another account has the address.
pub async fn insert(db: &mut PgConnection, sign_up: &SignUp, password_hash: &str) -> Result<User, Error> {
    let (id, created_at) = new_id_and_time();
    let user = query_as!(
        User,
        r#"
        insert into users (id, email, password_hash, name, role, created_at, password_is_normalized)
        select $1, $2, $3, $4, $5, $6, true
        where not exists (
            select from users where email = any($7) or lower(email) = any($7) and email <> lower(email)
        )
        on conflict on constraint users_email_key do nothing
        returning id, name, role, is_verified, created_at, email, suspended_at, true as "has_signed_in!"
        "#,
        id,
        sign_up.email,
        password_hash,
        sign_up.name,
        sign_up.role as Role,
        created_at,
        &[sign_up.email.clone(), with_unicode_domain(&sign_up.email)],
    )
    .fetch_optional(db)
    .await?;
    user.ok_or_else(|| Rejection::new(Code::EmailTaken, "this e-mail address is already registered").at("email").into())
}

/// Finds the account of an address, in any form in which it may be stored. Where two differ in letter case alone, each is
/// found by its address as it is stored.
pub async fn find_account(db: &DbPool, email: &str) -> Result<Option<Account>, Error> {
    let forms = stored_forms(email);
    let rows = query!(
        r#"
        select id, name, role, is_verified, created_at, email, suspended_at, password_hash, second_factor_enabled_at,
               coalesce(password_is_normalized, false) as "password_is_normalized!"
        from users
        where (email = any($1) or lower(email) = any($1) and email <> lower(email)) and erased_at is null
        order by array_position($1, email::text)
        limit 2
        "#,
        &forms,
    )
    .fetch_all(db)
    .await?;
    let is_ambiguous = rows.len() > 1 && !forms.contains(&rows[0].email);
    let found = rows.into_iter().next().filter(|_| !is_ambiguous);
    Ok(found.map(|row| Account {
        user: User {
            id: row.id,
            name: row.name,
            role: row.role,
            is_verified: row.is_verified,
            created_at: row.created_at.into(),
            email: row.email,
            suspended_at: row.suspended_at,
            has_signed_in: false,
        },
        password_hash: row.password_hash,
        password_is_normalized: row.password_is_normalized,
        second_factor_enabled_at: row.second_factor_enabled_at,
    }))
}

/// Finds all accounts that an address may mean, in any letter case, the oldest first.
pub async fn list_by_address(db: &DbPool, email: &str) -> Result<Vec<User>, Error> {
    let users = query_as!(
        User,
        r#"
        select id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        from users
        where (email = any($1) or lower(email) = any($1) and email <> lower(email)) and erased_at is null
        order by created_at, id
        limit 10
        "#,
        &stored_forms(email),
    )
    .fetch_all(db)
    .await?;
    Ok(users)
}

/// Replaces a hash by that of a normalized password. False if it was replaced meanwhile.
pub async fn replace_password_hash(
    db: &mut PgConnection,
    account: &Account,
    password_hash: &str,
) -> Result<bool, Error> {
    let replaced = query!(
        "update users set password_hash = $3, password_is_normalized = true where id = $1 and password_hash = $2",
        account.user.id.0,
        account.password_hash,
        password_hash,
    )
    .execute(db)
    .await?;
    Ok(replaced.rows_affected() > 0)
}

/// Replaces a user's password, whatever it was.
pub async fn set_password_hash(db: &mut PgConnection, id: UserId, password_hash: &str) -> Result<(), Error> {
    query!("update users set password_hash = $2, password_is_normalized = true where id = $1", id.0, password_hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Replaces the viewer's name, if there is a new one.
///
/// # Errors
/// Those of [`lock_viewer`].
pub async fn update_profile(
    db: &DbPool,
    viewer: SignedIn,
    session: CurrentSession,
    name: Option<&str>,
) -> Result<User, Error> {
    let mut tx = db.begin().await?;
    let user = lock_viewer(&mut tx, viewer.id(), session).await?;
    let Some(name) = name else { return Ok(user) };
    query!("update users set name = $2 where id = $1", user.id.0, name).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(User { name: name.to_owned(), ..user })
}

/// Sets a user's role. A teacher has to be verified again after a time in another role. Who is no longer an admin has no
/// sessions any more.
///
/// # Errors
/// `NOT_FOUND` if there is no such user; `LAST_ADMIN` if there would be no admin left; those of [`Actor`].
pub async fn set_role(db: &DbPool, actor: Actor, id: UserId, role: Role) -> Result<User, Error> {
    let mut tx = db.begin().await?;
    let user = lock_and_get(&mut tx, actor, id).await?;
    if user.role == role {
        return Ok(user);
    }
    if user.role == Role::Admin {
        require_other_admin(&mut tx, &user, "role").await?;
        sessions::delete_all(&mut tx, id).await?;
    }
    let user = query_as!(
        User,
        r#"
        update users
        set role = $2, is_verified = false, previous_role = case when $2 = 'admin'::user_role then role end
        where id = $1
        returning id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        "#,
        id.0,
        role as Role,
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(user)
}

/// Suspends a user, and ends their sessions. A user who is suspended already stays so.
///
/// # Errors
/// `NOT_FOUND` if there is no such user; `LAST_ADMIN` if no admin could sign in any more; those of [`Actor`].
pub async fn suspend(db: &DbPool, actor: Actor, id: UserId) -> Result<User, Error> {
    let mut tx = db.begin().await?;
    let user = lock_and_get(&mut tx, actor, id).await?;
    require_other_admin(&mut tx, &user, "userId").await?;
    let user = query_as!(
        User,
        r#"
        update users set suspended_at = coalesce(suspended_at, now())
        where id = $1
        returning id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        "#,
        id.0,
    )
    .fetch_one(&mut *tx)
    .await?;
    sessions::delete_all(&mut tx, id).await?;
    tx.commit().await?;
    Ok(user)
}

/// Lets a suspended user sign in again.
///
/// # Errors
/// `NOT_FOUND` if there is no such user; those of [`Actor`].
pub async fn unsuspend(db: &DbPool, actor: Actor, id: UserId) -> Result<User, Error> {
    let mut tx = db.begin().await?;
    lock(&mut tx, actor, id).await?;
    let user = query_as!(
        User,
        r#"
        update users set suspended_at = null
        where id = $1 and erased_at is null
        returning id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        "#,
        id.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    user.ok_or_else(|| Rejection::not_found("user", "userId").into())
}

/// Locks a user until the transaction ends. All admins are locked as well, and always in the same order, so that of two
/// admins who take each other's rights at the same time one remains.
///
/// # Errors
/// Those of [`Actor`].
pub(crate) async fn lock(db: &mut PgConnection, actor: Actor, id: UserId) -> Result<(), Error> {
    let admin = match actor {
        Actor::Admin(admin, _) => Some(admin.id().0),
        Actor::Operator => None,
    };
    query!("select id from users where role = 'admin' or id in ($1, $2) order by id for update", id.0, admin)
        .fetch_all(&mut *db)
        .await?;
    let Actor::Admin(admin, session) = actor else { return Ok(()) };
    let admin = lock_viewer(db, admin.id(), session).await?;
    if admin.role == Role::Admin { Ok(()) } else { Err(ADMIN_NO_MORE) }
}

/// # Errors
/// Those of [`Actor`]; `NOT_FOUND` if there is no such user.
pub(crate) async fn lock_and_get(db: &mut PgConnection, actor: Actor, id: UserId) -> Result<User, Error> {
    lock(db, actor, id).await?;
    let user = query_as!(
        User,
        r#"
        select id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        from users
        where id = $1 and erased_at is null
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    user.ok_or_else(|| Rejection::not_found("user", "userId").into())
}

/// # Errors
/// `LAST_ADMIN` if the user is an admin who can sign in, and no other one can.
pub(crate) async fn require_other_admin(db: &mut PgConnection, user: &User, field: &'static str) -> Result<(), Error> {
    if user.role != Role::Admin || user.suspended_at.is_some() {
        return Ok(());
    }
    let has_other = query_scalar!(
        r#"
        select exists (
            select from users where role = 'admin' and suspended_at is null and id <> $1
        ) as "has_other!"
        "#,
        user.id.0,
    )
    .fetch_one(db)
    .await?;
    if has_other {
        return Ok(());
    }
    Err(Rejection::new(
        Code::LastAdmin,
        "there would be no admin left who can sign in: make somebody else an admin first",
    )
    .at(field)
    .into())
}

/// Makes a user an admin, and stores their previous role. False if they are an admin already.
pub async fn make_admin(db: &DbPool, id: UserId) -> Result<bool, Error> {
    let mut tx = db.begin().await?;
    lock(&mut tx, Actor::Operator, id).await?;
    let changed = query!(
        "update users set previous_role = role, role = 'admin'
         where id = $1 and role <> 'admin' and erased_at is null",
        id.0,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(changed.rows_affected() > 0)
}

/// Restores an admin's previous role, and returns it; None if the user is not an admin.
///
/// # Errors
/// `NOT_FOUND` if there is no such user; `LAST_ADMIN` if no admin could sign in any more.
pub async fn revoke_admin(db: &mut PgConnection, id: UserId) -> Result<Option<Role>, Error> {
    let user = lock_and_get(db, Actor::Operator, id).await?;
    require_other_admin(db, &user, "userId").await?;
    let role = query_scalar!(
        r#"
        update users set role = coalesce(previous_role, 'student'), previous_role = null
        where id = $1 and role = 'admin'
        returning role
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(role)
}
