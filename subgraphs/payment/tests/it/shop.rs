//! The payment subgraph with a fake catalogue and a fake provider.

use std::{sync::Arc, time::Duration};

use contracts::events::Event;
use messaging::EventSettings;
use payment::provider_settings::ProviderSettings;
use serde_json::{Value, json};
use service::{ServiceContext, Subgraph};
use sqlx::{PgPool, query, query_as, query_scalar};
use subgraph_testing::{Client, Reply, TestApp, verifier};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{catalogue::Catalogue, fake_enrollments::FakeEnrollments, fake_provider::FakeProvider, fixtures::*};

const BUY: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { id amount status student { id } course { id } } userErrors { code message field }
} }";
const REFUND: &str = "mutation ($input: RefundPaymentInput!) { refundPayment(input: $input) {
    payment { id amount status student { id } course { id } } userErrors { code message field }
} }";
const REPUBLISH: &str = "mutation ($input: RepublishPaymentInput!) { republishPayment(input: $input) {
    payment { id status } userErrors { code message field }
} }";

#[derive(Clone)]
pub struct Shop {
    pub app: TestApp,
    pub db: PgPool,
    pub catalogue: Catalogue,
    pub enrollments: FakeEnrollments,
    pub provider: FakeProvider,
    pub context: ServiceContext,
    pub subgraph: Subgraph,
}

impl Shop {
    /// Sells Rust for 49.99 and SQL for 20.00; Latin is free.
    pub async fn open(db: PgPool) -> Self {
        Self::open_with(db, None).await
    }

    /// The same, with the payment provider of these settings if there are any.
    pub async fn open_with(db: PgPool, settings: Option<ProviderSettings>) -> Self {
        let (mut context, catalogue, provider) =
            (ServiceContext::new(verifier()), Catalogue::default(), FakeProvider::default());
        catalogue.quote(RUST, "Rust", Some("49.99"));
        catalogue.quote(SQL, "SQL", Some("20.00"));
        catalogue.quote(LATIN, "Latin", None);
        let enrollments = FakeEnrollments::default();
        context.peers.add(catalogue.subgraph(db.clone()));
        context.peers.add(enrollments.subgraph(db.clone()));
        let subgraph = match settings {
            Some(settings) => {
                context.own.insert(settings);
                payment::subgraph(db.clone(), &context).await
            }
            None => payment::subgraph_with(db.clone(), &context, Arc::new(provider.clone())).await,
        };
        let subgraph = subgraph.expect("the subgraph opens");
        Self { app: TestApp::new(subgraph.clone()), db, catalogue, enrollments, provider, context, subgraph }
    }

    pub async fn buy(&self, student: Uuid, course: Uuid, key: &str) -> Reply {
        self.order(&self.app.student(student), json!({ "courseId": course, "idempotencyKey": key })).await
    }

    pub async fn order(&self, client: &Client, input: Value) -> Reply {
        client.send(BUY, json!({ "input": input })).await
    }

    /// Buys a course successfully, and returns the payment's id.
    pub async fn bought(&self, student: Uuid, course: Uuid, key: &str) -> Uuid {
        payment_id(&self.buy(student, course, key).await.ok(), "purchaseCourse")
    }

    pub async fn refund(&self, client: &Client, payment: Uuid) -> Reply {
        self.refund_with(client, json!({ "paymentId": payment })).await
    }

    pub async fn refund_with(&self, client: &Client, input: Value) -> Reply {
        client.send(REFUND, json!({ "input": input })).await
    }

    /// Refunds a payment successfully, as an admin.
    pub async fn given_back(&self, payment: Uuid) {
        let reply = self.refund(&self.app.admin(), payment).await.ok();
        assert_eq!(payment_id(&reply, "refundPayment"), payment);
    }

    /// Republishes a payment successfully, as an admin.
    pub async fn republish_ok(&self, payment: Uuid) {
        let reply = self.republish(&self.app.admin(), payment).await.ok();
        assert_eq!(payment_id(&reply, "republishPayment"), payment);
    }

