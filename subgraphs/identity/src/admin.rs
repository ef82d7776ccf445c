//! What an operator does beside the graph.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgPool, query};
use subgraph_kit::Error;

use crate::{
    password::hash_password,
    user::{Role, SignUp, store},
};

/// Makes an admin, which nobody can sign up as. An account with this address is left as it is.
///
/// # Errors
/// Those of the database.
pub async fn create(db: &PgPool, email: &str, name: &str, password: &str) -> Result<(), Error> {
    let admin =
        SignUp { email: email.to_owned(), password: password.to_owned(), name: name.to_owned(), role: Role::Admin };
    match store::insert(&mut *db.acquire().await?, &admin, &hash_password(password)).await {
        Ok(_) | Err(Error::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Those of the addresses that somebody has, and since when.
///
/// # Errors
/// Those of the database.
pub async fn existing(db: &PgPool, emails: &[String]) -> Result<HashMap<String, DateTime<Utc>>, Error> {
    let users = query!("select email, created_at from users where email = any($1)", emails).fetch_all(db).await?;
    Ok(users.into_iter().map(|user| (user.email, user.created_at)).collect())
}
