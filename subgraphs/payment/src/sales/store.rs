//! The statements that sum up payments.

use std::{collections::HashMap, hash::Hash};

use async_graphql::dataloader::Loader;
use contracts::{CourseId, UserId};
use rust_decimal::Decimal;
use service::OwnTeacherOrAdmin;
use sqlx::query_as;
use subgraph_kit::{
    Error, Table,
    viewer::{Proof as _, SelfOrAdmin},
};
use uuid::Uuid;

use super::{DECIMALS, MonthlySales, Sales};
use crate::payment::Payment;

/// The loader key of a course's sales.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfCourse(CourseId);

/// The loader key of the sales of all courses of a teacher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OfTeacher(UserId);

impl OfCourse {
    /// The key, for a viewer who may see what the course earns.
    #[must_use]
    pub fn new(proof: OwnTeacherOrAdmin) -> Self {
        Self(proof.owner())
    }
}

impl OfTeacher {
    /// The key, for a viewer who may see what the teacher earns.
    #[must_use]
    pub fn new(proof: SelfOrAdmin) -> Self {
        Self(proof.owner())
    }
}

/// The sales of one month of a course or a teacher.
struct OwnerMonth {
    owner: Uuid,
    month: String,
    count: i64,
    amount: Decimal,
}

impl Loader<OfCourse> for Table<Payment> {
    type Value = Sales;
    type Error = Error;

    async fn load(&self, courses: &[OfCourse]) -> Result<HashMap<OfCourse, Sales>, Error> {
        let ids: Vec<_> = courses.iter().map(|course| course.0.0).collect();
        let months = query_as!(
            OwnerMonth,
            r#"
            select course_id as "owner: Uuid", to_char(created_at at time zone 'UTC', 'YYYY-MM') as "month!",
                   count(*) as "count!", sum(amount) as "amount!: Decimal"
            from payments
            where course_id = any($1) and status = 'completed'
            group by 1, 2
            order by 2 desc
            "#,
            &ids,
        )
        .fetch_all(self.db())
        .await?;
        Ok(by_owner(months, |owner| OfCourse(CourseId(owner))))
    }
}

impl Loader<OfTeacher> for Table<Payment> {
    type Value = Sales;
    type Error = Error;

    async fn load(&self, teachers: &[OfTeacher]) -> Result<HashMap<OfTeacher, Sales>, Error> {
        let ids: Vec<_> = teachers.iter().map(|teacher| teacher.0.0).collect();
        let months = query_as!(
            OwnerMonth,
            r#"
            select teacher_id as "owner!: Uuid", to_char(created_at at time zone 'UTC', 'YYYY-MM') as "month!",
                   count(*) as "count!", sum(amount) as "amount!: Decimal"
            from payments
            where teacher_id = any($1) and status = 'completed'
            group by 1, 2
            order by 2 desc
            "#,
            &ids,
        )
        .fetch_all(self.db())
        .await?;
        Ok(by_owner(months, |owner| OfTeacher(UserId(owner))))
    }
}

fn by_owner<K: Eq + Hash>(months: Vec<OwnerMonth>, key: impl Fn(Uuid) -> K) -> HashMap<K, Sales> {
    let mut sales: HashMap<K, Sales> = HashMap::new();
    for OwnerMonth { owner, month, count, mut amount } in months {
        amount.rescale(DECIMALS);
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        sales.entry(key(owner)).or_default().add(MonthlySales { month, count, amount });
    }
    sales
}
