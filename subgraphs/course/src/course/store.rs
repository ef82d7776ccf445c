//! Every SQL statement on the table `courses`.

use std::collections::BTreeSet;

use contracts::{
    Code, CourseId, UserId,
    events::{CourseWithdrawn, EventPayload},
    ids::new_id_and_time,
    money::Money,
};
use db::DbPool;
use sqlx::{PgConnection, Postgres, QueryBuilder, query, query_as, query_scalar, types::Uuid};
use subgraph_kit::{
    Error, Rejection, Viewer,
    children::ChildOf,
    cursor::Cursor,
    list::{Filter, Listable},
    order::{SortValue, ValueOrder},
    row::Paginated,
    table::FindById,
    text::{ilike_pattern, nfc, nfd},
    viewer::{Public, SignedIn, VerifiedTeacher},
};

use super::{Course, Description, Level, State, not_found, order::PRICE_IN_CENTS};

/// The separator of title and description in `search_text`.
const LINE_END: char = '\n';

/// How many drafts a teacher can have. Nobody else sees them, so that nobody else would notice too many.
const MAX_DRAFTS: i64 = 500;

const WITHOUT_DESCRIPTION: &str = "id, teacher_id, title, '' as description, is_free, price, duration_minutes, level, \
     created_at, state, withdrawn_by_admin";

/// The writes to the table `courses`.
pub struct Store {
    db: DbPool,
}

/// Whether the column `search_text` exists: only in the profile `tuned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HasSearchText(bool);

/// A course to insert.
#[derive(Clone, Debug)]
pub struct NewCourse {
    /// Its fields.
    pub description: Description,
    /// Its first state.
    pub state: State,
    /// The key by which a repeated request is recognized.
    pub idempotency_key: Option<String>,
}

/// A deletion that was begun.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// The course.
    course: CourseId,
    /// Whether it is a draft, so that nobody can have enrolled in it.
    pub is_draft: bool,
    /// The course's row as it was then.
    version: String,
}

/// The filter of the catalogue. It lists published courses alone, whoever asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CourseFilter {
    /// The text that title or description contains, in any letter case.
    pub search: Option<String>,
    /// The words that title or description contains, in any letter case and order.
    pub words: Vec<String>,
    /// The level; any if none.
    pub level: Option<Level>,
    /// The levels; any if empty.
    pub levels: Vec<Level>,
    /// The lowest price; a free course costs 0.
    pub min_price: Option<Money>,
    /// The highest price.
    pub max_price: Option<Money>,
    /// Whether the courses are free or paid; either if none.
    pub is_free: Option<bool>,
    /// The id of the teacher; any if none.
    pub teacher: Option<UserId>,
    /// Whether to skip descriptions, which are long, when none is selected.
    pub without_description: bool,
    /// Whether the search for texts can use `search_text`.
    pub has_search_text: HasSearchText,
}

impl Paginated for Course {
    const TYPE_NAME: &'static str = "course";
    const TABLE: &'static str = "courses";
    const COLUMNS: &'static str = "id, teacher_id, title, description, is_free, price, duration_minutes, level, \
         created_at, state, withdrawn_by_admin";
    const TIME_COLUMN: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { time: self.created_at.0, id: self.id.0 }
    }

    fn sort_value(&self, order: &ValueOrder) -> Option<SortValue> {
        Some(self.value_in(order))
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
            select id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at, state,
                   withdrawn_by_admin
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
        let Self { search, words, level, levels, min_price, max_price, is_free, teacher, .. } = self;
        sql.push(" and state = 'published'");
        if let Some(search) = search {
            self.push_search(sql, search);
        }
        self.push_words(sql, words);
        if let Some(level) = level {
            sql.push(" and level = ").push_bind(*level);
        }
        if !levels.is_empty() {
            sql.push(" and level = any(").push_bind(levels.clone()).push(")");
        }
        for (price, comparison) in [(min_price, ">="), (max_price, "<=")] {
            if let Some(price) = price {
                sql.push(format_args!(" and {PRICE_IN_CENTS} {comparison} ")).push_bind(price.cents());
            }
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
        let Self { search, words, min_price, max_price, teacher, .. } = self;
        search.is_some() || !words.is_empty() || min_price.is_some() || max_price.is_some() || teacher.is_some()
    }
}

impl CourseFilter {
    /// Adds the condition that a text occurs, in any of its forms.
    fn push_search(&self, sql: &mut QueryBuilder<Postgres>, text: &str) {
        sql.push(" and (false");
        for form in forms(text) {
            sql.push(" or ");
            self.push_occurrence(sql, &form);
        }
        sql.push(")");
    }

