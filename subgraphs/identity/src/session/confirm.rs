//! Confirming a change of the account by its password.

use subgraph_kit::{Error, viewer::SignedIn};

use super::{ACCOUNT_DELETED, SessionClient, Sessions, at_field, invalid_credentials};
use crate::user::{User, store as users};

impl Sessions {
    /// Confirms that the viewer knows the account's password, at most as often as they may try to sign in.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the account was deleted; [`Error::RateLimited`]; `INVALID_CREDENTIALS` at `password`.
    pub(crate) async fn confirm_password(
        &self,
        client: &SessionClient,
        viewer: SignedIn,
        password: String,
    ) -> Result<User, Error> {
        let user = users::find(&self.db, viewer.id()).await?.ok_or(ACCOUNT_DELETED)?;
        let attempt = async {
            let (account, _) = self.verify(client, &user.email, password).await?;
            // An imported database may hold two accounts of one address.
            if account.user.id == user.id { Ok(account.user) } else { Err(invalid_credentials()) }
        };
        self.throttled(client, &user.email, attempt).await.map_err(|error| at_field(error, "password"))
    }
}
