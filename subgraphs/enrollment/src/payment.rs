//! What this subgraph adds to a payment.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, SimpleObject, dataloader::DataLoader};
use subgraph_kit::{Error, PaymentId, ViewerExt as _};

use crate::enrollment::{Enrollment, store::Store};

/// What a student paid for a course. Only the student and admins may see it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Payment {
    /// Names the payment in all subgraphs.
    pub id: PaymentId,
}

#[ComplexObject]
impl Payment {
    /// The enrollment that this payment bought; null until it has been made. Only the student and
    /// admins may see it; for everyone else null.
    async fn enrollment(&self, ctx: &Context<'_>) -> Option<Result<Enrollment, Error>> {
        let enrollment = ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(self.id).await;
        enrollment.map(|found| found.filter(|enrollment| enrollment.is_visible_to(ctx.viewer()))).transpose()
    }
}
