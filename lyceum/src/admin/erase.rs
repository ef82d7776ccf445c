//! `lyceum admin erase`: deletes an account, for support.

use anyhow::{Result, ensure};
use clap::Args;
use course::erasure::has_published_courses;
use db::database::DatabaseSettings;
use identity::admin;

use super::{data_dir::KeySettings, person::Person};
use crate::{subgraphs, terminal::line};

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
    let courses = match course_database_url.as_ref().filter(|url| !url.is_empty()) {
        Some(url) => url.clone(),
        None => person.database.data_dir.running_database(&course::DEFINITION)?,
    };
    let one = DatabaseSettings { db_pool_min: 0, db_pool_max: 1, ..DatabaseSettings::default() };
    let courses = subgraphs::open(&course::DEFINITION, &courses, &one).await?;
    ensure!(
        !has_published_courses(&courses, user.id).await?,
        "{} teaches courses that are in the catalogue: they must be withdrawn or deleted first; nothing changed",
        person.email
    );
    let erasure = admin::erase(&db, &user, &keys.tokens).await?;
    line(format_args!("The account was deleted. Everybody who has its id can follow the erasure: {erasure}"));
    Ok(())
}
