//! Handlers of public pages.

use axum::{
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow, query_as, query_scalar};
use tokio::try_join;
use uuid::Uuid;

use super::{
    answers::{self, Counted, Data, Moment, Named, Nodes},
    databases::{DatabaseError, Databases},
    viewer::users,
};

#[derive(Deserialize)]
pub struct Id {
    id: Uuid,
}

#[derive(Deserialize)]
pub struct Text {
    text: String,
}

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct Course {
    id: Uuid,
    title: String,
    description: String,
    level: String,
    is_free: bool,
    price: Option<Decimal>,
    duration_minutes: i32,
    created_at: Moment,
}

#[derive(Serialize)]
struct Listed {
    id: Uuid,
    title: String,
    level: String,
    price: Option<Decimal>,
    teacher: Option<Named>,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    teacher_id: Uuid,
    title: String,
    level: String,
    price: Option<Decimal>,
}

pub async fn course(
    State(databases): State<Databases>,
    Query(Id { id }): Query<Id>,
) -> Result<impl IntoResponse, DatabaseError> {
    #[derive(Serialize)]
    struct CourseData {
        course: Option<Course>,
    }
    let course = query_as(
        "select id, title, description, upper(level::text) as level, is_free, price, duration_minutes, created_at \
         from courses where id = $1",
    );
    let course = course.bind(id).fetch_optional(&databases.0.course).await?;
    Ok(axum::Json(Data { data: CourseData { course } }))
}

pub async fn page(State(databases): State<Databases>) -> Result<Response, DatabaseError> {
    let nodes = nodes(&databases, None).await?;
    Ok(answers::courses(Nodes { nodes }).into_response())
}

pub async fn page_with_total(State(databases): State<Databases>) -> Result<Response, DatabaseError> {
    let (total_count, nodes) = try_join!(count(&databases, None), nodes(&databases, None))?;
    Ok(answers::courses(Counted { total_count, nodes }).into_response())
}

pub async fn search(
    State(databases): State<Databases>,
    Query(Text { text }): Query<Text>,
) -> Result<Response, DatabaseError> {
    let nodes = nodes(&databases, Some(&text)).await?;
    Ok(answers::courses(Nodes { nodes }).into_response())
}

pub async fn search_with_total(
    State(databases): State<Databases>,
    Query(Text { text }): Query<Text>,
) -> Result<Response, DatabaseError> {
    let (total_count, nodes) = try_join!(count(&databases, Some(&text)), nodes(&databases, Some(&text)))?;
    Ok(answers::courses(Counted { total_count, nodes }).into_response())
}

/// Search texts of the comparison have no wildcards to escape.
fn pattern(text: &str) -> String {
    format!("%{text}%")
}

async fn count(databases: &Databases, text: Option<&str>) -> Result<i64, sqlx::Error> {
    let sql = match text {
        Some(_) => {
            "select count(*) from courses where state = 'published' and (title ilike $1 or description ilike $1)"
        }
        None => "select count(*) from courses where state = 'published'",
    };
    let count = query_scalar(sql);
    let count = match text {
        Some(text) => count.bind(pattern(text)),
        None => count,
    };
    count.fetch_one(&databases.0.course).await
}

async fn nodes(databases: &Databases, text: Option<&str>) -> Result<Vec<Listed>, sqlx::Error> {
    let found = if text.is_some() { "and (title ilike $1 or description ilike $1)" } else { "" };
    let rows = query_as(AssertSqlSafe(format!(
        "select id, teacher_id, title, upper(level::text) as level, price from courses \
         where state = 'published' {found} order by id desc limit 20"
    )));
    let rows = match text {
        Some(text) => rows.bind(pattern(text)),
        None => rows,
    };
    let rows: Vec<Row> = rows.fetch_all(&databases.0.course).await?;
    let teachers = users(databases, rows.iter().map(|row| row.teacher_id).collect()).await?;
    let listed = |row: Row| Listed {
        id: row.id,
        title: row.title,
        level: row.level,
        price: row.price,
        teacher: teachers.get(&row.teacher_id).cloned(),
    };
    Ok(rows.into_iter().map(listed).collect())
}
