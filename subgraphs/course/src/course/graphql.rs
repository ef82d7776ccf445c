//! The fields, queries and mutations of a course.

use std::collections::BTreeSet;

use async_graphql::{
    ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject, resolver_utils::EnumType as _,
};
use auth::seal::{SealKeys, SealedValue};
use contracts::{
    CourseId, UserId,
    money::{Money, MoneyError, MoneyInput},
};
use subgraph_kit::{
    Connection, ConnectionArgs, Error, Rejection, TableExt as _, UserError, ViewerExt as _, connection, into_payload,
    objects::Entity,
    order::Order,
    text::{self, nfc},
    viewer::Public,
};

use super::{
    Course, Description, Level, State, check_key, clean_reason, delete,
    order::{BY_PRICE, BY_TITLE},
    store::{self, HasSearchText, NewCourse, Store},
};
use crate::user::User;

/// Limited since every row is compared with the text.
const MAX_SEARCH_LENGTH: usize = 200;
/// Limited since every row is compared with each word.
const MAX_WORDS: usize = 6;

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
    /// By title, from A to Z, ignoring case. Letters are in the order of their Unicode code points, so those with
    /// accents come after `z`. Courses of equal titles are in the order of their ids.
    Title,
    /// By price, cheapest first. Free courses cost 0 and come first. Courses of equal prices are in the order of their
    /// ids.
    Price,
}

/// Conditions that courses must meet to be listed. Conditions that are left out match every course.
#[derive(Debug, Default, InputObject)]
pub struct CourseFilter {
    /// Lists only courses whose title or description contains this text, ignoring case and blanks around it. `%` and
    /// `_` have no special meaning. At most 200 characters.
    pub search: Option<String>,
    /// Lists only courses whose title or description contains every word of this text, ignoring case, in any order.
    /// Words are separated by blanks; a word also matches as a part of a longer one. At most 200 characters and 6
    /// words.
    pub words: Option<String>,
    /// Lists only courses of this level.
    pub level: Option<Level>,
    /// Lists only courses of one of these levels. An empty list matches every course.
    pub levels: Option<Vec<Level>>,
    /// Lists only courses that cost at least this much. A free course costs 0. At least 0.
    pub min_price: Option<MoneyInput>,
    /// Lists only courses that cost at most this much. A free course costs 0. At least 0.
    pub max_price: Option<MoneyInput>,
    /// Lists only free courses if true, only paid courses if false.
    pub is_free: Option<bool>,
    /// Lists only courses of the teacher with this id.
    pub teacher_id: Option<UserId>,
}

/// The course to create.
#[derive(Debug, InputObject)]
pub struct CreateCourseInput {
    /// The title of the course, 1 to 500 characters. Blanks around it are removed; control characters and characters
    /// that change the direction of text are rejected.
    pub title: String,
    /// The description of the course, as plain text of at most 20,000 characters. The rules of the title hold, except
    /// that it may have several lines.
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
    /// Whether the course begins as a draft, which only its teacher and admins see, until `publishCourse`. Otherwise it
    /// is published immediately.
    #[graphql(default)]
    pub is_draft: bool,
    /// A key that the client generates for each new course and repeats when it retries that request; 1 to 255
    /// characters. With it, the mutation is idempotent: for 30 days, the same key with the same input returns the same
    /// course.
    pub idempotency_key: Option<String>,
}

