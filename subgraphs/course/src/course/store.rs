//! Every SQL statement on the courses table.

use db::DbPool;
use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::Loader;
use contracts::{CourseId, UserId, ids::new_id_and_time};
use sqlx::{Postgres, QueryBuilder, query_as, query_scalar};
use subgraph_kit::{
    Error, PageArgs, Refusal,
    children::{Children, ParentCount, ParentPage},
    list::{Filter, Order, Page, Paginated, Table},
    page::Cursor,
    scans::Scan,
    text::ilike_pattern,
    viewer::VerifiedTeacher,
};

use super::{Course, Description, Level};

/// What stands between title and description in `search_text`.
const LINE_END: char = '\n';

const WITHOUT_DESCRIPTION: &str =
    "id, teacher_id, title, '' as description, is_free, price, duration_minutes, level, created_at";

/// The courses table.
#[derive(Clone)]
pub struct Store {
    db: DbPool,
    table: Table<Course, StoredFilter>,
    by_teacher: Children<Course>,
    has_search_text: bool,
}

/// Which courses of the catalogue are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CourseFilter {
    /// Text that title or description contains, in any letter case.
    pub search: Option<String>,
    /// Only this level.
    pub level: Option<Level>,
    /// Only free ones, or only those that are not.
    pub is_free: Option<bool>,
    /// Only this teacher's.
    pub teacher: Option<UserId>,
    /// Descriptions are long: nobody has to read those that nobody has selected.
    pub without_description: bool,
}

/// A filter for the columns that there are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct StoredFilter {
    filter: CourseFilter,
    /// Whether there is a column `search_text`: the profile `tuned` has it.
    has_search_text: bool,
}

impl Paginated for Course {
    const TYPE_NAME: &'static str = "course";
    const TABLE: &'static str = "courses";
    const COLUMNS: &'static str =
        "id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at";
    const TIME: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { time: self.created_at, id: self.id.0 }
    }
}

impl Filter for StoredFilter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        let CourseFilter { search, level, is_free, teacher, without_description: _ } = &self.filter;
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
        if self.filter.without_description { WITHOUT_DESCRIPTION } else { T::COLUMNS }
    }

    fn may_read_everything(&self) -> bool {
        self.filter.search.is_some() || self.filter.teacher.is_some()
    }
}

impl StoredFilter {
    fn push_search(&self, sql: &mut QueryBuilder<Postgres>, search: &str) {
        let pattern = ilike_pattern(search);
        if self.has_search_text {
            sql.push(" and search_text like lower(").push_bind(pattern.clone()).push(")");
        }
        // A text of several lines could begin in the title and end in the description.
        if !self.has_search_text || search.contains(LINE_END) {
            sql.push(" and (title ilike ").push_bind(pattern.clone());
            sql.push(" or description ilike ").push_bind(pattern).push(")");
        }
    }
}

impl Store {
    /// The table in this database; looks how its rows can be ordered and found.
    pub async fn open(db: DbPool) -> Result<Self, sqlx::Error> {
        let table = Table::open(db.clone()).await?;
        let by_teacher = Children::open(db.clone(), table.lane().clone(), "teacher_id").await?;
        let has_search_text = query_scalar(
            "select exists (select from pg_attribute where attrelid = 'courses'::regclass and attname = 'search_text')",
        );
        let has_search_text = has_search_text.fetch_one(&db).await?;
        Ok(Self { db, table, by_teacher, has_search_text })
    }

    fn stored(&self, filter: &CourseFilter) -> StoredFilter {
        StoredFilter { filter: filter.clone(), has_search_text: self.has_search_text }
    }

    /// A page of the catalogue.
    pub async fn list(
        &self,
        scan: Scan,
        order: Order,
        filter: &CourseFilter,
        args: &PageArgs,
    ) -> Result<Page<Course>, Error> {
        self.table.page(scan, order, &self.stored(filter), args).await
    }

    /// How many courses pass the filter.
    pub async fn count(&self, scan: Scan, filter: &CourseFilter) -> Result<i64, Error> {
        let filter = CourseFilter { without_description: false, ..filter.clone() };
        self.table.count(scan, &self.stored(&filter)).await
    }

    /// Publishes a course.
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

    /// Changes the course as `change` says, while nobody else can.
    ///
    /// # Errors
    /// `NOT_FOUND` if the teacher has no such course; the refusals of `change`.
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
        .ok_or_else(|| Refusal::not_found("course", "courseId"))?;

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

impl Loader<CourseId> for Store {
    type Value = Course;
    type Error = Error;

    async fn load(&self, ids: &[CourseId]) -> Result<HashMap<CourseId, Course>, Error> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let courses = query_as!(
            Course,
            r#"
            select id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at
            from courses
            where id = any($1)
            "#,
            &ids,
        )
        .fetch_all(&self.db)
        .await?;
        Ok(courses.into_iter().map(|course| (course.id, course)).collect())
    }
}

impl Loader<ParentPage<UserId, ()>> for Store {
    type Value = Arc<Page<Course>>;
    type Error = Error;

    async fn load(
        &self,
        keys: &[ParentPage<UserId, ()>],
    ) -> Result<HashMap<ParentPage<UserId, ()>, Self::Value>, Error> {
        self.by_teacher.pages(keys).await
    }
}

impl Loader<ParentCount<UserId, ()>> for Store {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[ParentCount<UserId, ()>]) -> Result<HashMap<ParentCount<UserId, ()>, i64>, Error> {
        self.by_teacher.counts(keys).await
    }
}
