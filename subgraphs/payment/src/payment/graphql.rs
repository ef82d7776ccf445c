//! The fields and queries of a payment, and the entities that this subgraph adds to.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Error, ID, Object, dataloader::DataLoader};
use rust_decimal::Decimal;
use subgraph_kit::{PaymentId, UserId, ViewerExt as _};

use super::{Payment, store::Store};
use crate::{course::Course, user::User};

const DECIMALS: u32 = 2;

/// Queries.
pub struct PaymentQuery;

#[ComplexObject]
impl Payment {
    /// Who paid; null when that account is gone.
    async fn student(&self) -> Option<User> {
        Some(User { id: self.student_id })
    }

    /// What it was paid for; null when the course is gone.
    async fn course(&self) -> Option<Course> {
        Some(Course { id: self.course_id })
    }

    /// How much, always with two decimals, such as `"49.99"`.
    async fn amount(&self) -> Decimal {
        let mut amount = self.amount;
        amount.rescale(DECIMALS);
        amount
    }
}

#[Object(name = "Query")]
impl PaymentQuery {
    /// A payment by its id. Its student and admins may see it; for everyone else null, as if it
    /// did not exist.
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The payment's id.")] id: PaymentId,
    ) -> Option<Result<Payment, Error>> {
        visible_payment(ctx, id).await.transpose()
    }

    #[graphql(entity)]
    async fn find_payment_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Payment>, Error> {
        let Some(id) = PaymentId::from_key(&id) else { return Ok(None) };
        visible_payment(ctx, id).await
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }
}

async fn visible_payment(ctx: &Context<'_>, id: PaymentId) -> Result<Option<Payment>, Error> {
    let payment = ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(id).await?;
    Ok(payment.filter(|payment| payment.is_visible_to(ctx.viewer())))
}
