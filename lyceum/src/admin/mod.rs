//! `lyceum admin`: an operator's commands outside the graph, on the databases and identity's signing keys.

mod data_dir;
mod doctor;
mod environment;
mod erase;
mod events;
mod export;
mod mail;
mod person;
mod reconcile;
mod users;
mod wording;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use identity::{
    Keys,
    admin::{self, Change},
    user::Role,
};

use self::{
    data_dir::{DataDirArg, KeySettings},
    person::Person,
    wording::{TIME, name, role_of},
};
use crate::terminal::line;

/// The settings of `lyceum admin`.
#[derive(Args)]
pub struct Settings {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a user an admin, effective with the next refresh of their session.
    Grant(Person),
    /// Give an admin back their previous role, and end their sessions. Access tokens that were already issued stay
    /// valid until they expire.
    Revoke(Person),
    /// Verify a teacher, who can then publish courses, effective with the next refresh of their session.
    VerifyTeacher(Person),
    /// Take a teacher's verification back, from the next refresh of their session on. Their courses stay.
    UnverifyTeacher(Person),
    /// Set the role of a user, effective with the next refresh of their session. A new teacher is not verified, also one
    /// who was before. The sessions of an admin who is no longer one end.
    SetRole {
        #[command(flatten)]
        person: Person,
        /// The new role.
        role: Role,
    },
    /// List users, the newest account first, by a part of their name or e-mail address, role and state.
    Users(Box<users::Settings>),
    /// Show an account: name, role, whether its address is verified and whether it is suspended, and where the user is
    /// signed in.
    User(Person),
    /// Suspend a user: end their sessions, and let them sign in no more. Access tokens that were already issued stay
    /// valid until they expire.
    Suspend(Person),
    /// Let a suspended user sign in again.
    Unsuspend(Person),
    /// End all sessions of a user. Access tokens that were already issued stay valid until they expire.
    EndSessions(Person),
    /// Give a user a new random password, print it, and end their sessions: for whoever has forgotten theirs.
    ResetPassword(Person),
    /// Disable the second factor of a user who has lost the authenticator app and the recovery codes, so that signing in needs
    /// only the password. Make sure that it is the person who asks. They are told by mail and by a notification.
    ResetSecondFactor(Person),
    /// Delete an account and erase the person in all services, as `deleteMyAccount` does. It cannot be undone.
    Erase(Box<erase::Settings>),
    /// Print all data that the services have of a user, as JSON: what `exportMyData` collects.
    Export(Box<export::Settings>),
    /// Print an access token of a user, for scripts. It is valid as long as any other (`--access-token-seconds`, 15
    /// minutes by default), and cannot be refreshed.
    Token {
        #[command(flatten)]
        person: Person,
        #[command(flatten)]
        keys: KeySettings,
    },
    /// Rotate the signing key. identity publishes the new key immediately, and signs with it once all processes can
    /// have fetched it. Tokens of the previous key stay valid until they expire; then that key is removed. No restart
    /// is needed.
    RotateKey {
        #[command(flatten)]
        data_dir: DataDirArg,
        #[command(flatten)]
        keys: KeySettings,
    },
    /// List the events between services that are pending or dead-lettered, and resend dead-lettered ones.
    Events(Box<events::Settings>),
    /// List the mails to users, show one, and resend those that were given up.
    Mail(Box<mail::Settings>),
    /// Look at the whole system, and say what is wrong and what to do: databases, their servers and schemas, events, keys,
    /// secrets. Changes nothing. The exit code is 1 if there is a problem.
    Doctor(Box<doctor::Settings>),
    /// Compare payments with enrollments, which are in two databases, through the graph. The exit code is 1 if any do
    /// not agree.
    Reconcile(Box<reconcile::Settings>),
    /// Write `.env` with new secrets for `docker compose up`.
    InitEnv(environment::Settings),
}

/// Runs one command, which prints its result: usually one line.
pub async fn run(settings: Settings) -> Result<()> {
    match settings.command {
        Command::Grant(person) => grant(&person).await,
        Command::Revoke(person) => revoke(&person).await,
        Command::VerifyTeacher(person) => verify_teacher(&person).await,
        Command::UnverifyTeacher(person) => unverify_teacher(&person).await,
        Command::SetRole { person, role } => set_role(&person, role).await,
        Command::Users(settings) => users::run(&settings).await,
        Command::User(person) => show(&person).await,
        Command::Suspend(person) => suspend(&person).await,
        Command::Unsuspend(person) => unsuspend(&person).await,
        Command::EndSessions(person) => end_sessions(&person).await,
        Command::ResetPassword(person) => reset_password(&person).await,
        Command::ResetSecondFactor(person) => reset_second_factor(&person).await,
        Command::Erase(settings) => erase::run(&settings).await,
        Command::Export(settings) => export::run(&settings).await,
        Command::Token { person, keys } => token(&person, &keys).await,
        Command::RotateKey { data_dir, keys } => rotate_key(&data_dir, &keys),
        Command::Events(settings) => events::run(&settings).await,
        Command::Mail(settings) => mail::run(&settings).await,
        Command::Doctor(settings) => doctor::run(&settings).await,
        Command::Reconcile(settings) => reconcile::run(&settings).await,
        Command::InitEnv(settings) => environment::run(&settings),
    }
}

