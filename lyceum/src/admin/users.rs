//! `lyceum admin users`: finds the account of a person who does not know its address.

use anyhow::Result;
use clap::{ArgAction, Args};
use identity::{
    admin,
    user::{Role, User, graphql::UserFilter},
};

use super::{data_dir::IdentityDatabase, wording::role_of};
use crate::terminal::line;

/// The settings of `lyceum admin users`.
#[derive(Args)]
pub struct Settings {
    /// A part of the name or of the e-mail address, in any letter case.
    text: Option<String>,

    /// Only users of this role.
    #[arg(long)]
    role: Option<Role>,

    /// Only verified teachers (true), or everyone else (false).
    #[arg(long, value_name = "BOOLEAN", action = ArgAction::Set)]
    verified: Option<bool>,

    /// Only suspended users (true), or everyone else (false).
    #[arg(long, value_name = "BOOLEAN", action = ArgAction::Set)]
    suspended: Option<bool>,

    /// The maximum number of users to list.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    #[command(flatten)]
    database: IdentityDatabase,
}

/// Lists users, the newest account first.
pub async fn run(settings: &Settings) -> Result<()> {
    let filter = UserFilter {
        search: settings.text.clone(),
        role: settings.role,
        is_verified: settings.verified,
        is_suspended: settings.suspended,
    };
    let db = settings.database.open().await?;
    let limit = settings.limit as usize;
    // One more than is shown tells whether there are more.
    let users = admin::list(&db, filter, i64::from(settings.limit) + 1).await?;
    if users.is_empty() {
        line("No users.");
    }
    for user in users.iter().take(limit) {
        show(user);
    }
    if users.len() > limit {
        line(format_args!("There are more than {limit}: narrow the search, or raise `--limit`."));
    }
    Ok(())
}

fn show(user: &User) {
    let suspended = if user.suspended_at.is_some() { ", suspended" } else { "" };
    // What a user has typed must not control the terminal.
    let (email, name) = (user.email.escape_debug(), user.name.escape_debug());
    line(format_args!("{} {email} {name}: {}{suspended}", user.id, role_of(user)));
}