    pub async fn republish(&self, client: &Client, payment: Uuid) -> Reply {
        client.send(REPUBLISH, json!({ "input": { "paymentId": payment } })).await
    }

    /// Delivers an event to the inbox, as a relay would; `work` handles it.
    pub async fn handle(&self, event: &Event) {
        let event = serde_json::to_vec(event).expect("an event has a JSON form");
        self.subgraph.receive(&event).await.expect("the event is kept");
    }

    /// Runs the background tasks of this number of processes until `is_done`.
    pub async fn work(&self, processes: usize, is_done: impl AsyncFn() -> bool) {
        let stop = CancellationToken::new();
        let work = async || {
            let working =
                self.subgraph.run_background(self.context.event_bus.clone(), EventSettings::default(), stop.clone());
            working.await;
        };
        let all = futures::future::join_all((0..processes).map(|_| work()));
        let until = async {
            let wait = async {
                while !is_done().await {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            timeout(Duration::from_secs(30), wait).await.expect("it is done in time");
            stop.cancel();
        };
        tokio::join!(all, until);
    }

    /// Makes all pending purchases and refunds due for the reconciler.
    pub async fn let_time_pass(&self) {
        for table in ["purchase_requests", "refund_requests"] {
            let sql = format!("update {table} set next_attempt_at = now() where next_attempt_at is not null");
            query(sqlx::AssertSqlSafe(sql)).execute(&self.db).await.expect("time passes");
        }
    }

    /// Reconciles until no purchase or refund is pending.
    pub async fn settle_all(&self, processes: usize) {
        self.let_time_pass().await;
        self.work(processes, async || {
            self.count("purchase_requests where next_attempt_at is not null").await == 0
                && self.count("refund_requests where next_attempt_at is not null").await == 0
        })
        .await;
    }

    pub async fn count(&self, rows: &str) -> i64 {
        let sql = format!("select count(*) from {rows}");
        query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&self.db).await.expect("a count")
    }

    pub async fn status(&self, payment: Uuid) -> String {
        query_scalar("select status::text from payments where id = $1")
            .bind(payment)
            .fetch_one(&self.db)
            .await
            .expect("a payment")
    }

    /// The state of a refund, as an admin sees it.
    pub async fn refund_state(&self, payment: Uuid) -> Value {
        let document = "query ($id: ID!) { payment(id: $id) { refundState } }";
        self.app.admin().send(document, json!({ "id": payment })).await.ok().data("/payment/refundState").clone()
    }

    /// The events for the enrollment service, in order: type and data.
    pub async fn published(&self) -> Vec<(String, Value)> {
        let told: Vec<(String, String)> = query_as(
            "select type, (event -> 'data')::text from outbox_events where destination = 'enrollment' order by position",
        )
        .fetch_all(&self.db)
        .await
        .expect("the outbox");
        told.into_iter().map(|(kind, data)| (kind, serde_json::from_str(&data).expect("JSON"))).collect()
    }

    /// The types of these events.
    pub async fn published_types(&self) -> Vec<String> {
        self.published().await.into_iter().map(|(kind, _)| kind).collect()
    }

    /// Inserts a payment without a purchase, as the legacy system and the seed have it.
    pub async fn import(&self, student: Uuid, course: Uuid, status: &str) -> Uuid {
        query_scalar(
            "insert into payments (student_id, course_id, amount, status)
             values ($1, $2, 49.99, $3::text::payment_status) returning id",
        )
        .bind(student)
        .bind(course)
        .bind(status)
        .fetch_one(&self.db)
        .await
        .expect("a payment")
    }
}

pub fn payment_id(reply: &Reply, mutation: &str) -> Uuid {
    let id = reply.data(&format!("/{mutation}/payment/id")).as_str();
    id.unwrap_or_else(|| panic!("no payment: {reply:?}")).parse().expect("a UUID")
}

pub const COMPLETED: &str = "lyceum.payment.completed";
pub const REFUNDED: &str = "lyceum.payment.refunded";
