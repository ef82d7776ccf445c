//! The fields, queries and mutations of a course.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject, dataloader::DataLoader};
use rust_decimal::Decimal;
use subgraph_kit::{
    Connection, CourseId, Error, PageArgs, ScanExt as _, UserError, UserId, ViewerExt as _,
    connection::TotalCount,
    into_payload,
    list::{Order, Paginated as _},
    objects::Entity,
    seal::{Fact, SealKeys},
    text,
};

use super::{
    Course, Description, Level,
    store::{self, Store},
};
use crate::user::User;

/// Every row is compared with it, so its length is time.
const MAX_SEARCH_LENGTH: usize = 200;

/// Queries.
pub struct CourseQuery;

/// Mutations.
pub struct CourseMutation;

/// In which order the catalogue is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum CourseOrder {
    /// The newest course first.
    #[default]
    Newest,
    /// The oldest course first.
    Oldest,
}

/// Which courses to list; conditions that are absent let everything through.
#[derive(Debug, Default, InputObject)]
pub struct CourseFilter {
    /// Text that title or description contains, in any letter case; `%` and `_` stand for themselves. At most 200 characters.
    pub search: Option<String>,
    /// Only courses of this level.
    pub level: Option<Level>,
    /// Only free courses, or only those that are not.
    pub is_free: Option<bool>,
    /// Only courses of this teacher.
    pub teacher_id: Option<UserId>,
}

/// A new course.
#[derive(Debug, InputObject)]
pub struct CreateCourseInput {
    /// 1 to 500 characters.
    pub title: String,
    /// Plain text, at most 20,000 characters.
    #[graphql(default)]
    pub description: String,
    /// For whom it is.
    #[graphql(default_with = "Level::Beginner")]
    pub level: Level,
    /// Whether students enroll without paying.
    #[graphql(default = true)]
    pub is_free: bool,
    /// Required when the course is not free, absent when it is: more than 0, at most 9999999999.99, at most 2 decimals.
    pub price: Option<Decimal>,
    /// How long it takes, in minutes.
    #[graphql(default)]
    pub duration_minutes: i32,
}

/// What changes about a course; what is absent stays as it is.
#[derive(Debug, InputObject)]
pub struct UpdateCourseInput {
    /// The course to change.
    pub course_id: CourseId,
    /// 1 to 500 characters.
    pub title: Option<String>,
    /// Plain text, at most 20,000 characters. A longer one, of an imported course, may stay as it is.
    pub description: Option<String>,
    /// For whom it is.
    pub level: Option<Level>,
    /// Whether students enroll without paying. A course that becomes free loses its price.
    pub is_free: Option<bool>,
    /// Required when the course stops being free: more than 0, at most 9999999999.99, at most 2 decimals.
    pub price: Option<Decimal>,
    /// How long it takes, in minutes.
    pub duration_minutes: Option<i32>,
}

/// The outcome of `createCourse`.
#[derive(Debug, SimpleObject)]
pub struct CreateCoursePayload {
    /// The new course; null when it was refused.
    course: Option<Course>,
    /// Why it was refused.
    user_errors: Vec<UserError>,
}

/// The outcome of `updateCourse`.
#[derive(Debug, SimpleObject)]
pub struct UpdateCoursePayload {
    /// The course as it is now; null when the change was refused.
    course: Option<Course>,
    /// Why the change was refused.
    user_errors: Vec<UserError>,
}

#[ComplexObject]
impl Course {
    /// Who teaches it; null when that account is gone.
    async fn teacher(&self) -> Option<User> {
        Some(User { id: self.teacher_id })
    }

    /// Proves to other subgraphs who teaches it. Not for clients.
    #[graphql(inaccessible)]
    async fn teacher_seal(&self, ctx: &Context<'_>) -> Option<String> {
        let fact = Fact::CourseTeacher { course: self.id, teacher: self.teacher_id };
        Some(ctx.data_unchecked::<SealKeys>().seal(fact))
    }
}

