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
    viewer::Admin,
};
use uuid::Uuid;

use super::{Role, SignUp, User, normalize_email};

/// A user with their password hash.
pub struct Account {
    /// The user.
    pub user: User,
    /// An Argon2id hash, or a bcrypt hash of the legacy system.
    pub password_hash: String,
}

/// The filter for teachers who wait for verification.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnverifiedTeachers;

impl Paginated for User {
    const TYPE_NAME: &'static str = "user";
    const TABLE: &'static str = "users";
    const COLUMNS: &'static str = "id, name, role, is_verified, created_at, email";
    const TIME: &'static str = "created_at";

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
            select id, name, role, is_verified, created_at, email, false as "has_signed_in!"
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
    type Filter = UnverifiedTeachers;
    type Proof = Admin;
}

impl Filter for UnverifiedTeachers {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" and role = 'teacher' and not is_verified");
    }

    fn may_read_everything(&self) -> bool {
        true
    }
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
        returning id, name, role, is_verified, created_at, email, false as "has_signed_in!"
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
pub async fn insert(db: &mut PgConnection, sign_up: &SignUp, password_hash: &str) -> Result<User, Error> {
    let (id, created_at) = new_id_and_time();
    let user = query_as!(
        User,
        r#"
        insert into users (id, email, password_hash, name, role, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict on constraint users_email_key do nothing
        returning id, name, role, is_verified, created_at, email, true as "has_signed_in!"
        "#,
        id,
        sign_up.email,
        password_hash,
        sign_up.name,
        sign_up.role,
        created_at,
    )
    .fetch_optional(db)
    .await?;
    user.ok_or_else(|| {
        Rejection::new(Code::EmailTaken, "an account with this e-mail address exists").at("email").into()
    })
}

/// Finds the account of an address, as typed or in lower case: a legacy system may have left two accounts that differ
/// in letter case alone.
pub async fn find_account(db: &DbPool, email: &str) -> Result<Option<Account>, Error> {
    let row = query!(
        r#"
        select id, name, role, is_verified, created_at, email, password_hash
        from users
        where email in ($1, $2)
        order by email = $1 desc
        limit 1
        "#,
        email,
        normalize_email(email),
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
            has_signed_in: false,
        },
        password_hash: row.password_hash,
    }))
}

/// Replaces a hash, unless it was replaced meanwhile.
pub async fn replace_password_hash(db: &DbPool, account: &Account, password_hash: &str) -> Result<(), Error> {
    query!(
        "update users set password_hash = $3 where id = $1 and password_hash = $2",
        account.user.id.0,
        account.password_hash,
        password_hash,
    )
    .execute(db)
    .await?;
    Ok(())
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