    /// Adds the condition that every word occurs. To lower-case a course is most of what a search takes, so that it is
    /// done once for all words.
    fn push_words(&self, sql: &mut QueryBuilder<Postgres>, words: &[String]) {
        let HasSearchText(has_search_text) = self.has_search_text;
        if has_search_text {
            return words.iter().for_each(|word| self.push_search(sql, word));
        }
        if words.is_empty() {
            return;
        }
        sql.push(" and (select true");
        for word in words {
            sql.push(" and (false");
            for form in forms(word) {
                sql.push(" or lowered.text like lower(").push_bind(ilike_pattern(&form)).push(")");
            }
            sql.push(")");
        }
        sql.push(" from (select lower(title) || chr(10) || lower(description) as text offset 0) as lowered)");
    }

    fn push_occurrence(&self, sql: &mut QueryBuilder<Postgres>, text: &str) {
        let pattern = ilike_pattern(text);
        let HasSearchText(has_search_text) = self.has_search_text;
        if has_search_text {
            sql.push("search_text like lower(").push_bind(pattern.clone()).push(")");
        }
        // A match of several lines could span title and description.
        if !has_search_text || text.contains(LINE_END) {
            let and = if has_search_text { " and " } else { "" };
            sql.push(and).push("(title ilike ").push_bind(pattern.clone());
            sql.push(" or description ilike ").push_bind(pattern).push(")");
        }
    }
}

/// The forms in which a course may have a text. Imported courses may have another Unicode form than new courses and most
/// searches, and new courses have no carriage returns.
fn forms(text: &str) -> BTreeSet<String> {
    let forms = [nfc(text), nfd(text)].into_iter();
    forms.flat_map(|form| [form.replace("\r\n", "\n"), form]).collect()
}

/// The filter of a teacher's courses: for strangers, published ones alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TeacherFilter {
    is_public: bool,
    state: Option<State>,
}

impl TeacherFilter {
    /// What the viewer may see of the teacher's courses, and of that only those in this state.
    #[must_use]
    pub fn new(viewer: &Viewer, teacher: UserId, state: Option<State>) -> Self {
        Self { is_public: !viewer.is_self_or_admin(teacher), state }
    }
}

impl Filter for TeacherFilter {
    fn push(&self, sql: &mut QueryBuilder<Postgres>) {
        let Self { is_public, state } = self;
        if *is_public {
            sql.push(" and state = 'published'");
        }
        if let Some(state) = state {
            sql.push(" and state = ").push_bind(*state);
        }
    }
}

impl Store {
    /// Creates the store over this database.
    #[must_use]
    pub fn new(db: DbPool) -> Self {
        Self { db }
    }

    /// Inserts a course. With a key that the teacher has used before, the course of that time is returned.
    ///
    /// # Errors
    /// `IDEMPOTENCY_KEY_REUSED` if the key was used with other input, `NOT_FOUND` if its course was deleted since;
    /// `TOO_MANY_DRAFTS`.
    pub async fn insert(&self, teacher: VerifiedTeacher, new: &NewCourse) -> Result<Course, Error> {
        let inserted = match new.state {
            State::Draft => self.insert_draft(teacher, new).await?,
            State::Published | State::Withdrawn => insert(&mut *self.db.acquire().await?, teacher, new).await?,
        };
        match (inserted, &new.idempotency_key) {
            (Some(course), _) => Ok(course),
            (None, Some(key)) => self.find_repeated(teacher, key, &new.description.hash(new.state)).await,
            (None, None) => Err(Error::internal(sqlx::Error::RowNotFound)),
        }
    }

    /// Inserts a draft, unless the teacher has too many. The teacher's are inserted one after the other, so that concurrent
    /// ones count each other. The baseline reads the whole table, as for a teacher's courses; the tuned profile
    /// has an index.
    async fn insert_draft(&self, teacher: VerifiedTeacher, new: &NewCourse) -> Result<Option<Course>, Error> {
        let mut tx = self.db.begin().await?;
        query!("select pg_advisory_xact_lock(hashtextextended('drafts ' || $1::text, 0))", teacher.id().to_string())
            .execute(&mut *tx)
            .await?;
        let inserted = insert(&mut tx, teacher, new).await?;
        if inserted.is_some() {
            let drafts = query_scalar!(
                r#"select count(*) as "count!" from courses where teacher_id = $1 and state = 'draft'"#,
                teacher.id().0
            );
            require_few_drafts(drafts.fetch_one(&mut *tx).await?)?;
        }
        tx.commit().await?;
        Ok(inserted)
    }