/// The changes to a course. Fields that are left out stay as they are.
#[derive(Debug, InputObject)]
pub struct UpdateCourseInput {
    /// The id of the course to change.
    pub course_id: CourseId,
    /// The new title, 1 to 500 characters, with the rules of `CreateCourseInput.title`.
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

/// The course to publish.
#[derive(Debug, InputObject)]
pub struct PublishCourseInput {
    /// The id of the course, a draft or a withdrawn course.
    pub course_id: CourseId,
}

/// The course to withdraw, and why.
#[derive(Debug, InputObject)]
pub struct WithdrawCourseInput {
    /// The id of the course.
    pub course_id: CourseId,
    /// The reason, as plain text of at most 2,000 characters. Required of admins: the teacher is told.
    pub reason: Option<String>,
}

/// The course to delete.
#[derive(Debug, InputObject)]
pub struct DeleteCourseInput {
    /// The id of the course.
    pub course_id: CourseId,
}

/// The payload of `publishCourse`.
#[derive(Debug, SimpleObject)]
pub struct PublishCoursePayload {
    /// The published course; null if the mutation was rejected.
    course: Option<Course>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The payload of `withdrawCourse`.
#[derive(Debug, SimpleObject)]
pub struct WithdrawCoursePayload {
    /// The withdrawn course; null if the mutation was rejected.
    course: Option<Course>,
    /// The reasons why nothing was changed; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

/// The payload of `deleteCourse`.
#[derive(Debug, SimpleObject)]
pub struct DeleteCoursePayload {
    /// The id of the course that does not exist any more; null if the mutation was rejected.
    course_id: Option<CourseId>,
    /// The reasons why nothing was deleted; empty if the mutation succeeded.
    user_errors: Vec<UserError>,
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
    #[graphql(tag = "partner")]
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
    /// Returns the course with this id; null if there is none. Everyone may query it, except for a draft: its teacher
    /// and admins may see it; it is null for everyone else, as if it did not exist.
    #[graphql(tag = "partner")]
    async fn course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of the course.")] id: CourseId,
    ) -> Option<Result<Course, Error>> {
        visible_course(ctx, id).await.transpose()
    }

    /// Returns the catalogue: all published courses. Everyone may query it. It is null, with an error, if it cannot be
    /// read.
    #[graphql(tag = "partner")]
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

    /// What this service has of the signed-in user, as JSON. For `exportMyData` of the identity subgraph; not for clients.
    #[graphql(inaccessible)]
    async fn course_data(&self, ctx: &Context<'_>) -> Option<Result<String, Error>> {
        let data = async {
            let viewer = ctx.viewer().require_signed_in()?;
            crate::export::data_of(ctx.table::<Course>().loader().db(), viewer.id()).await
        };
        Some(data.await)
    }

    /// Who teaches the course, whatever its state; null if there is no such course. For the payment subgraph; not for
    /// clients.
    #[graphql(inaccessible)]
    async fn course_teacher(&self, ctx: &Context<'_>, course_id: CourseId) -> Option<Result<User, Error>> {
        let course = ctx.table::<Course>().load_one(course_id).await.transpose()?;
        Some(course.map(|course| User { id: course.teacher_id }))
    }

    #[graphql(entity)]
    async fn find_course_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Entity<Course>>, Error> {
        let Some(id) = CourseId::from_key(&id) else { return Ok(None) };
        Ok(visible_course(ctx, id).await?.map(Entity))
    }

    #[graphql(entity)]
    async fn find_user_by_id(&self, id: ID) -> Option<User> {
        UserId::from_key(&id).map(|id| User { id })
    }
}

#[Object(name = "Mutation")]
impl CourseMutation {
    /// Creates a course of the signed-in teacher, and publishes it unless it is a draft. Only verified teachers may do
    /// this. `userErrors`: `INVALID_INPUT`, `TOO_MANY_DRAFTS` (a teacher can have 500 drafts), and with an idempotency key
    /// `IDEMPOTENCY_KEY_REUSED` (the key was used with other input) and `NOT_FOUND` (its course was deleted since). It is
    /// null, with an error, if the mutation fails.
    async fn create_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to create.")] input: CreateCourseInput,
    ) -> Option<Result<CreateCoursePayload, Error>> {
        let payload = async {
            let teacher = ctx.viewer().require_verified_teacher()?;
            let store = ctx.data_unchecked::<Store>();

            let outcome = async {
                let course = NewCourse::try_from(input).map_err(Error::Rejected)?;
                store.insert(teacher, &course).await
            };
            let (course, user_errors) = into_payload(outcome.await)?;
            Ok(CreateCoursePayload { course, user_errors })
        };
        Some(payload.await)
    }

