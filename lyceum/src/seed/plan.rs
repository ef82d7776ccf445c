//! The whole data set, generated before a row is written: references, times and ids. Texts are generated only when rows
//! are written, which keeps the plan small.

use uuid::Uuid;

use super::course::{self, Course};
use super::enrollment::{self, Enrollment};
use super::identity::{self, User};
use super::notification::{self, Notification};
use super::payment::{self, Payment};
use super::row_counts::RowCounts;

/// One data set; rows refer to each other by their index.
pub struct Plan {
    pub password_hash: String,
    pub users: Vec<User>,
    pub courses: Vec<Course>,
    pub enrollments: Vec<Enrollment>,
    pub payments: Vec<Payment>,
    pub notifications: Vec<Notification>,
}

impl Plan {
    /// Generates a plan, which is the same for the same scale and seed number.
    pub fn generate(scale: f64, seed: u64) -> anyhow::Result<Self> {
        let row_counts = RowCounts::at(scale);
        let users = identity::generate(seed, row_counts);
        let mut courses = course::generate(seed, row_counts, &users);
        let enrollments = enrollment::generate(seed, row_counts, &users, &courses);
        // Behind the others, which enrollments refer to by their index.
        courses.extend(course::generate_unlisted(seed, row_counts, &courses));
        let payments = payment::generate(seed, &enrollments);
        let notifications = notification::generate(seed, &users, &enrollments, &payments);
        Ok(Self { password_hash: identity::password_hash(seed)?, users, courses, enrollments, payments, notifications })
    }

    pub fn user_ids(&self) -> Vec<Uuid> {
        self.users.iter().map(|user| user.id).collect()
    }

    pub fn course_ids(&self) -> Vec<Uuid> {
        self.courses.iter().map(|course| course.id).collect()
    }

    pub fn enrollment_ids(&self) -> Vec<Uuid> {
        self.enrollments.iter().map(|enrollment| enrollment.id).collect()
    }

    pub fn payment_ids(&self) -> Vec<Uuid> {
        self.payments.iter().map(|payment| payment.id).collect()
    }

    pub fn notification_ids(&self) -> Vec<Uuid> {
        self.notifications.iter().map(|notification| notification.id).collect()
    }
}
