//! Confirming a change of the account by its password.

use subgraph_kit::{
    Error,
    viewer::{CurrentSession, SignedIn},
};

use super::{SessionClient, Sessions, at_field, invalid_credentials};
use crate::user::{User, store as users};

impl Sessions {
    /// Confirms that the viewer knows the account's password, at most as often as they may try to sign in.
    ///
    /// # Errors
    /// As of [`users::lock_viewer`]; [`Error::RateLimited`]; `INVALID_CREDENTIALS` at `password`.
    pub(crate) async fn confirm_password(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        current_session: CurrentSession,
        password: String,
    ) -> Result<User, Error> {
        let user = users::lock_viewer(&mut *self.db.acquire().await?, viewer.id(), current_session).await?;
        let attempt = async {
            let (account, _) = self.verify(client, &user.email, password).await?;
            // An imported database may hold two accounts of one address.
            if account.user.id == user.id { Ok(account.user) } else { Err(invalid_credentials()) }
        };
        self.throttled(client, &user.email, attempt).await.map_err(|error| at_field(error, "password"))
    }
}
