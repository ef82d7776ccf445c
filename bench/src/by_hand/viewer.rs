//! Handlers of the signed-in user's pages.

use std::collections::HashMap;

use axum::{extract::State, response::IntoResponse};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{FromRow, query_as, query_scalar};
use tokio::try_join;
use uuid::Uuid;

use super::{
    answers::{self, Counted, Moment, Named, Nodes, Notification, Payment},
    databases::{DatabaseError, Databases, Viewer},
};

const NOTIFICATIONS: &str = "select id, upper(type::text) as type, title, is_read, created_at from notifications \
                             where user_id = $1 order by created_at desc, id desc limit $2";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Home {
    id: Uuid,
    name: String,
    unread_notification_count: i64,
    enrollments: Counted<Enrollment>,
    notifications: Nodes<Notification>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Enrollment {
    id: Uuid,
    status: String,
    enrolled_at: Moment,
    course: Option<Course>,
    payment: Option<Paid>,
}

#[derive(FromRow)]
struct EnrollmentRow {
    id: Uuid,
    course_id: Uuid,
    payment_id: Option<Uuid>,
    status: String,
    enrolled_at: Moment,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Course {
    id: Uuid,
    title: String,
    level: String,
    duration_minutes: i32,
    teacher: Option<Named>,
}

#[derive(FromRow)]
struct CourseRow {
    id: Uuid,
    teacher_id: Uuid,
    title: String,
    level: String,
    duration_minutes: i32,
}

#[derive(Clone, FromRow, Serialize)]
struct Paid {
    id: Uuid,
    amount: Decimal,
    status: String,
}

pub async fn student_home(
    State(databases): State<Databases>,
    Viewer(viewer): Viewer,
) -> Result<impl IntoResponse, DatabaseError> {
    let db = &databases.0;
    let me = query_as::<_, Named>("select id, name from users where id = $1").bind(viewer).fetch_optional(&db.identity);
    let unread = query_scalar("select count(*) from notifications where user_id = $1 and not is_read");
    let unread = unread.bind(viewer).fetch_one(&db.notification);
    let notifications = query_as(NOTIFICATIONS).bind(viewer).bind(10).fetch_all(&db.notification);
    let total = query_scalar("select count(*) from enrollments where student_id = $1");
    let total = total.bind(viewer).fetch_one(&db.enrollment);
    let enrollments = query_as::<_, EnrollmentRow>(
        "select id, course_id, payment_id, upper(status::text) as status, enrolled_at from enrollments \
         where student_id = $1 order by enrolled_at desc, id desc limit 20",
    );
    let enrollments = enrollments.bind(viewer).fetch_all(&db.enrollment);
    let (me, unread, notifications, total, enrollments) = try_join!(me, unread, notifications, total, enrollments)?;
    let Some(Named { id, name }) = me else { return Ok(answers::me(None)) };

    let paid: Vec<_> = enrollments.iter().filter_map(|enrollment| enrollment.payment_id).collect();
    let taken: Vec<_> = enrollments.iter().map(|enrollment| enrollment.course_id).collect();
    let (courses, payments) = try_join!(courses(&databases, taken), payments_by_id(&databases, paid))?;

    let nodes = enrollments.into_iter().map(|row| Enrollment {
        id: row.id,
        status: row.status,
        enrolled_at: row.enrolled_at,
        course: courses.get(&row.course_id).cloned(),
        payment: row.payment_id.and_then(|id| payments.get(&id).cloned()),
    });
    let enrollments = Counted { total_count: total, nodes: nodes.collect() };
    let notifications = Nodes { nodes: notifications };
    Ok(answers::me(Some(Home { id, name, unread_notification_count: unread, enrollments, notifications })))
}

async fn courses(databases: &Databases, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Course>, sqlx::Error> {
    let rows: Vec<CourseRow> = query_as(
        "select id, teacher_id, title, upper(level::text) as level, duration_minutes from courses where id = any($1)",
    )
    .bind(ids)
    .fetch_all(&databases.0.course)
    .await?;
    let teachers = users(databases, rows.iter().map(|row| row.teacher_id).collect()).await?;
    let course = |row: CourseRow| Course {
        id: row.id,
        title: row.title,
        level: row.level,
        duration_minutes: row.duration_minutes,
        teacher: teachers.get(&row.teacher_id).cloned(),
    };
    Ok(rows.into_iter().map(|row| (row.id, course(row))).collect())
}

/// Loads users by ID.
pub async fn users(databases: &Databases, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Named>, sqlx::Error> {
    let users: Vec<Named> =
        query_as("select id, name from users where id = any($1)").bind(ids).fetch_all(&databases.0.identity).await?;
    Ok(users.into_iter().map(|user| (user.id, user)).collect())
}

async fn payments_by_id(databases: &Databases, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Paid>, sqlx::Error> {
    let payments: Vec<Paid> =
        query_as("select id, amount, upper(status::text) as status from payments where id = any($1)")
            .bind(ids)
            .fetch_all(&databases.0.payment)
            .await?;
    Ok(payments.into_iter().map(|payment| (payment.id, payment)).collect())
}

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    id: Uuid,
    status: String,
    enrolled_at: Moment,
}

pub async fn enrollments(
    State(databases): State<Databases>,
    Viewer(viewer): Viewer,
) -> Result<impl IntoResponse, DatabaseError> {
    #[derive(Serialize)]
    struct Me {
        enrollments: Nodes<Place>,
    }
    let nodes = query_as(
        "select id, upper(status::text) as status, enrolled_at from enrollments \
         where student_id = $1 order by enrolled_at desc, id desc limit 20",
    );
    let nodes = nodes.bind(viewer).fetch_all(&databases.0.enrollment).await?;
    Ok(answers::me(Me { enrollments: Nodes { nodes } }))
}

pub async fn payments(
    State(databases): State<Databases>,
    Viewer(viewer): Viewer,
) -> Result<impl IntoResponse, DatabaseError> {
    #[derive(Serialize)]
    struct Me {
        payments: Nodes<Payment>,
    }
    let nodes = query_as(
        "select id, amount, upper(status::text) as status, created_at from payments \
         where student_id = $1 order by created_at desc, id desc limit 20",
    );
    let nodes = nodes.bind(viewer).fetch_all(&databases.0.payment).await?;
    Ok(answers::me(Me { payments: Nodes { nodes } }))
}

pub async fn notifications(
    State(databases): State<Databases>,
    Viewer(viewer): Viewer,
) -> Result<impl IntoResponse, DatabaseError> {
    #[derive(Serialize)]
    struct Me {
        notifications: Nodes<Notification>,
    }
    let nodes = query_as(NOTIFICATIONS).bind(viewer).bind(20).fetch_all(&databases.0.notification).await?;
    Ok(answers::me(Me { notifications: Nodes { nodes } }))
}

pub async fn me(
    State(databases): State<Databases>,
    Viewer(viewer): Viewer,
) -> Result<impl IntoResponse, DatabaseError> {
    #[derive(FromRow, Serialize)]
    #[serde(rename_all = "camelCase")]
    struct User {
        id: Uuid,
        name: String,
        email: String,
        role: String,
        is_verified: bool,
        created_at: Moment,
    }
    let user: Option<User> =
        query_as("select id, name, email, upper(role::text) as role, is_verified, created_at from users where id = $1")
            .bind(viewer)
            .fetch_optional(&databases.0.identity)
            .await?;
    Ok(answers::me(user))
}
