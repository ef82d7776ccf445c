//! What an operator does beside the graph.

use sqlx::{PgPool, query_scalar};
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

/// Those of the addresses that somebody has.
///
/// # Errors
/// Those of the database.
pub async fn existing(db: &PgPool, emails: &[String]) -> Result<Vec<String>, Error> {
    Ok(query_scalar!("select email from users where email = any($1)", emails).fetch_all(db).await?)
}