async fn grant(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let email = &person.email;
    match admin::grant(&db, &user).await? {
        Change::Applied(()) => line(format_args!("{email} is now an admin, effective with the next session refresh.")),
        Change::Unchanged => line(format_args!("{email} is already an admin: nothing changed.")),
    }
    Ok(())
}

async fn revoke(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let email = &person.email;
    match admin::revoke(&db, &user).await? {
        Change::Applied(revoked) => line(format_args!(
            "{email} is no longer an admin but a {} again; sessions ended: {}.",
            name(revoked.role),
            revoked.sessions
        )),
        Change::Unchanged => line(format_args!("{email} is not an admin: nothing changed.")),
    }
    Ok(())
}

async fn verify_teacher(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let email = &person.email;
    match admin::verify_teacher(&db, &user).await? {
        Some(Change::Applied(())) => {
            line(format_args!("{email} is now a verified teacher, effective with the next session refresh."));
        }
        Some(Change::Unchanged) => line(format_args!("{email} is already a verified teacher: nothing changed.")),
        None => bail!("{email} is not a teacher but has the role {}: nothing changed", name(user.role)),
    }
    Ok(())
}

async fn unverify_teacher(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let email = &person.email;
    match admin::unverify_teacher(&db, &user).await? {
        Some(Change::Applied(())) => {
            line(format_args!("{email} is no longer a verified teacher, effective with the next session refresh."));
        }
        Some(Change::Unchanged) => line(format_args!("{email} is not a verified teacher: nothing changed.")),
        None => bail!("{email} is not a teacher but has the role {}: nothing changed", name(user.role)),
    }
    Ok(())
}

async fn set_role(person: &Person, role: Role) -> Result<()> {
    let (db, user) = person.find().await?;
    let email = &person.email;
    match admin::set_role(&db, &user, role).await? {
        Change::Applied(()) => {
            line(format_args!("{email} has the role {} now, effective with the next session refresh.", name(role)));
        }
        Change::Unchanged => line(format_args!("{email} has the role {} already: nothing changed.", name(role))),
    }
    Ok(())
}

async fn show(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    line(format_args!("id         {}", user.id));
    let is_verified = admin::is_email_verified(&db, &user).await?;
    // What a user has typed must not control the terminal.
    let email = user.email.escape_debug();
    line(format_args!("address    {email} ({})", if is_verified { "verified" } else { "not verified" }));
    line(format_args!("name       {}", user.name.escape_debug()));
    line(format_args!("role       {}", role_of(&user)));
    line(format_args!("created    {}", user.created_at.0.format(TIME)));
    if let Some(since) = user.suspended_at {
        line(format_args!("suspended  {}", since.format(TIME)));
    }
    if let Some((since, left)) = admin::second_factor_of(&db, &user).await? {
        line(format_args!("2nd factor since {}, recovery codes left: {left}", since.format(TIME)));
    }
    for session in admin::sessions_of(&db, &user).await? {
        let client = session.client.as_deref().unwrap_or("unknown client").escape_debug().to_string();
        let (signed_in, last_used) = (session.created_at.0.format(TIME), session.last_used_at.0.format(TIME));
        line(format_args!("session    since {signed_in}, last used {last_used}, {client}"));
    }
    Ok(())
}

async fn suspend(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let email = &person.email;
    match admin::suspend(&db, &user).await? {
        Change::Applied(()) => line(format_args!(
            "{email} is suspended now, and all sessions have ended. Access tokens stay valid until they expire."
        )),
        Change::Unchanged => line(format_args!("{email} is suspended already: nothing changed.")),
    }
    Ok(())
}

async fn unsuspend(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let email = &person.email;
    match admin::unsuspend(&db, &user).await? {
        Change::Applied(()) => line(format_args!("{email} can sign in again.")),
        Change::Unchanged => line(format_args!("{email} is not suspended: nothing changed.")),
    }
    Ok(())
}

async fn end_sessions(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let ended = admin::end_sessions(&db, &user).await?;
    line(format_args!("Sessions of {} ended: {ended}. Access tokens stay valid until they expire.", person.email));
    Ok(())
}

async fn reset_password(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let password = admin::reset_password(&db, &user).await?;
    line(format_args!("The password of {} is {password} now, and all sessions have ended.", person.email));
    Ok(())
}

async fn reset_second_factor(person: &Person) -> Result<()> {
    let (db, user) = person.find().await?;
    let email = &person.email;
    match admin::reset_second_factor(&db, &user).await? {
        Change::Applied(()) => {
            line(format_args!("The second factor of {email} is disabled now, and the user is told."));
        }
        Change::Unchanged => line(format_args!("{email} has no second factor; nothing changed.")),
    }
    Ok(())
}

async fn token(person: &Person, settings: &KeySettings) -> Result<()> {
    let keys = Keys::load(&settings.directory(&person.database.access.data_dir)?, &settings.tokens)?;
    let (_, user) = person.find().await?;
    line(admin::access_token(&keys, &user)?);
    Ok(())
}

fn rotate_key(data_dir: &DataDirArg, settings: &KeySettings) -> Result<()> {
    identity::rotate(&settings.directory(data_dir)?, &settings.tokens)?;
    line(format_args!(
        "A new signing key was created: identity publishes it immediately and signs with it {} seconds later.",
        settings.tokens.key_publication_seconds
    ));
    Ok(())
}
