//! A subgraph's database role: it reads and writes rows, and owns nothing.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::percent_decode_str;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, PgConnection, query, query_scalar, raw_sql};

use crate::{DbPool, address::first_url};

/// PostgreSQL's default `scram_iterations`.
const ITERATIONS: u32 = 4_096;

/// An unprivileged role, as a database's URL names it.
pub struct AppRole {
    name: String,
    password: Option<String>,
    iterations: u32,
}

impl AppRole {
    /// The role in a database's URL.
    ///
    /// # Errors
    /// [`sqlx::Error::Configuration`] if the URL is not valid or names no role.
    pub fn in_url(url: &str) -> Result<Self, sqlx::Error> {
        let url = first_url(url)?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Ok(Self { name: decoded(url.username()), password: url.password().map(decoded), iterations: ITERATIONS })
    }

    /// Uses one SCRAM iteration: a random password needs no more, and each connection pays for them.
    #[must_use]
    pub fn with_random_password(self) -> Self {
        Self { iterations: 1, ..self }
    }

    /// Grants the role access to the rows of all existing tables, and nothing else. Creates the role if it is missing,
    /// and sets the URL's password, if the owner may.
    pub async fn provision(&self, owner: impl Into<DbPool>) -> Result<(), sqlx::Error> {
        let mut transaction = owner.into().begin().await?;
        // Concurrent runs would conflict.
        query("select pg_advisory_xact_lock(hashtext('lyceum roles'))").execute(&mut *transaction).await?;
        let current: String = query_scalar("select current_user::text").fetch_one(&mut *transaction).await?;
        if current != self.name {
            self.make(&mut transaction).await?;
            self.grant(&mut transaction).await?;
        }
        transaction.commit().await
    }

    async fn make(&self, owner: &mut PgConnection) -> Result<(), sqlx::Error> {
        let exists = "select exists (select from pg_roles where rolname = $1)";
        let exists: bool = query_scalar(exists).bind(&self.name).fetch_one(&mut *owner).await?;
        let may_make = "select rolsuper or rolcreaterole from pg_roles where rolname = current_user";
        let may_make: bool = query_scalar(may_make).fetch_one(&mut *owner).await?;
        if exists && !may_make {
            return Ok(());
        }
        let verb = if exists { "alter" } else { "create" };
        let password = self.password.as_ref().map(|password| format!(" password '{}'", self.verifier(password)));
        let statement = format!("{verb} role {} login{}", self.quoted(), password.unwrap_or_default());
        raw_sql(AssertSqlSafe(statement)).execute(owner).await?;
        Ok(())
    }

    async fn grant(&self, owner: &mut PgConnection) -> Result<(), sqlx::Error> {
        let role = self.quoted();
        let statements = format!(
            "revoke create on schema public from public;
             grant usage on schema public to {role};
             grant select, insert, update, delete on all tables in schema public to {role};
             grant usage, select on all sequences in schema public to {role};"
        );
        raw_sql(AssertSqlSafe(statements)).execute(&mut *owner).await?;
        // Only the owner records applied migrations.
        for table in ["_sqlx_migrations", "_sqlx_migrations_tuned"] {
            let exists = query_scalar("select to_regclass($1) is not null").bind(table);
            if exists.fetch_one(&mut *owner).await? {
                let statement = format!("revoke insert, update, delete on {table} from {role}");
                raw_sql(AssertSqlSafe(statement)).execute(&mut *owner).await?;
            }
        }
        Ok(())
    }

    fn quoted(&self) -> String {
        format!("\"{}\"", self.name.replace('"', "\"\""))
    }

    /// The SCRAM verifier, which the server stores (RFC 5803), so that no statement, and no log of one, contains the
    /// password.
    fn verifier(&self, password: &str) -> String {
        let salt: [u8; 16] = rand::random();
        scram_verifier(password.as_bytes(), &salt, self.iterations)
    }
}

fn scram_verifier(password: &[u8], salt: &[u8], iterations: u32) -> String {
    let salted = salted_password(password, salt, iterations);
    let stored_key = Sha256::digest(hmac(&salted, b"Client Key"));
    let server_key = hmac(&salted, b"Server Key");
    let [salt, stored_key, server_key] = [salt, &stored_key, &server_key].map(|bytes| BASE64_STANDARD.encode(bytes));
    format!("SCRAM-SHA-256${iterations}:{salt}${stored_key}:{server_key}")
}

/// `Hi` of RFC 5802.
fn salted_password(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut round = hmac(password, &[salt, &1_u32.to_be_bytes()].concat());
    let mut salted = round;
    for _ in 1..iterations {
        round = hmac(password, &round);
        for (byte, other) in salted.iter_mut().zip(round) {
            *byte ^= other;
        }
    }
    salted
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    hmac.update(message);
    hmac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_role_and_password() {
        let role = AppRole::in_url("postgres://course_app:p%40ss%3Aword@db:5432/course").expect("an address");

        assert_eq!((role.name.as_str(), role.password.as_deref()), ("course_app", Some("p@ss:word")));
        assert!(AppRole::in_url("course").is_err());
    }

    #[test]
    fn a_verifier_is_as_the_rfc_says() {
        // RFC 7677, section 3: the exchange of user `user` with password `pencil`.
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("the salt");

        assert_eq!(
            scram_verifier(b"pencil", &salt, 4_096),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }
}