    async fn find_repeated(&self, teacher: VerifiedTeacher, key: &str, hash: &[u8]) -> Result<Course, Error> {
        let earlier = query!(
            "select course_id, input_hash from create_course_requests where teacher_id = $1 and idempotency_key = $2",
            teacher.id().0,
            key,
        )
        .fetch_one(&self.db)
        .await?;
        if earlier.input_hash != hash {
            let message = "this key was used before, with other input";
            return Err(Rejection::new(Code::IdempotencyKeyReused, message).at("idempotencyKey").into());
        }
        let deleted = || {
            let message = "the course of this key was deleted: use a new key for a new course";
            Rejection::new(Code::NotFound, message).at("idempotencyKey")
        };
        Ok(self.find(earlier.course_id).await?.ok_or_else(deleted)?)
    }

    /// Finds a course by its id, as it is now.
    pub async fn find(&self, id: CourseId) -> Result<Option<Course>, sqlx::Error> {
        Ok(Course::find_by_ids(&self.db, &[id.0]).await?.pop())
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
        let course = lock(&mut tx, id).await?;

        let changed = change(&course)?;
        let price = changed.price()?;
        let course = query_as!(
            Course,
            r#"
            update courses
            set title = $2, description = $3, is_free = $4, price = $5, duration_minutes = $6, level = $7
            where id = $1
            returning id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at, state,
                      withdrawn_by_admin
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

    /// Publishes a course; one that is published already stays so.
    ///
    /// # Errors
    /// `NOT_FOUND`; [`Error::Forbidden`] if the viewer may not publish it.
    pub async fn publish(&self, viewer: &Viewer, id: CourseId) -> Result<Course, Error> {
        let mut tx = self.db.begin().await?;
        let course = lock(&mut tx, id).await?;
        course.require_publishable_by(viewer)?;
        if course.state == State::Published {
            return Ok(course);
        }
        let course = set_state(&mut tx, id, State::Published, false).await?;
        tx.commit().await?;
        Ok(course)
    }

    /// Withdraws a course, and publishes the event. One that is withdrawn already stays so, but an admin's withdrawal
    /// replaces the teacher's.
    ///
    /// # Errors
    /// `NOT_FOUND`, `COURSE_IS_DRAFT`, `INVALID_INPUT` if an admin gives no reason; [`Error::Forbidden`] if the viewer
    /// may not withdraw it.
    pub async fn withdraw(
        &self,
        viewer: &Viewer,
        by: SignedIn,
        id: CourseId,
        reason: Option<String>,
    ) -> Result<Course, Error> {
        let mut tx = self.db.begin().await?;
        let course = lock(&mut tx, id).await?;
        course.require_managed_by(viewer)?;
        let is_by_admin = by.id() != course.teacher_id;
        if is_by_admin && reason.is_none() {
            return Err(Rejection::invalid("reason", "must be given: the teacher is told").into());
        }
        match course.state {
            State::Draft => {
                let message = "a draft cannot be withdrawn, since nobody else can see it: delete it";
                return Err(Rejection::new(Code::CourseIsDraft, message).at("courseId").into());
            }
            State::Withdrawn if course.withdrawn_by_admin || !is_by_admin => {
                // While it is being deleted, a course is withdrawn by nobody.
                if !is_being_deleted(&mut tx, id).await? {
                    return Ok(course);
                }
            }
            State::Withdrawn | State::Published => {}
        }
        let course = set_state(&mut tx, id, State::Withdrawn, is_by_admin).await?;
        let withdrawn = EventPayload::CourseWithdrawn(CourseWithdrawn {
            withdrawal_id: new_id_and_time().0,
            course_id: id,
            course_title: course.title.clone(),
            teacher_id: course.teacher_id,
            withdrawn_by: by.id(),
            reason,
        });
        messaging::publish(&mut tx, withdrawn).await?;
        tx.commit().await?;
        Ok(course)
    }

    /// Begins to delete a course: from now on nobody can buy a published one or enroll in it, since it is withdrawn
    /// until it is deleted or the deletion is cancelled. It stays withdrawn if neither follows.
    ///
    /// # Errors
    /// `NOT_FOUND`; [`Error::Forbidden`] if the viewer may not delete it.
    pub async fn begin_deletion(&self, viewer: &Viewer, id: CourseId) -> Result<Deletion, Error> {
        let mut tx = self.db.begin().await?;
        let course = lock(&mut tx, id).await?;
        course.require_managed_by(viewer)?;
        if course.state == State::Published {
            query!("update courses set state = 'withdrawn', deletion_began_at = now() where id = $1", id.0)
                .execute(&mut *tx)
                .await?;
        }
        // The transaction that wrote the row as it is now.
        let version = query_scalar!(r#"select xmin::text as "version!" from courses where id = $1"#, id.0);
        let version = version.fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(Deletion { course: id, is_draft: course.state == State::Draft, version })
    }

    /// Publishes a course again whose deletion was begun, unless somebody has published or withdrawn it since.
    pub async fn cancel_deletion(&self, deletion: &Deletion) -> Result<(), sqlx::Error> {
        query!(
            "
            update courses
            set state = 'published', deletion_began_at = null
            where id = $1 and deletion_began_at is not null
            ",
            deletion.course.0,
        )
        .execute(&self.db)
        .await?;
        Ok(())
    }

    /// Deletes a course, if it has not changed since its deletion was begun. False if it has.
    pub async fn delete(&self, deletion: &Deletion) -> Result<bool, sqlx::Error> {
        let Deletion { course, version, .. } = deletion;
        let deleted = query!("delete from courses where id = $1 and xmin::text = $2", course.0, version.as_str());
        Ok(deleted.execute(&self.db).await?.rows_affected() == 1)
    }
}

/// Inserts a course. None if the teacher has used its key before.
async fn insert(
    db: &mut PgConnection,
    teacher: VerifiedTeacher,
    NewCourse { description: course, state, idempotency_key }: &NewCourse,
) -> Result<Option<Course>, Error> {
    let price = course.price()?;
    let (id, created_at) = new_id_and_time();
    let inserted = query_as!(
        Course,
        r#"
        with forgotten as (
            delete from create_course_requests
            where (teacher_id, idempotency_key) in (
                select teacher_id, idempotency_key
                from create_course_requests
                where created_at < $9::timestamptz - interval '30 days'
                    and (teacher_id, idempotency_key) is distinct from ($2, $11::text)
                order by created_at
                limit 10
                for update skip locked
            )
        ), request as (
            insert into create_course_requests (teacher_id, idempotency_key, course_id, input_hash)
            select $2, $11::text, $1, $12 where $11::text is not null
            on conflict on constraint create_course_requests_one_per_key do nothing
            returning course_id
        )
        insert into courses
            (id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at, state)
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
        where $11::text is null or exists (select from request)
        returning id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at, state,
                  withdrawn_by_admin
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
        *state,
        idempotency_key.as_deref(),
        course.hash(*state),
    )
    .fetch_optional(db)
    .await?;
    Ok(inserted)
}

/// Requires that a teacher has not too many drafts, the new one included.
fn require_few_drafts(drafts: i64) -> Result<(), Rejection> {
    if drafts <= MAX_DRAFTS {
        return Ok(());
    }
    let message = format!("you have {MAX_DRAFTS} drafts already: publish or delete one of them first");
    Err(Rejection::new(Code::TooManyDrafts, message).at("isDraft"))
}

async fn is_being_deleted(tx: &mut PgConnection, id: CourseId) -> Result<bool, sqlx::Error> {
    query_scalar!(r#"select deletion_began_at is not null as "is!" from courses where id = $1"#, id.0)
        .fetch_one(tx)
        .await
}

/// Locks a course until the transaction ends.
async fn lock(tx: &mut PgConnection, id: CourseId) -> Result<Course, Error> {
    let course = query_as!(
        Course,
        r#"
        select id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at, state,
               withdrawn_by_admin
        from courses
        where id = $1
        for update
        "#,
        id.0,
    )
    .fetch_optional(tx)
    .await?;
    Ok(course.ok_or_else(not_found)?)
}

async fn set_state(
    tx: &mut PgConnection,
    id: CourseId,
    state: State,
    withdrawn_by_admin: bool,
) -> Result<Course, sqlx::Error> {
    query_as!(
        Course,
        r#"
        update courses
        set state = $2, withdrawn_by_admin = $3, deletion_began_at = null
        where id = $1
        returning id, teacher_id, title, description, is_free, price, duration_minutes, level, created_at, state,
                  withdrawn_by_admin
        "#,
        id.0,
        state,
        withdrawn_by_admin,
    )
    .fetch_one(tx)
    .await
}
