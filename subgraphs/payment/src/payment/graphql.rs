//! The fields and queries of a payment, and the entities that this subgraph extends.

use async_graphql::{Any, ComplexObject, Context, ID, Object, Value};
use contracts::{CourseId, PaymentId, UserId, money::Money};
use subgraph_kit::{
    Connection, ConnectionArgs, Error, TableExt as _, ViewerExt as _, connection, list::Order, objects::Entity,
};

use super::{
    Payment, Status,
    store::{self, PaymentFilter},
};
use crate::{
    course::Course,
    refund::{
        RefundState,
        store::{RefundNoteKey, RefundStateKey},
    },
    user::User,
};

/// Queries.
pub struct PaymentQuery;

#[ComplexObject]
impl Payment {
    /// The student who paid; null if the account was deleted.
    async fn student(&self) -> Option<User> {
        Some(User { id: self.student_id })
    }

    /// The course that was paid for; null if it was deleted.
    async fn course(&self) -> Option<Course> {
        Some(Course { id: self.course_id, teacher_seal: None })
    }

    /// The amount of the payment, with two decimals, such as `"49.99"`.
    async fn amount(&self) -> Money {
        self.amount
    }

    /// The state of the payment's refund. It is null, with an error, if it cannot be read.
    async fn refund_state(&self, ctx: &Context<'_>) -> Option<Result<RefundState, Error>> {
        Some(match self.status {
            Status::Refunded => Ok(RefundState::Done),
            Status::Pending | Status::Failed => Ok(RefundState::None),
            Status::Completed => {
                let found = ctx.table::<Self>().load_one(RefundStateKey(self.id)).await;
                found.map(|state| state.unwrap_or(RefundState::None))
            }
        })
    }

    /// The reason that an admin gave for the refund of the payment; null if none was given, or no refund was requested.
    async fn refund_reason(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        match self.status {
            Status::Completed | Status::Refunded => {
                ctx.table::<Self>().load_one(RefundNoteKey(self.id)).await.transpose()
            }
            Status::Pending | Status::Failed => None,
        }
    }
}

#[Object(name = "Query")]
impl PaymentQuery {
    /// Returns the payment with this id. Its student and admins may see it; it is null for everyone else, as if it did
    /// not exist.
    async fn payment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the payment.")] id: PaymentId,
    ) -> Option<Result<Payment, Error>> {
        visible_payment(ctx, id).await.transpose()
    }

    /// Returns the payments of all students, newest first. Only admins may query them; it is null for everyone else,
    /// with an error.
    #[graphql(tag = "internal")]
    async fn payments(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "Returns only payments with this status.")] status: Option<Status>,
    ) -> Option<Result<Connection<Payment>, Error>> {
        let list = async {
            let admin = ctx.viewer().require_admin()?;
            let args = ConnectionArgs { first, after, last, before };
            connection::list(ctx, admin, Order::NewestFirst, PaymentFilter { status }, args).await
        };
        Some(list.await)
    }

    /// Whether anybody has paid for the course, or is about to. For the course subgraph; not for clients.
    #[graphql(inaccessible)]
    async fn course_has_payments(&self, ctx: &Context<'_>, course_id: CourseId) -> Option<Result<bool, Error>> {
        let exist = store::exist_for(ctx.table::<Payment>().loader().db(), course_id).await;
        Some(exist.map_err(Error::from))
    }

    /// What this service has of the signed-in user, as JSON. For `exportMyData` of the identity subgraph; not for clients.
    #[graphql(inaccessible)]
    async fn payment_data(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        let data = async {
            let viewer = ctx.viewer().require_signed_in()?;
            crate::export::data_of(ctx.table::<Payment>().loader().db(), viewer.id()).await
        };
        Some(data.await)
    }

    #[graphql(entity)]
    async fn find_payment_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<Payment>>, Error> {
        let Some(id) = PaymentId::from_key(&id) else { return Ok(None) };
        Ok(visible_payment(ctx, id).await?.map(Entity))
    }

    #[graphql(entity)]
    async fn find_course_by_id(&self, #[graphql(key)] id: ID, teacher_seal: Option<Any>) -> Option<Course> {
        let id = CourseId::from_key(&id)?;
        // A value that is not a string is no seal, and fails this course's sales alone: an argument of type `String` would
        // fail the whole `_entities` request.
        let teacher_seal =
            teacher_seal.and_then(|seal| if let Value::String(seal) = seal.0 { Some(seal) } else { None });
        Some(Course { id, teacher_seal })
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }
}

async fn visible_payment(ctx: &Context<'_>, id: PaymentId) -> Result<Option<Payment>, Error> {
    let payment = ctx.table::<Payment>().load_one(id).await?;
    Ok(payment.filter(|payment| payment.is_visible_to(ctx.viewer())))
}
