//! Every SQL statement on the table `courses`.

use contracts::{CourseId, UserId, ids::new_id_and_time};
use db::DbPool;
use sqlx::{Postgres, QueryBuilder, query_as, query_scalar, types::Uuid};
use subgraph_kit::{
    Error, Rejection,
    children::ChildOf,
    cursor::Cursor,
    list::{Filter, Listable},
    row::Paginated,
    table::FindById,
    text::ilike_pattern,
    viewer::{Public, VerifiedTeacher},
};

use super::{Course, Description, Level};

/// The separator of title and description in `search_text`.
const LINE_END: char = '\n';

const WITHOUT_DESCRIPTION: &str =
    "id, teacher_id, title, '' as description, is_free, price, duration_minutes, level, created_at";

/// The writes to the table `courses`.
pub struct Store {
    db: DbPool,
}

/// Whether the column `search_text` exists: only in the profile `tuned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HasSearchText(bool);

/// The filter of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CourseFilter {
    /// The text that title or description contains, in any letter case.
    pub search: Option<String>,
    /// The level; any if none.
    pub level: Option<Level>,
    /// Whether the courses are free or paid; either if none.
    pub is_free: Option<bool>,
    /// The id of the teacher; any if none.
    pub teacher: Option<UserId>,
    /// Whether to skip descriptions, which are long, when none is selected.
    pub without_description: bool,
    /// Whether `search` can use `search_text`.
    pub has_search_text: HasSearchText,
}

impl Paginated for Course {
    const TYPE_NAME: &'static str = "course";
    const TABLE: &'static str = "courses";
    const COLUMNS: &'static str =
        "id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at";
    const TIME_COLUMN: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { time: self.created_at, id: self.id.0 }
    }
}

impl FindById for Course {
    type Id = CourseId;

    fn id(&self) -> CourseId {
        self.id
    }

    async fn find_by_ids(db: &DbPool, ids: &[Uuid]) -> Result<Vec<Self>, sqlx::Error> {
        query_as!(
            Self,
            r#"
            select id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at
            from courses
            where id = any($1)
            "#,
            ids,
        )
        .fetch_all(db)
        .await
    }
}

impl Listable for Course {
    type Filter = CourseFilter;
    type Proof = Public<()>;
}

impl ChildOf<UserId> for Course {
    const PARENT_COLUMN: &'static str = "teacher_id";
    type Proof = Public<UserId>;
    type CountProof = Public<UserId>;
}

impl HasSearchText {
    /// Detects whether the column exists.
    pub async fn detect(db: &DbPool) -> Result<Self, sqlx::Error> {
        let has_search_text = query_scalar(
            "select exists (select from pg_attribute where attrelid = 'courses'::regclass and attname = 'search_text')",
        );
        Ok(Self(has_search_text.fetch_one(db).await?))
    }
}

impl Filter for CourseFilter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        let Self { search, level, is_free, teacher, without_description: _, has_search_text: _ } = self;
        if let Some(search) = search {
            self.push_search(sql, search);
        }
        if let Some(level) = level {
            sql.push(" and level = ").push_bind(*level);
        }
        if let Some(is_free) = is_free {
            sql.push(" and is_free = ").push_bind(*is_free);
        }
        if let Some(teacher) = teacher {
            sql.push(" and teacher_id = ").push_bind(*teacher);
        }
    }

    fn columns<T: Paginated>(&self) -> &'static str {
        if self.without_description { WITHOUT_DESCRIPTION } else { T::COLUMNS }
    }

    fn without_columns(&self) -> Self {
        Self { without_description: false, ..self.clone() }
    }

    fn may_need_full_scan(&self) -> bool {
        self.search.is_some() || self.teacher.is_some()
    }
}

impl CourseFilter {
    fn push_search(&self, sql: &mut QueryBuilder<Postgres>, search: &str) {
        let pattern = ilike_pattern(search);
        let HasSearchText(has_search_text) = self.has_search_text;
        if has_search_text {
            sql.push(" and search_text like lower(").push_bind(pattern.clone()).push(")");
        }
        // A match of several lines could span title and description.
        if !has_search_text || search.contains(LINE_END) {
            sql.push(" and (title ilike ").push_bind(pattern.clone());
            sql.push(" or description ilike ").push_bind(pattern).push(")");
        }
    }
}

impl Store {
    /// Creates the store over this database.
    #[must_use]
    pub fn new(db: DbPool) -> Self {
        Self { db }
    }

    /// Inserts a course.
    pub async fn insert(&self, teacher: VerifiedTeacher, course: Description) -> Result<Course, Error> {
        let price = course.price()?;
        let (id, created_at) = new_id_and_time();
        let course = query_as!(
            Course,
            r#"
            insert into courses (id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            returning id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at
            "#,
            id,
            teacher.id().0,
            course.title,
            course.description,
            course.is_free,
            price,
            course.duration_minutes,
            course.level,
            created_at,
        )
        .fetch_one(&self.db)
        .await?;
        Ok(course)
    }

    /// Updates a course with the result of `change`, while its row is locked.
    ///
    /// # Errors
    /// `NOT_FOUND` if there is no such course; the errors of `change`.
    pub async fn update(
        &self,
        id: CourseId,
        change: impl FnOnce(&Course) -> Result<Description, Error>,
    ) -> Result<Course, Error> {
        let mut tx = self.db.begin().await?;
        let course = query_as!(
            Course,
            r#"
            select id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at
            from courses
            where id = $1
            for update
            "#,
            id.0,
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| Rejection::not_found("course", "courseId"))?;

        let changed = change(&course)?;
        let price = changed.price()?;
        let course = query_as!(
            Course,
            r#"
            update courses
            set title = $2, description = $3, is_free = $4, price = $5, duration_minutes = $6, level = $7
            where id = $1
            returning id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at
            "#,
            id.0,
            changed.title,
            changed.description,
            changed.is_free,
            price,
            changed.duration_minutes,
            changed.level,
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(course)
    }
}
