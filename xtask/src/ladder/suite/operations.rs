//! Every document of `operations/` that needs nothing but sample data, sent as each of its viewers.

use std::{collections::BTreeMap, fs, path::Path};

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

struct Operation {
    name: String,
    viewers: Vec<String>,
    document: String,
    variables: String,
}

/// Sends all; returns how many were answered as they should be.
pub async fn run(visitors: &Visitors) -> Result<String> {
    // From one place: whoever signs in from ever new ones is slowed down.
    let visitor = visitors.client()?;
    let mut samples = Samples::look_up(&visitor).await?;
    let (mut answered, mut failed) = (0, Vec::new());
    for operation in operations()? {
        for viewer in &operation.viewers {
            // Some mutations change what there is, or end sessions.
            if operation.is_mutation() {
                samples = Samples::look_up(&visitor).await?;
            }
            match operation.send_as(viewer, &samples, answered).await {
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
        let variables = samples.variables(&self.variables, number)?;
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

/// The sample users, signed in, and what the placeholders of `operations/README.md` stand for.
struct Samples {
    viewers: BTreeMap<&'static str, Client>,
    values: BTreeMap<&'static str, Option<String>>,
}

impl Samples {
    async fn look_up(anonymous: &Client) -> Result<Self> {
        let sign_in = |email| anonymous.try_sign_in(email, PASSWORD);
        let (student, teacher, admin) = (sign_in(STUDENT).await?, sign_in(TEACHER).await?, sign_in(ADMIN).await?);
        let newest =
            find_first(&student, "{ me { notifications(first: 1) { nodes { id } } } }", "/me/notifications/nodes");
        let oldest =
            find_first(&student, "{ me { notifications(last: 1) { nodes { id } } } }", "/me/notifications/nodes");
        let last_own = "{ me { courses(last: 1) { nodes { id } } } }";
        let withdrawn = find_first(&teacher, last_own, "/me/courses/nodes").await?;
        let own = |state: &str| format!("{{ me {{ courses(first: 1, state: {state}) {{ nodes {{ id }} }} }} }}");
        let completed = "{ payments(last: 1, status: COMPLETED) { nodes { id } } }";
        let unverified = "{ unverifiedTeachers(last: 1) { nodes { id } } }";
        let own_enrollment = "{ me { courses(first: 1, state: PUBLISHED) { nodes {
            enrollments(first: 1) { nodes { id } } } } } }";
        let values = BTreeMap::from([
            ("freeCourseId", course_to_join(&student, true, withdrawn.as_deref()).await?),
            ("unboughtCourseId", course_to_join(&student, false, withdrawn.as_deref()).await?),
            ("firstCourseId", find_first(anonymous, "{ courses(first: 1) { nodes { id } } }", "/courses/nodes").await?),
            ("firstTeacherId", first_teacher(anonymous).await?),
            ("ownCourseId", find_first(&teacher, &own("PUBLISHED"), "/me/courses/nodes").await?),
            ("ownDraftId", find_first(&teacher, &own("DRAFT"), "/me/courses/nodes").await?),
            ("completedPaymentId", find_first(&admin, completed, "/payments/nodes").await?),
            ("unverifiedTeacherId", find_first(&admin, unverified, "/unverifiedTeachers/nodes").await?),
            ("otherTeacherId", other_teacher(&teacher).await?),
            ("newestNotificationId", newest.await?),
            ("oldestNotificationId", oldest.await?),
            ("joinedCourseId", joined_course(&student).await?),
            ("joinedEnrollmentId", unfinished_enrollment(&student).await?),
            (
                "ownCourseEnrollmentId",
                find_first(&teacher, own_enrollment, "/me/courses/nodes/0/enrollments/nodes").await?,
            ),
            ("studentEmail", Some(STUDENT.to_owned())),
            ("studentPassword", Some(PASSWORD.to_owned())),
            ("lastOwnCourseId", withdrawn),
        ]);
        let viewers = [("anonymous", anonymous.clone()), ("student", student), ("teacher", teacher), ("admin", admin)];
        Ok(Self { viewers: BTreeMap::from(viewers), values })
    }

    fn viewer(&self, name: &str) -> Result<&Client> {
        self.viewers.get(name).with_context(|| format!("an unknown viewer {name}"))
    }

    fn variables(&self, text: &str, number: usize) -> Result<Value> {
        let mut variables = text.replace("{{unique}}", &format!("ladder{number}"));
        for (placeholder, value) in &self.values {
            let marked = format!("{{{{{placeholder}}}}}");
            if variables.contains(&marked) {
                let Some(value) = value else { bail!("there is no {placeholder} left") };
                variables = variables.replace(&marked, value);
            }
        }
        Ok(serde_json::from_str(&variables)?)
    }
}

async fn find_first(viewer: &Client, document: &str, nodes: &str) -> Result<Option<String>> {
    let data = viewer.try_data(document, &json!({})).await?;
    Ok(list(&data, nodes).first().and_then(|node| id(node)))
}

async fn first_teacher(viewer: &Client) -> Result<Option<String>> {
    let data = viewer.try_data("{ courses(first: 1) { nodes { teacher { id } } } }", &json!({})).await?;
    Ok(data.pointer("/courses/nodes/0/teacher").and_then(id))
}

/// A course in which the student is not enrolled, but not the one that another operation withdraws.
async fn course_to_join(student: &Client, is_free: bool, withdrawn: Option<&str>) -> Result<Option<String>> {
    let document = "query ($isFree: Boolean) {
        courses(filter: { isFree: $isFree }, first: 100) { nodes { id viewerEnrollment { id } } } }";
    let data = student.try_data(document, &json!({ "isFree": is_free })).await?;
    let open = list(&data, "/courses/nodes").iter().filter(|course| course["viewerEnrollment"].is_null());
    Ok(open.filter_map(id).find(|course| Some(&**course) != withdrawn))
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

async fn joined_course(student: &Client) -> Result<Option<String>> {
    let data = student.try_data("{ me { enrollments(first: 1) { nodes { course { id } } } } }", &json!({})).await?;
    Ok(data.pointer("/me/enrollments/nodes/0/course").and_then(id))
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
