//! `lyceum admin mail`: the mails to users, which are only stored where there is no SMTP server.

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};
use console::style;
use db::DbPool;
use identity::{
    mail::store::{self, Mail},
    user::normalize_email,
};
use uuid::Uuid;

use super::{data_dir::IdentityDatabase, wording::TIME};
use crate::terminal::line;

/// The settings of `lyceum admin mail`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Settings {
    #[command(subcommand)]
    command: Option<Command>,

    /// Only mails to this address.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,

    /// The number of mails to list.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    #[command(flatten)]
    database: IdentityDatabase,
}

#[derive(Subcommand)]
enum Command {
    /// Print a mail, with its link. Whoever has the link of a mail can use it: show it to nobody but the recipient.
    Show {
        /// The id of the mail.
        id: Uuid,
        #[command(flatten)]
        database: IdentityDatabase,
    },
    /// Resend a mail that was given up, as long as its link works.
    Resend {
        /// The id of the mail.
        id: Uuid,
        #[command(flatten)]
        database: IdentityDatabase,
    },
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
    let mails = match &settings.to {
        None => store::list(&db, None, settings.limit.into()).await?,
        Some(address) => list_to(&db, address, settings.limit.into()).await?,
    };
    if mails.is_empty() {
        line("No mails.");
    }
    for mail in mails {
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

/// An address of the legacy system may be stored in another form than ours are.
async fn list_to(db: &DbPool, address: &str, limit: i64) -> Result<Vec<Mail>> {
    let mails = store::list(db, Some(address), limit).await?;
    if !mails.is_empty() {
        return Ok(mails);
    }
    Ok(store::list(db, Some(&normalize_email(address)), limit).await?)
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
