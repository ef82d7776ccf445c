//! Every SQL statement on the table `users`.

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
    viewer::Admin,
};
use uuid::Uuid;

use super::{
    Role, SignUp, User,
    email::{stored_forms, with_unicode_domain},
};
use crate::session::store as sessions;

/// A user with their password hash.
pub struct Account {
    /// The user.
    pub user: User,
    /// An Argon2id hash, or a bcrypt hash of the legacy system.
    pub password_hash: String,
}

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
            let pattern = ilike_pattern(search);
            sql.push(" and (name ilike ")
                .push_bind(pattern.clone())
                .push(" or email ilike ")
                .push_bind(pattern)
                .push(")");
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

/// Verifies a teacher, if they are not yet.
///
/// # Errors
/// `NOT_FOUND` if there is no such user, or the user is not a teacher.
pub async fn verify_teacher(db: &DbPool, _: Admin, id: UserId) -> Result<User, Error> {
    let user = set_verified(db, id).await?;
    user.ok_or_else(|| Rejection::not_found("teacher", "userId").into())
}

/// Verifies a teacher, and returns the user; None if the user is not a teacher.
pub async fn set_verified(db: &DbPool, id: UserId) -> Result<Option<User>, Error> {
    let user = query_as!(
        User,
        r#"
        update users set is_verified = true
        where id = $1 and role = 'teacher'
        returning id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Inserts an account. The unique constraint decides whether the address is free; with `on conflict`, the database does
/// not write a taken address into its log.
///
/// # Errors
/// `EMAIL_TAKEN` if another account has the address.
///
/// An account that an earlier version stored with the same domain in Unicode has the address, too: none of them is new.
pub async fn insert(db: &mut PgConnection, sign_up: &SignUp, password_hash: &str) -> Result<User, Error> {
    let (id, created_at) = new_id_and_time();
    let user = query_as!(
        User,
        r#"
        insert into users (id, email, password_hash, name, role, created_at)
        select $1, $2, $3, $4, $5, $6
        where not exists (select from users where email = $7)
        on conflict on constraint users_email_key do nothing
        returning id, name, role, is_verified, created_at, email, suspended_at, true as "has_signed_in!"
        "#,
        id,
        sign_up.email,
        password_hash,
        sign_up.name,
        sign_up.role as Role,
        created_at,
        with_unicode_domain(&sign_up.email),
    )
    .fetch_optional(db)
    .await?;
    user.ok_or_else(|| Rejection::new(Code::EmailTaken, "this e-mail address is already registered").at("email").into())
}

/// Finds the account of an address, in any form in which it may be stored.
pub async fn find_account(db: &DbPool, email: &str) -> Result<Option<Account>, Error> {
    let row = query!(
        r#"
        select id, name, role, is_verified, created_at, email, suspended_at, password_hash
        from users
        where email = any($1) and erased_at is null
        order by array_position($1, email::text)
        limit 1
        "#,
        &stored_forms(email),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Account {
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
    }))
}

/// Replaces a hash. False if it was replaced meanwhile.
pub async fn replace_password_hash(
    db: &mut PgConnection,
    account: &Account,
    password_hash: &str,
) -> Result<bool, Error> {
    let replaced = query!(
        "update users set password_hash = $3 where id = $1 and password_hash = $2",
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
    query!("update users set password_hash = $2 where id = $1", id.0, password_hash).execute(db).await?;
    Ok(())
}

/// Replaces a user's name; None if there is no such user.
pub async fn set_name(db: &DbPool, id: UserId, name: &str) -> Result<Option<User>, Error> {
    let user = query_as!(
        User,
        r#"
        update users set name = $2
        where id = $1
        returning id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        "#,
        id.0,
        name,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Revokes a teacher's verification, if they have it.
///
/// # Errors
/// `NOT_FOUND` if there is no such user, or the user is not a teacher.
pub async fn unverify_teacher(db: &DbPool, _: Admin, id: UserId) -> Result<User, Error> {
    let user = set_unverified(db, id).await?;
    user.ok_or_else(|| Rejection::not_found("teacher", "userId").into())
}

/// Revokes a teacher's verification, and returns the user; None if the user is not a teacher.
pub async fn set_unverified(db: &DbPool, id: UserId) -> Result<Option<User>, Error> {
    let user = query_as!(
        User,
        r#"
        update users set is_verified = false
        where id = $1 and role = 'teacher'
        returning id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(user)
}

/// Sets a user's role. A teacher has to be verified again after a time in another role. Who is no longer an admin has no
/// sessions any more.
///
/// # Errors
/// `NOT_FOUND` if there is no such user; `LAST_ADMIN` if there would be no admin left.
pub async fn set_role(db: &DbPool, _: Admin, id: UserId, role: Role) -> Result<User, Error> {
    let mut tx = db.begin().await?;
    let user = lock(&mut tx, id).await?;
    if user.role == role {
        return Ok(user);
    }
    if user.role == Role::Admin {
        require_other_admin(&mut tx, id, "role").await?;
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
/// `NOT_FOUND` if there is no such user; `LAST_ADMIN` if no admin could sign in any more.
pub async fn suspend(db: &DbPool, id: UserId) -> Result<User, Error> {
    let mut tx = db.begin().await?;
    let user = lock(&mut tx, id).await?;
    if user.role == Role::Admin && user.suspended_at.is_none() {
        require_other_admin(&mut tx, id, "userId").await?;
    }
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
/// `NOT_FOUND` if there is no such user.
pub async fn unsuspend(db: &DbPool, id: UserId) -> Result<User, Error> {
    let user = query_as!(
        User,
        r#"
        update users set suspended_at = null
        where id = $1 and erased_at is null
        returning id, name, role, is_verified, created_at, email, suspended_at, false as "has_signed_in!"
        "#,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    user.ok_or_else(|| Rejection::not_found("user", "userId").into())
}

/// Locks a user until the transaction ends. All admins are locked first, and always in the same order, so that of two
/// admins who take each other's rights at the same time one remains.
pub(crate) async fn lock(db: &mut PgConnection, id: UserId) -> Result<User, Error> {
    query!("select id from users where role = 'admin' or id = $1 order by id for update", id.0)
        .fetch_all(&mut *db)
        .await?;
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
/// `LAST_ADMIN` if no other admin can sign in.
pub(crate) async fn require_other_admin(db: &mut PgConnection, id: UserId, field: &'static str) -> Result<(), Error> {
    let has_other = query_scalar!(
        r#"
        select exists (
            select from users where role = 'admin' and suspended_at is null and id <> $1
        ) as "has_other!"
        "#,
        id.0,
    )
    .fetch_one(db)
    .await?;
    if has_other {
        return Ok(());
    }
    Err(Rejection::new(Code::LastAdmin, "there would be no admin left who can sign in").at(field).into())
}

/// Makes a user an admin, and stores their previous role. False if they are an admin already.
pub async fn make_admin(db: &DbPool, id: UserId) -> Result<bool, Error> {
    let changed =
        query!("update users set previous_role = role, role = 'admin' where id = $1 and role <> 'admin'", id.0,)
            .execute(db)
            .await?;
    Ok(changed.rows_affected() > 0)
}

/// Restores an admin's previous role, and returns it; None if the user is not an admin.
pub async fn revoke_admin(db: &mut PgConnection, id: UserId) -> Result<Option<Role>, Error> {
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
