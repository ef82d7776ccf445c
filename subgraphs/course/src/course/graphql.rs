//! The fields, queries and mutations of a course.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use auth::seal::{SealKeys, SealedValue};
use contracts::{CourseId, UserId, money::MoneyInput};
use subgraph_kit::{
    Connection, ConnectionArgs, Error, TableExt as _, UserError, ViewerExt as _, connection, into_payload, list::Order,
    objects::Entity, text, viewer::Public,
};

use super::{
    Course, Description, Level,
    store::{self, HasSearchText, Store},
};
use crate::user::User;

/// Limited since every row is compared with the text.
const MAX_SEARCH_LENGTH: usize = 200;

/// Queries.
pub struct CourseQuery;

/// Mutations.
pub struct CourseMutation;

/// The order in which courses are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum CourseOrder {
    /// Newest courses first.
    #[default]
    Newest,
    /// Oldest courses first.
    Oldest,
}

/// Conditions that courses must meet to be listed. Conditions that are left out match every course.
#[derive(Debug, Default, InputObject)]
pub struct CourseFilter {
    /// Lists only courses whose title or description contains this text, ignoring case. `%` and `_` have no special
    /// meaning. At most 200 characters.
    pub search: Option<String>,
    /// Lists only courses of this level.
    pub level: Option<Level>,
    /// Lists only free courses if true, only paid courses if false.
    pub is_free: Option<bool>,
    /// Lists only courses of the teacher with this id.
    pub teacher_id: Option<UserId>,
}

/// The course to publish.
#[derive(Debug, InputObject)]
pub struct CreateCourseInput {
    /// The title of the course, 1 to 500 characters.
    pub title: String,
    /// The description of the course, as plain text of at most 20,000 characters.
    #[graphql(default)]
    pub description: String,
    /// The previous knowledge that the course expects.
    #[graphql(default_with = "Level::Beginner")]
    pub level: Level,
    /// Whether students can enroll without paying.
    #[graphql(default = true)]
    pub is_free: bool,
    /// The price, more than 0 and at most 9999999999.99, with at most two decimals. Required if the course is not free;
    /// must be left out if it is.
    pub price: Option<MoneyInput>,
    /// How long the course takes, in minutes.
    #[graphql(default)]
    pub duration_minutes: i32,
}

/// The changes to a course. Fields that are left out stay as they are.
#[derive(Debug, InputObject)]
pub struct UpdateCourseInput {
    /// The id of the course to change.
    pub course_id: CourseId,
    /// The new title, 1 to 500 characters.
    pub title: Option<String>,
    /// The new description, as plain text of at most 20,000 characters. A longer description that was imported from the
    /// legacy system can be kept unchanged.
    pub description: Option<String>,
    /// The previous knowledge that the course expects.
    pub level: Option<Level>,
    /// Whether students can enroll without paying. A course that becomes free loses its price.
    pub is_free: Option<bool>,
    /// The new price, more than 0 and at most 9999999999.99, with at most two decimals. Required if the course stops
    /// being free.
    pub price: Option<MoneyInput>,
    /// How long the course takes, in minutes.
    pub duration_minutes: Option<i32>,
}

/// The payload of `createCourse`.
#[derive(Debug, SimpleObject)]
pub struct CreateCoursePayload {
    /// The new course; null if it was rejected.
    course: Option<Course>,
    /// The reasons why the mutation was rejected; empty if it succeeded.
    user_errors: Vec<UserError>,
}

/// The payload of `updateCourse`.
#[derive(Debug, SimpleObject)]
pub struct UpdateCoursePayload {
    /// The course after the change; null if the change was rejected.
    course: Option<Course>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

#[ComplexObject]
impl Course {
    /// The teacher of the course; null if the account was deleted.
    async fn teacher(&self) -> Option<User> {
        Some(User { id: self.teacher_id })
    }

    /// Proves to other subgraphs who teaches it. Not for clients.
    #[graphql(inaccessible)]
    async fn teacher_seal(&self, ctx: &Context<'_>) -> Option<String> {
        let value = SealedValue::CourseTeacher { course: self.id, teacher: self.teacher_id };
        Some(ctx.data_unchecked::<SealKeys>().seal(value))
    }
}

#[Object(name = "Query")]
impl CourseQuery {
    /// Returns the course with this id; null if there is none. Everyone may query it.
    async fn course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the course.")] id: CourseId,
    ) -> Option<Result<Course, Error>> {
        ctx.table::<Course>().load_one(id).await.transpose()
    }

    /// Returns the catalogue of courses. Everyone may query it. It is null, with an error, if it cannot be read.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn courses(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        #[graphql(desc = "The conditions that courses must meet to be listed.")] filter: Option<CourseFilter>,
        #[graphql(desc = "The order in which courses are listed.", default)] order_by: CourseOrder,
    ) -> Option<Result<Connection<Course>, Error>> {
        let list = async {
            let filter = store::CourseFilter {
                without_description: !selects_description(ctx),
                has_search_text: *ctx.data_unchecked::<HasSearchText>(),
                ..filter.unwrap_or_default().try_into_store()?
            };
            let args = ConnectionArgs { first, after, last, before };
            connection::list(ctx, Public(()), order_by.into(), filter, args).await
        };
        Some(list.await)
    }

    #[graphql(entity)]
    async fn find_course_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<Course>>, Error> {
        let Some(id) = CourseId::from_key(&id) else { return Ok(None) };
        Ok(ctx.table::<Course>().load_one(id).await?.map(Entity))
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }
}

#[Object(name = "Mutation")]
impl CourseMutation {
    /// Publishes a course of the signed-in teacher. Only verified teachers may do this. It is null, with an error, if
    /// the mutation fails.
    async fn create_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to publish.")] input: CreateCourseInput,
    ) -> Option<Result<CreateCoursePayload, Error>> {
        let payload = async {
            let teacher = ctx.viewer().require_verified_teacher()?;
            let store = ctx.data_unchecked::<Store>();

            let outcome = async {
                let course = Description::from(input);
                course.check().map_err(Error::Rejected)?;
                store.insert(teacher, course).await
            };
            let (course, user_errors) = into_payload(outcome.await)?;
            Ok(CreateCoursePayload { course, user_errors })
        };
        Some(payload.await)
    }

    /// Changes a course. Only the teacher of the course may do this. It is null, with an error, if the mutation fails.
    async fn update_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course, and the changes to it.")] input: UpdateCourseInput,
    ) -> Option<Result<UpdateCoursePayload, Error>> {
        let payload = async {
            let teacher = ctx.viewer().require_teacher()?;
            let store = ctx.data_unchecked::<Store>();

            let outcome = store.update(input.course_id, |course| {
                if course.teacher_id != teacher.id() {
                    return Err(Error::Forbidden("only the course's teacher may change it"));
                }
                let changed = input.apply_to(course);
                changed.check_change_of(course).map_err(Error::Rejected)?;
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
            ..store::CourseFilter::default()
        })
    }
}

/// Whether a list of courses selects descriptions, in `nodes` or `edges`.
fn selects_description(ctx: &Context<'_>) -> bool {
    let list = ctx.look_ahead();
    [list.field("nodes"), list.field("edges").field("node")].iter().any(|course| course.field("description").exists())
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
            price: self.price.or(kept_price.map(MoneyInput::from)),
            duration_minutes: self.duration_minutes.unwrap_or(course.duration_minutes),
        }
    }
}
