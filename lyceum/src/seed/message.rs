//! The texts of notifications.

use contracts::money::Money;

use super::course::{Course, Level};
use super::identity::{Role, User};
use super::notification::About;
use super::plan::Plan;
use super::timeline;

/// A notification's type and text.
pub struct Message {
    pub kind: &'static str,
    pub title: String,
    pub body: String,
}

impl Message {
    pub fn about(plan: &Plan, about: About) -> Self {
        match about {
            About::Registration { user } => Self::welcome(&plan.users[user]),
            About::Enrollment { enrollment } => {
                let course = &plan.courses[plan.enrollments[enrollment].course];
                Self::enrolled(course, &plan.users[course.teacher])
            }
            About::Payment { payment } => {
                let payment = &plan.payments[payment];
                let course = &plan.courses[plan.enrollments[payment.enrollment].course];
                Self::paid(course, payment.created)
            }
        }
    }

    fn welcome(user: &User) -> Self {
        let body = match (user.role, user.is_verified) {
            (Role::Student, _) => "Your account is ready. Browse the catalogue, pick a course and start learning.",
            (Role::Teacher, true) => "Your account is ready and verified. You can publish your first course.",
            (Role::Teacher, false) => "Your account is ready. You can publish courses as soon as we have verified you.",
        };
        Self { kind: "registration", title: format!("Welcome to Lyceum, {}!", user.given_name), body: body.to_owned() }
    }

    fn enrolled(course: &Course, teacher: &User) -> Self {
        let title = course.title();
        let level = match course.level {
            Level::Beginner => "a beginner's course",
            Level::Intermediate => "an intermediate course",
            Level::Advanced => "an advanced course",
        };
        Self {
            kind: "enrollment",
            body: format!(
                "You are now enrolled in “{title}”, {level} of {} by {}. You can start at any time.",
                duration(course.minutes),
                teacher.name(),
            ),
            title: format!("You are enrolled in {title}"),
        }
    }

    fn paid(course: &Course, created: i64) -> Self {
        let title = course.title();
        let cents = course.price.expect("only paid courses are paid for");
        Self {
            kind: "payment",
            body: format!(
                "We received your payment of {} for “{title}” on {}. You keep access to the course.",
                Money::from_cents(cents),
                timeline::moment(created).format("%-d %B %Y"),
            ),
            title: format!("Payment received for {title}"),
        }
    }
}

/// Formats a duration: “45 minutes”, “3 hours”, “1 h 30 min”.
fn duration(minutes: i32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} minutes"),
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
