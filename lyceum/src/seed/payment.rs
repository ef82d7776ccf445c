//! The payments: each at the course's price, seconds before its enrollment.

use uuid::Uuid;

use super::enrollment::Enrollment;
use super::rng::SeedRng;
use super::timeline::SECOND;

pub struct Payment {
    pub id: Uuid,
    pub created: i64,
    /// Index into the plan's enrollments.
    pub enrollment: usize,
}

/// Generates the payments in the order in which the enrollments number them.
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