    /// Changes a course. Only the teacher of the course may do this. `userErrors`: `NOT_FOUND`, `INVALID_INPUT`. It is
    /// null, with an error, if the mutation fails.
    async fn update_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course, and the changes to it.")] input: UpdateCourseInput,
    ) -> Option<Result<UpdateCoursePayload, Error>> {
        let payload = async {
            let teacher = ctx.viewer().require_teacher()?;
            let store = ctx.data_unchecked::<Store>();

            let outcome = store.update(input.course_id, |course| {
                course.require_visible_to(ctx.viewer())?;
                if course.teacher_id != teacher.id() {
                    return Err(Error::Forbidden("only the course's teacher may change it"));
                }
                input.apply_to(course).checked_change_of(course).map_err(Error::Rejected)
            });
            let (course, user_errors) = into_payload(outcome.await)?;
            Ok(UpdateCoursePayload { course, user_errors })
        };
        Some(payload.await)
    }

    /// Publishes a draft, or a withdrawn course again. The course's teacher, if verified, and admins may do this; only
    /// admins if an admin has withdrawn it. Publishing a published course has no effect. `userErrors`: `NOT_FOUND`. It
    /// is null, with an error, if the mutation fails.
    async fn publish_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to publish.")] input: PublishCourseInput,
    ) -> Option<Result<PublishCoursePayload, Error>> {
        let payload = async {
            ctx.viewer().require_signed_in()?;
            let outcome = ctx.data_unchecked::<Store>().publish(ctx.viewer(), input.course_id).await;
            let (course, user_errors) = into_payload(outcome)?;
            Ok(PublishCoursePayload { course, user_errors })
        };
        Some(payload.await)
    }

    /// Withdraws a course from the catalogue: nobody can buy it any more, or enroll without having paid before, and
    /// whoever is enrolled keeps it. The course's teacher and admins may do this; if an admin does, the teacher is
    /// notified of the reason. Withdrawing a withdrawn course again has no effect, except that an admin's withdrawal
    /// replaces the teacher's: only admins can publish the course again then. `userErrors`: `NOT_FOUND`,
    /// `INVALID_INPUT`, `COURSE_IS_DRAFT`. It is null, with an error, if the mutation fails.
    async fn withdraw_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to withdraw, and the reason.")] input: WithdrawCourseInput,
    ) -> Option<Result<WithdrawCoursePayload, Error>> {
        let payload = async {
            let by = ctx.viewer().require_signed_in()?;
            let outcome = async {
                let reason = clean_reason(input.reason.as_deref())?;
                ctx.data_unchecked::<Store>().withdraw(ctx.viewer(), by, input.course_id, reason).await
            };
            let (course, user_errors) = into_payload(outcome.await)?;
            Ok(WithdrawCoursePayload { course, user_errors })
        };
        Some(payload.await)
    }

    /// Deletes a course for good: a draft, or a course that nobody has enrolled in or paid for. The course's teacher
    /// and admins may do this. A published course is withdrawn while that is checked, and published again if it cannot
    /// be deleted; if the request is interrupted, it may stay withdrawn. `userErrors`: `NOT_FOUND`,
    /// `COURSE_HAS_ENROLLMENTS` (withdraw the course instead). It is null, with an error, if the mutation fails.
    async fn delete_course(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The course to delete.")] input: DeleteCourseInput,
    ) -> Option<Result<DeleteCoursePayload, Error>> {
        let payload = async {
            ctx.viewer().require_signed_in()?;
            let outcome = delete::delete(ctx, input.course_id).await;
            let (course_id, user_errors) = into_payload(outcome)?;
            Ok(DeleteCoursePayload { course_id, user_errors })
        };
        Some(payload.await)
    }
}

async fn visible_course(ctx: &Context<'_>, id: CourseId) -> Result<Option<Course>, Error> {
    let course = ctx.table::<Course>().load_one(id).await?;
    Ok(course.filter(|course| course.is_visible_to(ctx.viewer())))
}

