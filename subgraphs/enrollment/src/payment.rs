//! The field that this subgraph adds to a payment.

use async_graphql::{ComplexObject, Context, SimpleObject};
use contracts::PaymentId;
use subgraph_kit::{Error, TableExt as _, ViewerExt as _};

use crate::enrollment::{
    Enrollment, Redemption,
    store::{ByPayment, RedemptionOf},
};

/// The payment of a student for a course. Only that student and admins may see it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Payment {
    /// The id of the payment, a UUID.
    pub id: PaymentId,
}

#[ComplexObject]
impl Payment {
    /// The enrollment that the payment bought; null until it is created. Only the student and admins may see it; it is
    /// null for everyone else.
    async fn enrollment(&self, ctx: &Context<'_>) -> Option<Result<Enrollment, Error>> {
        let enrollment = ctx.table::<Enrollment>().load_one(ByPayment(self.id)).await;
        enrollment.map(|found| found.filter(|enrollment| enrollment.is_visible_to(ctx.viewer()))).transpose()
    }

    /// What became of the payment. Only admins may see it; it is null for everyone else.
    #[graphql(tag = "internal")]
    async fn redemption(&self, ctx: &Context<'_>) -> Option<Result<Redemption, Error>> {
        if !ctx.viewer().is_admin() {
            return None;
        }
        let redemption = ctx.table::<Enrollment>().load_one(RedemptionOf(self.id)).await;
        Some(redemption.map(|found| found.unwrap_or(Redemption::None)))
    }
}
