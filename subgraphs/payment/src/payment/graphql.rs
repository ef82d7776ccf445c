//! The fields and queries of a payment, and the entities that this subgraph adds to.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object, dataloader::DataLoader};
use rust_decimal::Decimal;
use subgraph_kit::{
    Connection, Error, PageArgs, PaymentId, ScanExt as _, UserId, ViewerExt as _, connection::TotalCount,
    list::Paginated as _, objects::Entity,
};

use super::{
    Payment, Status,
    store::{PaymentFilter, Store},
};
use crate::{
    course::Course,
    refund::{RefundState, store::RefundStateKey},
    user::User,
};

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
        self.exact_amount()
    }

    /// How far it has got on its way back; `REFUSED` needs a person. Null, with an error, while the service
    /// that knows is away.
    async fn refund_state(&self, ctx: &Context<'_>) -> Option<Result<RefundState, Error>> {
        Some(match self.status {
            Status::Refunded => Ok(RefundState::Done),
            Status::Pending | Status::Failed => Ok(RefundState::None),
            Status::Completed => {
                let loader = ctx.data_unchecked::<Arc<DataLoader<Store>>>();
                loader.load_one(RefundStateKey(self.id)).await.map(|found| found.unwrap_or(RefundState::None))
            }
        })
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

    /// Everybody's payments, newest first. Admins only: null with an error for everyone else.
    async fn payments(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most so many, from the beginning: 1 to 100; 20 where neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that stand like this.")] status: Option<Status>,
    ) -> Option<Result<Connection<Payment>, Error>> {
        let list = async {
            let admin = ctx.viewer().require_admin()?;
            let args = PageArgs::try_new(Payment::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;

            let store = ctx.data_unchecked::<Arc<DataLoader<Store>>>().loader().clone();
            let filter = PaymentFilter { status };
            let scan = ctx.scan();
            let page = store.list(admin, scan, &filter, &args).await?;
            let total = TotalCount::new(move || {
                let store = store.clone();
                async move { store.count(admin, scan, &filter).await }
            });
            Ok(Connection::new(page, total))
        };
        Some(list.await)
    }

    #[graphql(entity)]
    async fn find_payment_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<Payment>>, Error> {
        let Some(id) = PaymentId::from_key(&id) else { return Ok(None) };
        Ok(visible_payment(ctx, id).await?.map(Entity))
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
