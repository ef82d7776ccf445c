//! The field and the mutations for getting one's data.

use async_graphql::{Context, Object, SimpleObject};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use contracts::{Code, Timestamp};
use subgraph_kit::{Error, Rejection, UserError, ViewerExt as _, into_payload};

use super::{DataExport, download::PATH, store};
use crate::erasure::graphql::Deletions;

/// The queries.
#[derive(Default)]
pub struct ExportQuery;

/// The mutations.
#[derive(Default)]
pub struct ExportMutation;

/// A link to the file with the data of the signed-in user.
#[derive(Debug, SimpleObject)]
pub struct DataExportLink {
    /// The path of the file, at the address where identity's public routes are served. It needs no access token: whoever
    /// has it gets the file, once.
    path: String,
    /// The time at which the link expires, ten minutes after its creation.
    expires_at: Timestamp,
}

/// The payload of `exportMyData`.
#[derive(SimpleObject)]
pub struct ExportMyDataPayload {
    /// The export that was requested; null if it was not.
    data_export: Option<DataExport>,
    /// Always empty: a second request within a day is an error, `RATE_LIMITED`.
    user_errors: Vec<UserError>,
}

/// The payload of `createDataExportLink`.
#[derive(SimpleObject)]
pub struct CreateDataExportLinkPayload {
    /// The link, which replaces all earlier ones; null if there is no file yet, or none any more.
    link: Option<DataExportLink>,
    /// The reasons why there is no link; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

#[Object]
impl ExportQuery {
    /// Returns the export of the signed-in user's data; null if nobody is signed in, none was requested, or it has
    /// expired.
    async fn data_export(&self, ctx: &Context<'_>) -> Option<Result<DataExport, Error>> {
        let viewer = ctx.viewer().require_signed_in().ok()?;
        store::find(&ctx.data_unchecked::<Deletions>().db, viewer).await.transpose()
    }
}

#[Object]
impl ExportMutation {
    /// Requests all data of the signed-in user in one file, as JSON. They are collected in the background, usually within
    /// seconds; a notification tells when they are ready. The file is deleted after seven days. Every signed-in user may
    /// do this once a day. It is null, with an error, if the mutation fails.
    async fn export_my_data(&self, ctx: &Context<'_>) -> Option<Result<ExportMyDataPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let outcome = store::request(&ctx.data_unchecked::<Deletions>().db, viewer, ctx.current_session()).await;

            let (data_export, user_errors) = into_payload(outcome)?;
            Ok(ExportMyDataPayload { data_export, user_errors })
        };
        Some(payload.await)
    }

    /// Creates a link to the file with the data of the signed-in user, which gets it once, within ten minutes. Earlier
    /// links end. Every signed-in user may do this. `userErrors`: `NOT_FOUND` if there is no file yet, or none any more. It
    /// is null, with an error, if the mutation fails.
    async fn create_data_export_link(&self, ctx: &Context<'_>) -> Option<Result<CreateDataExportLinkPayload, Error>> {
        let payload = async {
            let viewer = ctx.viewer().require_signed_in()?;

            let token = BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
            let db = &ctx.data_unchecked::<Deletions>().db;
            let link = store::set_link(db, viewer, ctx.current_session(), &token).await?;
            let message =
                "there is no file with your data: request it with `exportMyData`, and wait for the notification";
            let outcome = link.ok_or_else(|| Rejection::new(Code::NotFound, message).into());

            let (end, user_errors) = into_payload(outcome)?;
            let link = end.map(|end| DataExportLink { path: format!("{PATH}{token}"), expires_at: end.into() });
            Ok(CreateDataExportLinkPayload { link, user_errors })
        };
        Some(payload.await)
    }
}
