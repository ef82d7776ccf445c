//! Which types of notifications a user receives.

use std::collections::HashMap;

use async_graphql::{Context, SimpleObject, dataloader::Loader};
use contracts::UserId;
use sqlx::query;
use subgraph_kit::{
    Error, Rejection, Table, TableExt as _,
    viewer::{Proof as _, SelfOrAdmin, SignedIn},
};

use super::{Kind, Notification, store::Store};

/// Whether a user receives the notifications of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
#[graphql(name = "NotificationSetting")]
pub struct Setting {
    /// The type of the notifications.
    #[graphql(name = "type")]
    pub kind: Kind,
    /// Whether the user receives notifications of this type. True for each type until the user switches it off. A removal
    /// from a course is notified even while `ENROLLMENT` is off.
    pub is_enabled: bool,
}

/// The loader key of a user's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SettingsKey(UserId);

/// Loads a user's settings, one for each type.
pub async fn of_user(ctx: &Context<'_>, proof: SelfOrAdmin) -> Result<Vec<Setting>, Error> {
    let changed = ctx.table::<Notification>().load_one(SettingsKey(proof.owner())).await?.unwrap_or_default();
    let of_kind = |kind| changed.iter().find(|setting| setting.kind == kind).copied();
    let default = |kind| Setting { kind, is_enabled: true };
    Ok(Kind::all().map(|kind| of_kind(kind).unwrap_or(default(kind))).collect())
}

impl Store {
    /// Switches a type of the user's notifications on or off.
    ///
    /// # Errors
    /// `INVALID_INPUT` if notifications of this type cannot be switched off.
    pub async fn set_setting(&self, user: SignedIn, setting: Setting) -> Result<Setting, Error> {
        if !setting.is_enabled && !setting.kind.can_be_disabled() {
            return Err(Rejection::invalid("isEnabled", "notifications of this type cannot be switched off").into());
        }
        query!(
            "insert into notification_settings (user_id, type, is_enabled) values ($1, $2, $3)
             on conflict (user_id, type) do update set is_enabled = excluded.is_enabled",
            user.id().0,
            setting.kind,
            setting.is_enabled,
        )
        .execute(self.db())
        .await?;
        Ok(setting)
    }
}

impl Loader<SettingsKey> for Table<Notification> {
    type Value = Vec<Setting>;
    type Error = Error;

    async fn load(&self, keys: &[SettingsKey]) -> Result<HashMap<SettingsKey, Vec<Setting>>, Error> {
        let users: Vec<_> = keys.iter().map(|key| key.0.0).collect();
        let rows =
            query!("select user_id, type, is_enabled from notification_settings where user_id = any($1)", &users);
        let mut settings: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows.fetch_all(self.db()).await? {
            let setting = Setting { kind: row.r#type, is_enabled: row.is_enabled };
            settings.entry(SettingsKey(row.user_id)).or_default().push(setting);
        }
        Ok(settings)
    }
}
