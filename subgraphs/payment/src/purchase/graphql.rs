//! The mutation with which a student buys a course.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use contracts::{CourseId, money::MoneyInput};
use service::CredentialsExt as _;
use subgraph_kit::{Error, Rejection, UserError, ViewerExt as _, into_payload};

use super::PurchaseRequest;
use crate::{payment::Payment, payments::Payments};

/// Mutations.
#[derive(Default)]
pub struct PurchaseMutation;

/// The course to buy.
#[derive(Debug, InputObject)]
pub struct PurchaseCourseInput {
    /// The id of the course, which must not be free.
    pub course_id: CourseId,
    /// A key that the client generates for each new purchase and repeats when it retries that purchase; 1 to 255
    /// characters.
    pub idempotency_key: String,
    /// The price that the student was shown: the purchase is rejected if the course has another price. More than 0 and
    /// at most 9999999999.99, with at most two decimals. If it is left out, any price is accepted.
    pub expected_amount: Option<MoneyInput>,
}

/// The payload of `purchaseCourse`.
#[derive(Debug, SimpleObject)]
pub struct PurchaseCoursePayload {
    /// The payment in its current state; null if the purchase was rejected.
    payment: Option<Payment>,
    /// The reasons why the purchase was rejected; empty if it was not.
    user_errors: Vec<UserError>,
}

#[Object]
impl PurchaseMutation {
    /// Buys a course at its current price; the enrollment follows automatically. Students may do this, and teachers for the
    /// courses of others.
    ///
    /// The payment is `COMPLETED`; `FAILED` if it was declined (use a new key to try again); or `PENDING` while the
    /// outcome is unknown, which usually resolves within seconds.
    ///
    /// The mutation is idempotent: the same key with the same input returns the first payment in its current state, and
    /// charges nobody twice. `userErrors`: `INVALID_INPUT`, `NOT_FOUND`, `OWN_COURSE`, `COURSE_WITHDRAWN`,
    /// `COURSE_IS_FREE`, `PRICE_CHANGED`, `ALREADY_PURCHASED` (a payment for this course is pending or completed),
    /// `ALREADY_ENROLLED` (the student is enrolled without a payment), `IDEMPOTENCY_KEY_REUSED` (the key was used with
    /// other input). It is null, with an error, if the mutation fails.
    async fn purchase_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to buy, and the expected price.")] input: PurchaseCourseInput,
    ) -> Option<Result<PurchaseCoursePayload, Error>> {
        let payload = async {
            let student = ctx.viewer().require_learner()?;

            let outcome = async {
                let request = PurchaseRequest::try_from(input).map_err(Error::Rejected)?;
                ctx.data_unchecked::<Payments>().purchase(student, ctx.credentials(), &request).await
            };
            let (payment, user_errors) = into_payload(outcome.await)?;
            Ok(PurchaseCoursePayload { payment, user_errors })
        };
        Some(payload.await)
    }
}

impl TryFrom<PurchaseCourseInput> for PurchaseRequest {
    type Error = Vec<Rejection>;

    fn try_from(input: PurchaseCourseInput) -> Result<Self, Vec<Rejection>> {
        Self::try_new(input.course_id, input.idempotency_key, input.expected_amount)
    }
}
