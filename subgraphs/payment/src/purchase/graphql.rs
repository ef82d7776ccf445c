//! The mutation by which a student buys a course.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use rust_decimal::Decimal;
use subgraph_kit::{CourseId, CredentialsExt as _, Error, UserError, ViewerExt as _, into_payload};

use super::PurchaseRequest;
use crate::{payment::Payment, payments::Payments};

/// Mutations.
#[derive(Default)]
pub struct PurchaseMutation;

/// Which course to buy.
#[derive(Debug, InputObject)]
pub struct PurchaseCourseInput {
    /// The course. It must not be free.
    pub course_id: CourseId,
    /// 1 to 255 characters, chosen by the client, new for each intent to buy and the same when that
    /// is sent again.
    pub idempotency_key: String,
    /// Buys only at this price, so that nobody pays another one than they were shown: more than 0, at
    /// most 9999999999.99, at most 2 decimals.
    pub expected_amount: Option<Decimal>,
}

/// The outcome of `purchaseCourse`.
#[derive(Debug, SimpleObject)]
pub struct PurchaseCoursePayload {
    /// The payment as it stands; null when the purchase was refused.
    payment: Option<Payment>,
    /// Why the purchase was refused.
    user_errors: Vec<UserError>,
}

#[Object]
impl PurchaseMutation {
    /// Buys a course at its present price; the enrollment follows by itself. Students only.
    ///
    /// The payment is `COMPLETED`; `FAILED` when it was declined (a new key tries again); or `PENDING`
    /// while nobody knows, which settles itself within seconds as a rule.
    ///
    /// Sending it again is safe: the same key with the same input returns the first payment as it
    /// stands by then, and charges nobody twice. `userErrors`: `INVALID_INPUT`, `NOT_FOUND`,
    /// `COURSE_IS_FREE`, `PRICE_CHANGED`, `ALREADY_PURCHASED` (a payment for this course is pending or
    /// completed), `IDEMPOTENCY_KEY_REUSED` (the key came with other input before).
    /// Null, with an error, when it fails.
    async fn purchase_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which course, at which price.")] input: PurchaseCourseInput,
    ) -> Option<Result<PurchaseCoursePayload, Error>> {
        let payload = async {
            let student = ctx.viewer().require_student()?;

            let outcome = ctx.data_unchecked::<Payments>().purchase(student, ctx.credentials(), &input.into()).await;

            let (payment, user_errors) = into_payload(outcome)?;
            Ok(PurchaseCoursePayload { payment, user_errors })
        };
        Some(payload.await)
    }
}

impl From<PurchaseCourseInput> for PurchaseRequest {
    fn from(input: PurchaseCourseInput) -> Self {
        Self {
            course_id: input.course_id,
            idempotency_key: input.idempotency_key,
            expected_amount: input.expected_amount,
        }
    }
}
