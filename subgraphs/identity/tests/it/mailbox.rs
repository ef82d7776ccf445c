//! The subgraph with its workers, and the mails that it writes.

use std::time::{Duration, Instant};

use db::DbPool;
use identity::{IdentitySettings, Keys};
use messaging::EventSettings;
use service::{ServiceContext, Subgraph};
use sqlx::{PgPool, query_as};
use subgraph_testing::TestApp;
use tokio::{task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::fixtures::keys;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A mail, as far as tests look at it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Mail {
    pub recipient: String,
    pub subject: String,
    pub body: Option<String>,
    pub is_sent: bool,
    pub is_failed: bool,
    pub attempts: i32,
    pub reason: Option<String>,
}

impl Mail {
    /// The token of its link.
    pub fn token(&self) -> String {
        let body = self.body.as_deref().expect("a text");
        let token = body.lines().find_map(|line| line.split_once("#token=")).expect("a link").1;
        token.to_owned()
    }
}

/// The subgraph, which sends mails meanwhile.
pub struct Running {
    pub app: TestApp,
    subgraph: Subgraph,
    stop: CancellationToken,
    workers: JoinHandle<()>,
}

impl Running {
    pub async fn start(db: &PgPool, settings: &IdentitySettings) -> Self {
        Self::start_with(db, settings, &keys()).await
    }

    pub async fn start_with(db: &PgPool, settings: &IdentitySettings, keys: &Keys) -> Self {
        let context = ServiceContext::new(keys.verifier());
        let subgraph = identity::subgraph(db.clone(), keys, &context, settings).await.expect("the subgraph opens");
        let stop = CancellationToken::new();
        let workers = tokio::spawn({
            let (subgraph, stop) = (subgraph.clone(), stop.clone());
            async move { subgraph.run_background(context.event_bus, EventSettings::default(), stop).await }
        });
        Self { app: TestApp::new(subgraph.clone()), subgraph, stop, workers }
    }

    pub fn db(&self) -> &DbPool {
        self.subgraph.db()
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.workers.await.expect("the workers end");
        self.subgraph.close().await;
    }
}

/// All mails, in their order.
pub async fn mails(db: &PgPool) -> Vec<Mail> {
    let mails = query_as(
        "select recipient, subject, body, sent_at is not null as is_sent, failed_at is not null as is_failed, attempts, reason
         from mails order by id",
    );
    mails.fetch_all(db).await.expect("the database answers")
}

/// The mails with this subject, once there are so many that were sent.
pub async fn sent(db: &PgPool, subject: &str, count: usize) -> Vec<Mail> {
    let has_subject = |mail: &Mail| mail.subject == subject && mail.is_sent;
    let mails = wait_for(db, |mails| mails.iter().filter(|mail| has_subject(mail)).count() >= count).await;
    mails.into_iter().filter(has_subject).collect()
}

/// All mails, once they are as expected.
pub async fn wait_for(db: &PgPool, is_expected: impl Fn(&[Mail]) -> bool) -> Vec<Mail> {
    let start = Instant::now();
    loop {
        let mails = mails(db).await;
        if is_expected(&mails) {
            return mails;
        }
        assert!(start.elapsed() < TIMEOUT, "{mails:#?}");
        sleep(Duration::from_millis(20)).await;
    }
}
