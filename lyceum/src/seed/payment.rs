//! What was paid: each payment, at the course's price, seconds before the enrollment it bought.

use uuid::Uuid;

use super::copy::{Row, Table};
use super::course;
use super::enrollment::Enrollment;
use super::plan::Plan;
use super::rng::SeedRng;
use super::timeline::{self, SECOND};

pub const TABLE: Table =
    Table { database: "payment", name: "payments", columns: "id, student_id, course_id, amount, status, created_at" };

pub struct Payment {
    pub id: Uuid,
    pub created: i64,
    /// Index into the plan's enrollments.
    pub enrollment: usize,
}

/// The payments in the order in which the enrollments number them.
pub fn generate(seed: u64, enrollments: &[Enrollment]) -> Vec<Payment> {
    let rng = &mut SeedRng::new(seed, "payments");
    let paid = (0..enrollments.len()).filter(|&index| enrollments[index].payment.is_some());
    paid.map(|enrollment| {
        let enrolled = enrollments[enrollment].enrolled;
        let created = rng.time_between(enrolled - 30 * SECOND, enrolled);
        Payment { id: rng.id_at(created), created, enrollment }
    })
    .collect()
}

pub fn write(plan: &Plan, index: usize, row: &mut Row<'_>) {
    let payment = &plan.payments[index];
    let enrollment = &plan.enrollments[payment.enrollment];
    let course = &plan.courses[enrollment.course];
    row.put(payment.id);
    row.put(plan.users[enrollment.student].id);
    row.put(course.id);
    row.put(course::amount(course.price.expect("only places in paid courses are paid for")));
    row.put("completed");
    row.put(timeline::moment(payment.created));
}
