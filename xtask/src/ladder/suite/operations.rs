//! Every document of `operations/` that needs nothing but sample data, sent as each of its viewers.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use subgraph_testing::Client;

use super::visitors::{PASSWORD, Visitors};
use crate::workspace::root;

pub const STUDENT: &str = "student1@lyceum.example";
pub const TEACHER: &str = "teacher1@lyceum.example";
pub const ADMIN: &str = "admin@lyceum.example";
/// What has no answer of its own, and what no example can have.
const LEFT_OUT: [&str; 2] = ["\nsubscription ", "\n# Needs:"];

const OWN_COURSE: &str = "{ me { courses(first: 1, state: PUBLISHED) { nodes { id } } } }";
const OWN_DRAFT: &str = "{ me { courses(first: 1, state: DRAFT) { nodes { id } } } }";
const COMPLETED_PAYMENT: &str = "{ payments(last: 1, status: COMPLETED) { nodes { id } } }";
const UNVERIFIED_TEACHER: &str = "{ unverifiedTeachers(last: 1) { nodes { id } } }";
const NEWEST_NOTIFICATION: &str = "{ me { notifications(first: 1) { nodes { id } } } }";
const OLDEST_NOTIFICATION: &str = "{ me { notifications(last: 1) { nodes { id } } } }";
const JOINED_COURSE: &str = "{ me { enrollments(first: 1) { nodes { course { id } } } } }";
const OWN_COURSE_ENROLLMENT: &str = "{ me { courses(first: 1, state: PUBLISHED) { nodes {
    enrollments(first: 1) { nodes { id } } } } } }";

struct Operation {
    name: String,
    viewers: Vec<String>,
    document: String,
    variables: String,
}

/// Sends all; returns how many were answered as they should be.
pub async fn run(visitors: &Visitors) -> Result<String> {
    let mut samples = Samples::sign_in(visitors).await?;
    let (mut answered, mut failed) = (0, Vec::new());
    for operation in operations()? {
        for viewer in &operation.viewers {
            let mut result = operation.send_as(viewer, &samples, answered).await;
            // The session was ended by another operation.
            if result.as_ref().is_err_and(|error| error.to_string().contains("UNAUTHENTICATED")) {
                samples = Samples::sign_in(visitors).await?;
                result = operation.send_as(viewer, &samples, answered).await;
            }
            match result {
                Ok(()) => answered += 1,
                Err(error) => failed.push(format!("{} of {viewer}: {error:#}", operation.name)),
            }
        }
    }
    ensure!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), answered + failed.len(), failed.join("\n"));
    Ok(format!("{answered} answered"))
}

impl Operation {
    fn read(path: &Path) -> Result<Option<Self>> {
        let document = fs::read_to_string(path)?;
        if LEFT_OUT.iter().any(|part| document.contains(part)) {
            return Ok(None);
        }
        let name = path.file_stem().context("a document has a name")?.to_string_lossy().into_owned();
        let viewers = document.lines().find_map(|line| line.strip_prefix("# Viewer:"));
        let viewers = viewers.with_context(|| format!("{name} has no line `# Viewer:`"))?;
        let viewers = viewers.split(',').map(|viewer| viewer.trim().to_owned()).collect();
        let variables = fs::read_to_string(path.with_extension("variables.json"))?;
        Ok(Some(Self { name, viewers, document, variables }))
    }

    fn is_mutation(&self) -> bool {
        self.document.contains("\nmutation ")
    }

    async fn send_as(&self, viewer: &str, samples: &Samples, number: usize) -> Result<()> {
        let variables = samples.variables(&self.variables, number).await?;
        let data = samples.viewer(viewer)?.try_data(&self.document, &variables).await?;
        for (field, value) in data.as_object().context("no data")? {
            ensure!(!value.is_null(), "{field} is null");
            ensure!(value.get("userErrors").is_none_or(|errors| errors == &json!([])), "{value}");
        }
        Ok(())
    }
}

/// Queries first: a mutation can have effects after its response.
fn operations() -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    for entry in root().join("operations").read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "graphql") {
            operations.extend(Operation::read(&path)?);
        }
    }
    ensure!(!operations.is_empty(), "there are no operations");
    operations.sort_by(|one, other| (one.is_mutation(), &one.name).cmp(&(other.is_mutation(), &other.name)));
    Ok(operations)
}

/// The sample users, signed in.
struct Samples {
    anonymous: Client,
    student: Client,
    teacher: Client,
    admin: Client,
}

impl Samples {
    /// From one place: whoever signs in from ever new ones is slowed down.
    async fn sign_in(visitors: &Visitors) -> Result<Self> {
        let anonymous = visitors.client()?;
        let student = anonymous.try_sign_in(STUDENT, PASSWORD).await?;
        let teacher = anonymous.try_sign_in(TEACHER, PASSWORD).await?;
        let admin = anonymous.try_sign_in(ADMIN, PASSWORD).await?;
        Ok(Self { anonymous, student, teacher, admin })
    }

    fn viewer(&self, name: &str) -> Result<&Client> {
        Ok(match name {
            "anonymous" => &self.anonymous,
            "student" => &self.student,
            "teacher" => &self.teacher,
            "admin" => &self.admin,
            _ => bail!("an unknown viewer {name}"),
        })
    }

