//! `lyceum admin erase`: deletes an account, for support.

use anyhow::{Result, ensure};
use clap::Args;
use course::erasure::has_published_courses;
use identity::admin;

use super::{data_dir::KeySettings, person::Person};
use crate::terminal::line;

/// The settings of `lyceum admin erase`.
#[derive(Args)]
pub struct Settings {
    #[command(flatten)]
    person: Person,

    /// The URL of course's database, for the courses that the user teaches. Default: the database of the `lyceum up` that
    /// is running on the data directory.
    #[arg(long, env = "COURSE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    course_database_url: Option<String>,

    #[command(flatten)]
    keys: KeySettings,
}

/// Deletes an account. The services that are running erase the rest.
pub async fn run(Settings { person, course_database_url, keys }: &Settings) -> Result<()> {
    let (db, user) = person.find().await?;
    let courses = person.database.access.open(&course::DEFINITION, course_database_url.as_deref()).await?;
    ensure!(
        !has_published_courses(&courses, user.id).await?,
        "{} teaches courses that are in the catalogue: they must be withdrawn or deleted first; nothing changed",
        person.email
    );
    let erasure = admin::erase(&db, &user, &keys.tokens).await?;
    line(format_args!("The account was deleted. Everybody who has its id can follow the erasure: {erasure}"));
    Ok(())
}