#[Object(name = "Query")]
impl CourseQuery {
    /// A course by its id; null when there is none. Everyone may ask.
    async fn course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course's id.")] id: CourseId,
    ) -> Option<Result<Course, Error>> {
        ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(id).await.transpose()
    }

    /// The catalogue. Everyone may see it; null, with an error, when it cannot be read.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn courses(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most so many, from the beginning: 1 to 100; 20 where neither `first` nor `last` is given."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only those after this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many, from the end: 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only those before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which courses to list.")] filter: Option<CourseFilter>,
        #[graphql(desc = "In which order.", default)] order_by: CourseOrder,
    ) -> Option<Result<Connection<Course>, Error>> {
        let list = async {
            let args = PageArgs::try_new(Course::TYPE_NAME, first, after.as_deref(), last, before.as_deref())?;
            let filter = filter.unwrap_or_default().try_into_store()?;

            let store = ctx.data_unchecked::<Arc<DataLoader<Store>>>().loader().clone();
            let scan = ctx.scan();
            let page = store.list(scan, order_by.into(), &filter, &args).await?;
            let total = TotalCount::new(move || {
                let (store, filter) = (store.clone(), filter.clone());
                async move { store.count(scan, &filter).await }
            });
            Ok(Connection::new(page, total))
        };
        Some(list.await)
    }

    #[graphql(entity)]
    async fn find_course_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<Course>>, Error> {
        let Some(id) = CourseId::from_key(&id) else { return Ok(None) };
        Ok(ctx.data_unchecked::<Arc<DataLoader<Store>>>().load_one(id).await?.map(Entity))
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }
}

#[Object(name = "Mutation")]
impl CourseMutation {
    /// Publishes a course of the signed-in teacher. Verified teachers only. Null, with an error, when it fails.
    async fn create_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course.")] input: CreateCourseInput,
    ) -> Option<Result<CreateCoursePayload, Error>> {
        let payload = async {
            let teacher = ctx.viewer().require_verified_teacher()?;
            let store = ctx.data_unchecked::<Arc<DataLoader<Store>>>().loader();

            let outcome = async {
                let course = Description::from(input);
                course.check().map_err(Error::Refused)?;
                store.insert(teacher, course).await
            };
            let (course, user_errors) = into_payload(outcome.await)?;
            Ok(CreateCoursePayload { course, user_errors })
        };
        Some(payload.await)
    }

    /// Changes a course. Its own teacher only. Null, with an error, when it fails.
    async fn update_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: UpdateCourseInput,
    ) -> Option<Result<UpdateCoursePayload, Error>> {
        let payload = async {
            let teacher = ctx.viewer().require_teacher()?;
            let store = ctx.data_unchecked::<Arc<DataLoader<Store>>>().loader();

            let outcome = store.update(input.course_id, |course| {
                if course.teacher_id != teacher.id() {
                    return Err(Error::Forbidden("only the course's own teacher may change it"));
                }
                let changed = input.apply_to(course);
                changed.check_change_of(course).map_err(Error::Refused)?;
                Ok(changed)
            });
            let (course, user_errors) = into_payload(outcome.await)?;
            Ok(UpdateCoursePayload { course, user_errors })
        };
        Some(payload.await)
    }
}

impl CourseFilter {
    fn try_into_store(self) -> Result<store::CourseFilter, Error> {
        if let Some(search) = &self.search {
            text::reject_nul("filter.search", search)?;
            if search.chars().count() > MAX_SEARCH_LENGTH {
                return Err(Error::invalid(
                    "filter.search",
                    format!("must have at most {MAX_SEARCH_LENGTH} characters"),
                ));
            }
        }
        Ok(store::CourseFilter {
            search: self.search,
            level: self.level,
            is_free: self.is_free,
            teacher: self.teacher_id,
        })
    }
}

impl From<CourseOrder> for Order {
    fn from(order: CourseOrder) -> Self {
        match order {
            CourseOrder::Newest => Self::NewestFirst,
            CourseOrder::Oldest => Self::OldestFirst,
        }
    }
}

impl From<CreateCourseInput> for Description {
    fn from(input: CreateCourseInput) -> Self {
        Self {
            title: input.title,
            description: input.description,
            level: input.level,
            is_free: input.is_free,
            price: input.price,
            duration_minutes: input.duration_minutes,
        }
    }
}

impl UpdateCourseInput {
    fn apply_to(&self, course: &Course) -> Description {
        let is_free = self.is_free.unwrap_or(course.is_free);
        let kept_price = course.price.filter(|_| !is_free);
        Description {
            title: self.title.clone().unwrap_or_else(|| course.title.clone()),
            description: self.description.clone().unwrap_or_else(|| course.description.clone()),
            level: self.level.unwrap_or(course.level),
            is_free,
            price: self.price.or(kept_price),
            duration_minutes: self.duration_minutes.unwrap_or(course.duration_minutes),
        }
    }
}
