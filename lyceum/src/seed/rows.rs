//! Converts the plan to rows: indexes become ids, and texts are generated.

use contracts::money::Money;

use super::copy::Row;
use super::message::Message;
use super::notification::{About, recipient};
use super::plan::Plan;
use super::table::Table;
use super::timeline::moment;

pub const USERS: Table = Table {
    database: "identity",
    name: "users",
    columns: "id, email, password_hash, name, role, is_verified, created_at",
};
pub const COURSES: Table = Table {
    database: "course",
    name: "courses",
    columns: "id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at, state",
};
pub const ENROLLMENTS: Table = Table {
    database: "enrollment",
    name: "enrollments",
    columns: "id, student_id, course_id, payment_id, status, enrolled_at",
};
pub const PAYMENTS: Table = Table {
    database: "payment",
    name: "payments",
    columns: "id, student_id, course_id, amount, status, created_at, teacher_id",
};
pub const NOTIFICATIONS: Table = Table {
    database: "notification",
    name: "notifications",
    columns: "id, user_id, type, title, body, is_read, created_at, subject_type, subject_id",
};

/// Derives the redemptions of payments. In this data a payment buys one enrollment.
pub const PAYMENT_REDEMPTIONS: &str = "insert into payment_redemptions (payment_id, enrollment_id)
    select payment_id, id from enrollments where payment_id is not null";

pub fn user(plan: &Plan, index: usize, row: &mut Row<'_>) {
    let user = &plan.users[index];
    row.put(user.id);
    row.put(user.email().as_str());
    row.put(plan.password_hash.as_str());
    row.put(user.name().as_str());
    row.put(user.role.as_str());
    row.put(user.is_verified);
    row.put(moment(user.created));
}

pub fn course(plan: &Plan, index: usize, row: &mut Row<'_>) {
    let course = &plan.courses[index];
    row.put(course.id);
    row.put(plan.users[course.teacher].id);
    row.put(course.title().as_str());
    row.put(course.description().as_str());
    row.put(course.price.is_none());
    match course.price {
        Some(cents) => row.put(Money::from_cents(cents)),
        None => row.put_null(),
    }
    row.put(course.minutes);
    row.put(course.level.as_str());
    row.put(moment(course.created));
    row.put(course.state.as_str());
}

pub fn enrollment(plan: &Plan, index: usize, row: &mut Row<'_>) {
    let enrollment = &plan.enrollments[index];
    row.put(enrollment.id);
    row.put(plan.users[enrollment.student].id);
    row.put(plan.courses[enrollment.course].id);
    match enrollment.payment {
        Some(payment) => row.put(plan.payments[payment].id),
        None => row.put_null(),
    }
    row.put(enrollment.status.as_str());
    row.put(moment(enrollment.enrolled));
}

pub fn payment(plan: &Plan, index: usize, row: &mut Row<'_>) {
    let payment = &plan.payments[index];
    let enrollment = &plan.enrollments[payment.enrollment];
    let course = &plan.courses[enrollment.course];
    row.put(payment.id);
    row.put(plan.users[enrollment.student].id);
    row.put(course.id);
    row.put(Money::from_cents(course.price.expect("only places in paid courses are paid for")));
    row.put("completed");
    row.put(moment(payment.created));
    row.put(plan.users[course.teacher].id);
}

pub fn notification(plan: &Plan, index: usize, row: &mut Row<'_>) {
    let notification = &plan.notifications[index];
    let user = recipient(notification.about, &plan.enrollments, &plan.payments);
    let message = Message::about(plan, notification.about);
    row.put(notification.id);
    row.put(plan.users[user].id);
    row.put(message.kind);
    row.put(message.title.as_str());
    row.put(message.body.as_str());
    row.put(notification.is_read);
    row.put(moment(notification.created));
    let subject = match notification.about {
        About::Registration { .. } => None,
        About::Enrollment { enrollment } => Some(("enrollment", plan.enrollments[enrollment].id)),
        About::Payment { payment } => Some(("payment", plan.payments[payment].id)),
    };
    if let Some((subject_type, id)) = subject {
        row.put(subject_type);
        row.put(id);
    } else {
        row.put_null();
        row.put_null();
    }
}
