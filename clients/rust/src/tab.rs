//! A person at a program of their own, whose tokens are renewed when the server no longer accepts them.

use std::{
    convert::Infallible,
    env,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use futures::StreamExt as _;
use graphql_client::{GraphQLQuery, Response};
use graphql_ws_client::{Client, graphql::StreamingOperation};
use reqwest::RequestBuilder;
use serde_json::json;
use tokio::time::sleep;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{client::IntoClientRequest as _, http::HeaderValue},
};

use crate::graph::{
    MyProfile, NotificationAdded, Notifications, RefreshSession, my_profile, notification_added, notifications,
    refresh_session::{self, RefreshSessionInput},
};

#[derive(Clone)]
pub struct Session {
    pub access_token: String,
    pub refresh_token: String,
}

/// What a page shows of a notification.
#[derive(Clone)]
pub struct News {
    pub id: String,
    pub title: String,
    pub body: String,
}

#[derive(Default)]
pub struct Tab {
    http: reqwest::Client,
    session: Mutex<Option<Session>>,
    /// Held by whoever renews the tokens.
    refreshing: tokio::sync::Mutex<()>,
}

/// An operation without data that can be used.
#[derive(Debug)]
pub enum Failure {
    /// Nothing came back: it may have been executed.
    Network(reqwest::Error),
    Errors(Vec<graphql_client::Error>),
}

// docs:client
impl Tab {
    /// Sends an operation, again with new tokens if the old ones have expired.
    pub async fn send<Query: GraphQLQuery>(&self, variables: Query::Variables) -> Result<Query::ResponseData, Failure>
    where
        Query::Variables: Clone,
    {
        let session = self.session();
        match self.send_once::<Query>(variables.clone(), session.as_ref()).await {
            Err(failure) if failure.code() == Some("UNAUTHENTICATED") => match session {
                Some(expired) => {
                    self.refresh(&expired).await?;
                    self.send_once::<Query>(variables, self.session().as_ref()).await
                }
                None => Err(failure),
            },
            answer => answer,
        }
    }

    async fn send_once<Query: GraphQLQuery>(
        &self,
        variables: Query::Variables,
        session: Option<&Session>,
    ) -> Result<Query::ResponseData, Failure> {
        let request = self.post(session).json(&Query::build_query(variables));
        let answer: Response<Query::ResponseData> = request.send().await?.json().await?;
        match (answer.data, answer.errors) {
            (Some(data), None) => Ok(data),
            (_, errors) => Err(Failure::Errors(errors.unwrap_or_default())),
        }
    }

    pub fn post(&self, session: Option<&Session>) -> RequestBuilder {
        let request = self.http.post(url());
        match session {
            Some(session) => request.bearer_auth(&session.access_token),
            None => request,
        }
    }

    /// Renews the tokens once; those who come meanwhile wait for it.
    async fn refresh(&self, expired: &Session) -> Result<(), Failure> {
        let _refreshing = self.refreshing.lock().await;
        if self.session().is_some_and(|session| session.access_token != expired.access_token) {
            return Ok(());
        }
        let input = RefreshSessionInput { refresh_token: expired.refresh_token.clone() };
        let answer = self.send_once::<RefreshSession>(refresh_session::Variables { input }, None).await?;
        // An answer without a session is that of a session that has ended.
        if let Some(payload) = answer.refresh_session {
            let renewed = payload.session;
            self.set_session(
                renewed.map(|it| Session { access_token: it.access_token, refresh_token: it.refresh_token }),
            );
        }
        Ok(())
    }
}
// docs:end

// docs:live
impl Tab {
    /// Follows those after this one; however a stream ends, it goes on behind the last one that it has seen.
    pub async fn follow(&self, mut after: Option<String>, on_news: impl Fn(News)) -> Infallible {
        loop {
            // A connection can break at any time.
            drop(self.follow_once(&mut after, &on_news).await);
            sleep(Duration::from_millis(500)).await;
            // Renews the tokens if they have expired, which ends a stream.
            drop(self.send::<MyProfile>(my_profile::Variables).await);
        }
    }

    async fn follow_once(&self, after: &mut Option<String>, on_news: impl Fn(News)) -> Result<()> {
        let mut request = url().replacen("http", "ws", 1).into_client_request()?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (connection, _) = connect_async(request).await?;
        let token = self.session().map(|session| session.access_token).unwrap_or_default();
        let client = Client::build(connection).payload(json!({ "authorization": format!("Bearer {token}") }))?;
        let variables = notification_added::Variables { after: after.clone() };
        let mut events = client.subscribe(StreamingOperation::<NotificationAdded>::new(variables)).await?;
        while let Some(event) = events.next().await {
            let Some(data) = event?.data else { break };
            let it = data.notification_added;
            *after = Some(it.id.clone());
            on_news(News { id: it.id, title: it.title, body: it.body });
        }
        Ok(())
    }
}
// docs:end

impl Tab {
    /// The latest 20 notifications, the newest first.
    pub async fn latest_news(&self) -> Result<Vec<News>, Failure> {
        let variables =
            notifications::Variables { first: Some(20), after: None, last: None, before: None, unread_only: None };
        let me = self.send::<Notifications>(variables).await?.me;
        let nodes = me.and_then(|me| me.notifications).map(|page| page.nodes).unwrap_or_default();
        Ok(nodes.into_iter().map(|it| News { id: it.id, title: it.title, body: it.body }).collect())
    }

    pub fn session(&self) -> Option<Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set_session(&self, session: Option<Session>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

impl Failure {
    /// The code of the first error.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Network(_) => None,
            Self::Errors(errors) => errors.first()?.extensions.as_ref()?.get("code")?.as_str(),
        }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        Self::Network(error)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(error) => error.fmt(f),
            Self::Errors(errors) => {
                let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
                f.write_str(&messages.join("; "))
            }
        }
    }
}

impl std::error::Error for Failure {}

fn url() -> String {
    let system = env::var("LYCEUM_URL").unwrap_or_else(|_| "http://localhost:4000/".to_owned());
    format!("{}/graphql", system.trim_end_matches('/'))
}
