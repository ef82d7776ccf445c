//! `lyceum admin mail`: the mails to users, which are only stored where there is no SMTP server.

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};
use console::style;
use db::{DbPool, database::DatabaseSettings};
use identity::mail::store::{self, Mail};
use uuid::Uuid;

use super::data_dir::DataDirArg;
use crate::{subgraphs, terminal::line};

/// The form of a time.
const TIME: &str = "%Y-%m-%d %H:%M UTC";

/// The settings of `lyceum admin mail`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Settings {
    #[command(subcommand)]
    command: Option<Command>,

    /// Only mails to this address, exactly as it is stored.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,

    /// The number of mails to list.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    #[command(flatten)]
    database: Database,
}

#[derive(Subcommand)]
enum Command {
    /// Print a mail, with its link. Whoever has the link of a mail can use it: show it to nobody but the recipient.
    Show {
        /// The id of the mail.
        id: Uuid,
        #[command(flatten)]
        database: Database,
    },
    /// Resend a mail that was given up, as long as its link works.
    Resend {
        /// The id of the mail.
        id: Uuid,
        #[command(flatten)]
        database: Database,
    },
}

#[derive(Args)]
struct Database {
    /// The URL of identity's database: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. Default: the database of the
    /// `lyceum up` that is running on the data directory.
    #[arg(long, env = "IDENTITY_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    identity_database_url: Option<String>,

    #[command(flatten)]
    data_dir: DataDirArg,
}

/// Lists mails, shows or resends one.
pub async fn run(settings: &Settings) -> Result<()> {
    match &settings.command {
        None => list(settings).await,
        Some(Command::Show { id, database }) => show(*id, &database.open().await?).await,
        Some(Command::Resend { id, database }) => resend(*id, &database.open().await?).await,
    }
}

async fn list(settings: &Settings) -> Result<()> {
    let db = settings.database.open().await?;
    for mail in store::list(&db, settings.to.as_deref(), settings.limit.into()).await? {
        line(format_args!(
            "{} {} {} to {}: {}",
            mail.id,
            mail.created_at.format(TIME),
            state(&mail),
            // What a user has typed must not control the terminal.
            mail.recipient.escape_debug(),
            mail.subject
        ));
    }
    Ok(())
}

async fn show(id: Uuid, db: &DbPool) -> Result<()> {
    let mail = store::find(db, id).await?.with_context(|| format!("there is no mail with the id {id}"))?;
    line(format_args!("to       {}", mail.recipient.escape_debug()));
    line(format_args!("subject  {}", mail.subject));
    line(format_args!("written  {}", mail.created_at.format(TIME)));
    line(format_args!("state    {}, attempts: {}", state(&mail), mail.attempts));
    if let Some(reason) = &mail.reason {
        line(format_args!("because  {}", reason.escape_debug()));
    }
    match &mail.body {
        Some(body) => line(format_args!("\n{}", body.trim_end())),
        None => line("\nIts text was deleted: it was sent, or its link has expired."),
    }
    Ok(())
}

async fn resend(id: Uuid, db: &DbPool) -> Result<()> {
    ensure!(
        store::resend(db, id).await?,
        "no mail with the id {id} was given up, or its link has expired: nothing changed"
    );
    line(format_args!("Mail {id} will be resent."));
    Ok(())
}

fn state(mail: &Mail) -> String {
    match mail {
        Mail { sent_at: Some(_), body: Some(_), .. } => style("stored").green().to_string(),
        Mail { sent_at: Some(_), .. } => style("sent").green().to_string(),
        Mail { failed_at: Some(_), .. } => style("given up").red().to_string(),
        _ => style("pending").yellow().to_string(),
    }
}

impl Database {
    async fn open(&self) -> Result<DbPool> {
        let one = DatabaseSettings { db_pool_min: 0, db_pool_max: 1, ..DatabaseSettings::default() };
        let url = match self.identity_database_url.as_ref().filter(|url| !url.is_empty()) {
            Some(url) => url.clone(),
            None => self.data_dir.running_database(&identity::DEFINITION)?,
        };
        subgraphs::open(&identity::DEFINITION, &url, &one).await
    }
}