    /// The example's variables, with what the placeholders stand for at this moment.
    async fn variables(&self, text: &str, number: usize) -> Result<Value> {
        let mut variables = text.replace("{{unique}}", &format!("ladder{number}"));
        while let Some((_, rest)) = variables.split_once("{{") {
            let (placeholder, _) = rest.split_once("}}").context("a placeholder has an end")?;
            let value = self.value(placeholder).await?;
            let value = value.with_context(|| format!("there is no {placeholder} left"))?;
            variables = variables.replace(&format!("{{{{{placeholder}}}}}"), &value);
        }
        Ok(serde_json::from_str(&variables)?)
    }

    /// What a placeholder of `operations/README.md` stands for.
    async fn value(&self, placeholder: &str) -> Result<Option<String>> {
        let Self { anonymous, student, teacher, admin } = self;
        match placeholder {
            "freeCourseId" => self.course_to_join(true).await,
            "unboughtCourseId" => self.course_to_join(false).await,
            "firstCourseId" => find(anonymous, "{ courses(first: 1) { nodes { id } } }", "/courses/nodes/0").await,
            "firstTeacherId" => {
                find(anonymous, "{ courses(first: 1) { nodes { teacher { id } } } }", "/courses/nodes/0/teacher").await
            }
            "ownCourseId" => find(teacher, OWN_COURSE, "/me/courses/nodes/0").await,
            "ownDraftId" => find(teacher, OWN_DRAFT, "/me/courses/nodes/0").await,
            "lastOwnCourseId" => self.last_own_course().await,
            "completedPaymentId" => find(admin, COMPLETED_PAYMENT, "/payments/nodes/0").await,
            "unverifiedTeacherId" => find(admin, UNVERIFIED_TEACHER, "/unverifiedTeachers/nodes/0").await,
            "otherTeacherId" => other_teacher(teacher).await,
            "newestNotificationId" => find(student, NEWEST_NOTIFICATION, "/me/notifications/nodes/0").await,
            "oldestNotificationId" => find(student, OLDEST_NOTIFICATION, "/me/notifications/nodes/0").await,
            "joinedCourseId" => find(student, JOINED_COURSE, "/me/enrollments/nodes/0/course").await,
            "joinedEnrollmentId" => unfinished_enrollment(student).await,
            "ownCourseEnrollmentId" => {
                find(teacher, OWN_COURSE_ENROLLMENT, "/me/courses/nodes/0/enrollments/nodes/0").await
            }
            "studentEmail" => Ok(Some(STUDENT.to_owned())),
            "studentPassword" => Ok(Some(PASSWORD.to_owned())),
            _ => bail!("an unknown placeholder {placeholder}"),
        }
    }

    /// The one that an operation withdraws.
    async fn last_own_course(&self) -> Result<Option<String>> {
        find(&self.teacher, "{ me { courses(last: 1) { nodes { id } } } }", "/me/courses/nodes/0").await
    }

    /// A course in which the student is not enrolled, but not the one that another operation withdraws.
    async fn course_to_join(&self, is_free: bool) -> Result<Option<String>> {
        let document = "query ($isFree: Boolean) {
            courses(filter: { isFree: $isFree }, first: 100) { nodes { id viewerEnrollment { id } } } }";
        let data = self.student.try_data(document, &json!({ "isFree": is_free })).await?;
        let withdrawn = self.last_own_course().await?;
        let open = list(&data, "/courses/nodes").iter().filter(|course| course["viewerEnrollment"].is_null());
        Ok(open.filter_map(id).find(|course| Some(course) != withdrawn.as_ref()))
    }
}

async fn find(viewer: &Client, document: &str, pointer: &str) -> Result<Option<String>> {
    let data = viewer.try_data(document, &json!({})).await?;
    Ok(data.pointer(pointer).and_then(id))
}

/// One who is not enrolled in the teacher's first course.
async fn other_teacher(teacher: &Client) -> Result<Option<String>> {
    let document = "{
        me { id courses(first: 1, state: PUBLISHED) { nodes { enrollments(first: 100) { nodes { student { id } } } } } }
        courses(first: 100) { nodes { teacher { id } } } }";
    let data = teacher.try_data(document, &json!({})).await?;
    let enrolled = list(&data, "/me/courses/nodes/0/enrollments/nodes");
    let mut known: Vec<_> = enrolled.iter().filter_map(|enrollment| id(&enrollment["student"])).collect();
    known.extend(id(&data["me"]));
    let teachers = list(&data, "/courses/nodes").iter().filter_map(|course| id(&course["teacher"]));
    Ok(teachers.into_iter().find(|teacher| !known.contains(teacher)))
}

async fn unfinished_enrollment(student: &Client) -> Result<Option<String>> {
    let data = student.try_data("{ me { enrollments(last: 100) { nodes { id status } } } }", &json!({})).await?;
    let unfinished = list(&data, "/me/enrollments/nodes").iter().rev().find(|one| one["status"] != "COMPLETED");
    Ok(unfinished.and_then(id))
}

fn list<'a>(data: &'a Value, pointer: &str) -> &'a [Value] {
    data.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn id(value: &Value) -> Option<String> {
    value["id"].as_str().map(str::to_owned)
}