impl CourseFilter {
    fn try_into_store(self) -> Result<store::CourseFilter, Error> {
        let search = searched("filter.search", self.search.as_deref())?;
        let words = searched("filter.words", self.words.as_deref())?.unwrap_or_default();
        if words.split_whitespace().count() > MAX_WORDS {
            return Err(Error::invalid("filter.words", format!("must have at most {MAX_WORDS} words")));
        }
        Ok(store::CourseFilter {
            search,
            words: distinct_words(&words),
            level: self.level,
            levels: distinct_levels(&self.levels.unwrap_or_default()),
            min_price: price("filter.minPrice", self.min_price)?,
            max_price: price("filter.maxPrice", self.max_price)?,
            is_free: self.is_free,
            teacher: self.teacher_id,
            ..store::CourseFilter::default()
        })
    }
}

/// A text to search for, without the blanks around it; none if nothing is left.
fn searched(field: &'static str, text: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = text else { return Ok(None) };
    text::reject_nul(field, text)?;
    let text = nfc(text.trim());
    if text.chars().count() > MAX_SEARCH_LENGTH {
        return Err(Error::invalid(field, format!("must have at most {MAX_SEARCH_LENGTH} characters")));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The words of a text, without those that another one contains.
fn distinct_words(text: &str) -> Vec<String> {
    let words: BTreeSet<&str> = text.split_whitespace().collect();
    let is_contained = |word: &str| words.iter().any(|other| *other != word && other.contains(word));
    words.iter().filter(|word| !is_contained(word)).map(|word| (*word).to_owned()).collect()
}

/// Each of the levels once, however often a client repeats them.
fn distinct_levels(levels: &[Level]) -> Vec<Level> {
    Level::items().iter().map(|item| item.value).filter(|level| levels.contains(level)).collect()
}

/// A limit of prices.
fn price(field: &'static str, price: Option<MoneyInput>) -> Result<Option<Money>, Error> {
    let Some(price) = price else { return Ok(None) };
    match price.amount() {
        Ok(price) if price.cents() >= 0 => Ok(Some(price)),
        Ok(_) | Err(MoneyError::NotPositive) => Err(Error::invalid(field, "must not be negative")),
        Err(error) => Err(Error::invalid(field, error.to_string())),
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
            CourseOrder::Title => Self::By(&BY_TITLE),
            CourseOrder::Price => Self::By(&BY_PRICE),
        }
    }
}

impl TryFrom<CreateCourseInput> for NewCourse {
    type Error = Vec<Rejection>;

    fn try_from(input: CreateCourseInput) -> Result<Self, Vec<Rejection>> {
        let key = input.idempotency_key.as_deref().map_or(Ok(()), check_key);
        let description = Description {
            title: input.title,
            description: input.description,
            level: input.level,
            is_free: input.is_free,
            price: input.price,
            duration_minutes: input.duration_minutes,
        };
        let state = if input.is_draft { State::Draft } else { State::Published };
        match (description.checked(), key) {
            (Ok(description), Ok(())) => Ok(Self { description, state, idempotency_key: input.idempotency_key }),
            (description, key) => Err(description.err().into_iter().flatten().chain(key.err()).collect()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_each_level_once_however_often_it_is_sent() {
        let levels = [Level::Advanced, Level::Beginner].repeat(40_000);
        let filter = CourseFilter { levels: Some(levels), ..CourseFilter::default() };

        let filter = filter.try_into_store().expect("it is valid");

        assert_eq!(filter.levels, [Level::Beginner, Level::Advanced]);
    }

    #[test]
    fn a_word_that_another_one_contains_is_not_searched_for() {
        assert_eq!(distinct_words("rust a trust rust  Rust"), ["Rust", "a", "trust"]);
        assert_eq!(distinct_words("a aa aaa aaaa"), ["aaaa"]);
        assert_eq!(distinct_words(" \n"), [""; 0]);
    }
}
