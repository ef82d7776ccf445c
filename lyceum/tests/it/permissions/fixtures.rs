//! The people of the table, what is theirs, and how it is asked for.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use contracts::UserId;
use notification::notification::{
    Kind,
    store::{NewNotification, insert},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query};
use subgraph_testing::blocking::Client;
use uuid::Uuid;

use super::table::ANONYMOUS;
use crate::system::{PASSWORD, System};

/// A viewer of the table.
pub struct Person {
    pub id: Option<Uuid>,
    token: Option<String>,
}

/// The viewers, and the objects that they ask for.
pub struct People {
    viewers: BTreeMap<&'static str, Person>,
    course: Uuid,
    /// Who teaches it, as the course subgraph seals it.
    teacher_seal: Value,
    /// Nobody is on it, but who has just enrolled.
    open_course: Uuid,
    enrollment: Uuid,
    payment: Uuid,
    /// Those of the others who may buy the same course; they come with the first purchase.
    other_payments: BTreeMap<&'static str, Uuid>,
    /// Whom the course's teacher and the admin enroll.
    granted: BTreeMap<&'static str, Uuid>,
    /// About the course, the payment and the enrollment.
    notifications: [Uuid; 3],
    /// Where enrollments, payments and notifications are.
    databases: BTreeMap<String, String>,
}

/// The arguments of a query or a mutation, and whose object they name where that is not the
/// usual owner's.
pub struct Sample {
    pub arguments: String,
    pub owner: Option<&'static str>,
}

/// By which the students have bought their courses: asking for it again gets the same payment.
const KEY: &str = "bought";

/// A price is null where there is none, so that nobody could tell who may see it.
const PAID_COURSE: &str = "title: \"Rust\", isFree: false, price: \"49.99\"";

/// Name in the table, role at sign-up, and what an admin or an operator has made of it since.
const ACCOUNTS: [(&str, &str, Option<&str>); 6] = [
    ("student", "STUDENT", None),
    ("otherStudent", "STUDENT", None),
    ("owningTeacher", "TEACHER", Some("update users set is_verified = true where id = $1")),
    ("otherTeacher", "TEACHER", Some("update users set is_verified = true where id = $1")),
    ("unverifiedTeacher", "TEACHER", None),
    ("admin", "STUDENT", Some("update users set role = 'admin' where id = $1")),
];

impl People {
    /// Makes them, in an empty system.
    pub fn move_in(system: &System) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let router = system.anonymous();
        let mut viewers = BTreeMap::from([(ANONYMOUS, Person { id: None, token: None })]);
        for (name, role, promotion) in ACCOUNTS {
            let id = register(&router, name, role);
            if let Some(statement) = promotion {
                runtime.block_on(async {
                    let mut db = connect(system, "identity").await;
                    query(statement).bind(id).execute(&mut db).await.expect("the account changes");
                });
            }
            let token = router.sign_in(&email(name), PASSWORD).token().expect("a token").to_owned();
            viewers.insert(name, Person { id: Some(id), token: Some(token) });
        }
        let id = |name: &str| viewers[name].id.expect("an account");
        // The newest course is the first one of a list.
        let teacher = as_viewer(&router, &viewers["owningTeacher"]);
        let [open_course, course] = [(); 2].map(|()| publish(&teacher, PAID_COURSE));
        let teacher_seal = seal(system, course);
        let (enrollment, payment, notifications) = runtime.block_on(own(system, id("student"), course));
        let buyers = ["otherStudent", "otherTeacher", "unverifiedTeacher"];
        let other_payments = buyers.map(|name| (name, Uuid::now_v7())).into();
        let granted = ["owningTeacher", "admin"]
            .map(|name| (name, register(&router, &format!("granted-{name}"), "STUDENT")))
            .into();
        let databases = system.addresses.databases.clone();
        Self {
            viewers,
            course,
            teacher_seal,
            open_course,
            enrollment,
            payment,
            other_payments,
            granted,
            notifications,
            databases,
        }
    }

    /// A status only moves forward, so each try needs one that can.
    fn begin_anew(&self) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut db = self.connect("enrollment").await;
            let begin = query("update enrollments set status = 'enrolled' where id = $1").bind(self.enrollment);
            begin.execute(&mut db).await.expect("the enrollment begins anew");
        });
    }

    /// Nobody enrolls twice, and a payment buys one place, so each try needs a viewer who is not on the course, and a
    /// payment of theirs.
    fn pay_anew(&self, viewer: &str) -> Uuid {
        let Some(viewer) = self.viewers[viewer].id else { return self.payment };
        let payment = Uuid::now_v7();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let leave = query("delete from enrollments where course_id = $1 and student_id = $2");
            let leave = leave.bind(self.open_course).bind(viewer);
            leave.execute(&mut self.connect("enrollment").await).await.expect("the viewer leaves the course");
            pay(&mut self.connect("payment").await, payment, viewer, self.open_course).await;
        });
        payment
    }

    /// Whoever may buy the course has bought it, so that asking for it again gets their payments. The others have no place
    /// on it yet.
    fn purchase(&self) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut db = self.connect("payment").await;
            for (name, &payment) in self.other_payments.iter().chain([(&"student", &self.payment)]) {
                let student = self.viewers[name].id.expect("an account");
                pay(&mut db, payment, student, self.course).await;
                give_a_reason(&mut db, payment).await;
                query(
                    "insert into purchase_requests (payment_id, student_id, course_id, idempotency_key, course_title)
                     values ($1, $2, $3, $4, 'Rust') on conflict do nothing",
                )
                .bind(payment)
                .bind(student)
                .bind(self.course)
                .bind(KEY)
                .execute(&mut db)
                .await
                .expect("the student buys");
            }
        });
    }

    /// A course of the owning teacher in this state, which is not in the catalogue: one can be withdrawn or deleted
    /// once.
    fn one_more_course(&self, state: &str) -> Uuid {
        let (course, teacher) = (Uuid::now_v7(), self.viewers["owningTeacher"].id.expect("an account"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let insert = "insert into courses (id, teacher_id, title, is_free, price, state)
                values ($1, $2, 'One more', false, 49.99, $3::course_state)";
            let insert = query(insert).bind(course).bind(teacher).bind(state);
            insert.execute(&mut self.connect("course").await).await.expect("the teacher has one more course");
        });
        course
    }

    /// A payment goes back once, so each try needs one that can. It has bought nothing.
    fn one_more_payment(&self) -> Uuid {
        let (payment, student) = (Uuid::now_v7(), self.viewers["student"].id.expect("an account"));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            pay(&mut self.connect("payment").await, payment, student, Uuid::now_v7()).await;
        });
        payment
    }

    /// A session ends once, so each try needs one that has not.
    fn one_more_session(&self, viewer: &str) -> Uuid {
        let session = Uuid::now_v7();
        let Some(user) = self.viewers[viewer].id else { return session };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let insert = query(
                "insert into sessions (id, public_id, user_id, refresh_token_hash, user_agent, expires_at)
                 values (gen_random_uuid(), $1, $2, '', 'Phone', now() + interval '1 day')",
            );
            let insert = insert.bind(session).bind(user);
            insert.execute(&mut self.connect("identity").await).await.expect("the viewer signs in");
        });
        session
    }

    /// Somebody whom nobody misses.
    fn one_more_user(&self) -> Uuid {
        let user = Uuid::now_v7();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let insert =
                query("insert into users (id, email, password_hash, name) values ($1, $2, 'none', 'Somebody')");
            let insert = insert.bind(user).bind(email(&unique("somebody")));
            insert.execute(&mut self.connect("identity").await).await.expect("an account");
        });
        user
    }

    /// One that has all that there can be.
    fn completed_erasure(&self) -> Uuid {
        let erasure = Uuid::now_v7();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut db = self.connect("identity").await;
            for insert in [
                "insert into erasures (id, requested_at, completed_at, reason) values ($1, now(), now(), 'Asked for')",
                "insert into erasure_receipts (erasure_id, service, erased_at, tables, signature)
                 values ($1, 'course', now(), '[{\"table\": \"courses\", \"deleted\": 1, \"anonymized\": 0}]', 'signed')",
            ] {
                query(insert).bind(erasure).execute(&mut db).await.expect("an erasure");
            }
        });
        erasure
    }

    /// The viewer's file is ready.
    fn exported_data(&self, viewer: &str) {
        self.forget_exported_data(viewer);
        let Some(user) = self.viewers[viewer].id else { return };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let insert = "insert into data_exports (id, user_id, requested_at, content, expires_at)
                values (gen_random_uuid(), $1, now(), '{}', now() + interval '1 day')";
            query(insert).bind(user).execute(&mut self.connect("identity").await).await.expect("a file");
        });
    }

    fn forget_exported_data(&self, viewer: &str) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let delete = query("delete from data_exports where user_id = $1").bind(self.viewers[viewer].id);
            delete.execute(&mut self.connect("identity").await).await.expect("no file");
        });
    }

    /// A token works once, so each try needs a new one, of somebody new.
    fn one_more_token(&self, purpose: &str) -> String {
        let (user, secret) = (self.one_more_user(), [(); 3].map(|()| Uuid::now_v7().into_bytes()).concat());
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            query(
                "insert into email_tokens (token_hash, user_id, purpose, email, expires_at)
                 select sha256($1), id, $2::email_token_purpose,
                        case $2 when 'email_change' then 'new.' else '' end || email, now() + interval '1 h'
                 from users where id = $3",
            )
            .bind(&secret)
            .bind(purpose)
            .bind(user)
            .execute(&mut self.connect("identity").await)
            .await
            .expect("a token");
        });
        BASE64_URL_SAFE_NO_PAD.encode(secret)
    }

    /// A place ends once, so each try needs a new one.
    fn one_more_enrollment(&self, student: Uuid, course: Uuid) -> Uuid {
        let enrollment = Uuid::now_v7();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            query("insert into enrollments (id, student_id, course_id) values ($1, $2, $3)")
                .bind(enrollment)
                .bind(student)
                .bind(course)
                .execute(&mut self.connect("enrollment").await)
                .await
                .expect("somebody enrolls");
        });
        enrollment
    }

    /// Nobody is enrolled twice, so each try needs somebody who is not on the course.
    fn one_more_grant(&self, viewer: &str) -> Uuid {
        let Some(&student) = self.granted.get(viewer) else { return self.viewers["student"].id.expect("an account") };
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let leave = query("delete from enrollments where course_id = $1 and student_id = $2");
            let leave = leave.bind(self.open_course).bind(student);
            leave.execute(&mut self.connect("enrollment").await).await.expect("the student leaves the course");
        });
        student
    }

    async fn connect(&self, database: &str) -> PgConnection {
        PgConnection::connect(&self.databases[database]).await.expect("the database answers")
    }

    /// Two notifications, one after the other, for this viewer; for the anonymous, the student's.
    pub fn told(&self, viewer: &str) -> (Uuid, Uuid) {
        let user = self.viewers[viewer].id.or(self.viewers["student"].id).expect("an account");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let [before, told] = runtime.block_on(async {
            let mut db = self.connect("notification").await;
            let mut ids = [Uuid::nil(); 2];
            for id in &mut ids {
                let new = NewNotification {
                    user_id: UserId(user),
                    kind: Kind::Payment,
                    title: "Told".to_owned(),
                    body: String::new(),
                    subject: None,
                };
                *id = insert(&mut db, new).await.expect("a notification").0;
            }
            ids
        });
        (before, told)
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.viewers.keys().copied()
    }

    /// `server`, asked by this viewer.
    pub fn at(&self, server: &Client, viewer: &str) -> Client {
        as_viewer(server, &self.viewers[viewer])
    }

    /// How a query or a mutation is asked, for all that needs arguments. Each call names new things
    /// where the graph wants new ones.
    #[expect(clippy::too_many_lines, reason = "a list of fields")]
    pub fn samples(&self, field: &str, viewer: &str) -> Vec<Sample> {
        let of = |arguments: String| vec![Sample { arguments, owner: None }];
        let by_id = |id: Uuid| format!("(id: \"{id}\")");
        let id = |name: &str| self.viewers[name].id.expect("an account");
        match field {
            "Query.user" => ["student", "owningTeacher"]
                .map(|owner| Sample { arguments: by_id(id(owner)), owner: Some(owner) })
                .into(),
            "Query.node" => of(by_id(id("student"))),
            "Query.nodes" => of(format!("(ids: [\"{}\"])", id("student"))),
            "Query.users" => of(format!("(filter: {{ search: \"{}\" }})", email("unverifiedTeacher"))),
            "Query.erasure" => of(by_id(self.completed_erasure())),
            "Query.course" => of(by_id(self.course)),
            "Query.enrollment" => of(by_id(self.enrollment)),
            "Query.payment" => of(by_id(self.payment)),
            "Query.notification" => self.notifications.map(|id| Sample { arguments: by_id(id), owner: None }).into(),
            "Mutation.register" => of(format!(
                "(input: {{ email: \"{}\", password: \"{PASSWORD}\", name: \"New\" }})",
                email(&unique("new"))
            )),
            "Mutation.login" => of(format!("(input: {{ email: \"{}\", password: \"{PASSWORD}\" }})", email("student"))),
            "Mutation.refreshSession" | "Mutation.logout" => {
                of(format!("(input: {{ refreshToken: \"{}\" }})", unique("none")))
            }
            "Mutation.verifyTeacher" => of(format!("(input: {{ userId: \"{}\" }})", id("unverifiedTeacher"))),
            "Mutation.updateProfile" => of("(input: {})".to_owned()),
            "Mutation.changePassword" => {
                of(format!("(input: {{ currentPassword: \"{PASSWORD}\", newPassword: \"{PASSWORD}\" }})"))
            }
            "Mutation.requestPasswordReset" => of(format!("(input: {{ email: \"{}\" }})", email("student"))),
            "Mutation.resetPassword" => {
                let token = self.one_more_token("password_reset");
                of(format!("(input: {{ token: \"{token}\", newPassword: \"{PASSWORD}\" }})"))
            }
            "Mutation.verifyEmail" => {
                of(format!("(input: {{ token: \"{}\" }})", self.one_more_token("email_verification")))
            }
            "Mutation.confirmEmailChange" => {
                of(format!("(input: {{ token: \"{}\" }})", self.one_more_token("email_change")))
            }
            "Mutation.changeEmail" => {
                of(format!("(input: {{ newEmail: \"{}\", password: \"{PASSWORD}\" }})", email(&unique("other"))))
            }
            "Mutation.setUpSecondFactor" => of(format!("(input: {{ password: \"{PASSWORD}\" }})")),
            // Everybody signs in without one.
            "Mutation.enableSecondFactor" => of("(input: { secondFactorCode: \"none\" })".to_owned()),
            "Mutation.disableSecondFactor" | "Mutation.replaceRecoveryCodes" => {
                of(format!("(input: {{ password: \"{PASSWORD}\", secondFactorCode: \"none\" }})"))
            }
            "Mutation.endSession" => of(format!("(input: {{ sessionId: \"{}\" }})", self.one_more_session(viewer))),
            "Mutation.unverifyTeacher" | "Mutation.unsuspendUser" => {
                of(format!("(input: {{ userId: \"{}\" }})", id("unverifiedTeacher")))
            }
            "Mutation.setUserRole" => {
                of(format!("(input: {{ userId: \"{}\", role: TEACHER }})", id("unverifiedTeacher")))
            }
            "Mutation.suspendUser" => of(format!("(input: {{ userId: \"{}\" }})", self.one_more_user())),
            // Everybody is needed again.
            "Mutation.deleteMyAccount" => of("(input: { password: \"not the one\" })".to_owned()),
            "Mutation.deleteUser" => {
                of(format!("(input: {{ userId: \"{}\", reason: \"Asked for\" }})", self.one_more_user()))
            }
            "Query.dataExport" | "Mutation.createDataExportLink" => {
                self.exported_data(viewer);
                of(String::new())
            }
            // Once a day.
            "Mutation.exportMyData" => {
                self.forget_exported_data(viewer);
                of(String::new())
            }
            "Mutation.createCourse" => of(format!("(input: {{ {PAID_COURSE} }})")),
            "Mutation.withdrawCourse" => {
                let course = self.one_more_course("withdrawn");
                of(format!("(input: {{ courseId: \"{course}\", reason: \"Copied.\" }})"))
            }
            "Mutation.deleteCourse" => {
                of(format!("(input: {{ courseId: \"{}\" }})", self.one_more_course("withdrawn")))
            }
            "Mutation.purchaseCourse" => {
                self.purchase();
                of(format!("(input: {{ courseId: \"{}\", idempotencyKey: \"{KEY}\" }})", self.course))
            }
            "Mutation.refundPayment" => {
                of(format!("(input: {{ paymentId: \"{}\", reason: \"Asked for\" }})", self.one_more_payment()))
            }
            "Mutation.republishPayment" => of(format!("(input: {{ paymentId: \"{}\" }})", self.payment)),
            "Mutation.enroll" => {
                let payment = self.pay_anew(viewer);
                of(format!("(input: {{ courseId: \"{}\", paymentId: \"{payment}\" }})", self.open_course))
            }
            "Mutation.leaveCourse" => {
                let course = Uuid::now_v7();
                if let Some(viewer) = self.viewers[viewer].id {
                    self.one_more_enrollment(viewer, course);
                }
                of(format!("(input: {{ courseId: \"{course}\" }})"))
            }
            "Mutation.removeStudent" => {
                let enrollment = self.one_more_enrollment(Uuid::now_v7(), self.open_course);
                of(format!("(input: {{ enrollmentId: \"{enrollment}\", reason: \"Full\" }})"))
            }
            "Mutation.grantEnrollment" => {
                let student = self.one_more_grant(viewer);
                of(format!("(input: {{ courseId: \"{}\", studentId: \"{student}\" }})", self.open_course))
            }
            "Mutation.setEnrollmentStatus" => {
                self.begin_anew();
                of(format!("(input: {{ enrollmentId: \"{}\", status: COMPLETED }})", self.enrollment))
            }
            // What was read can be deleted by the next try.
            "Mutation.markNotificationRead" => {
                of(format!("(input: {{ notificationId: \"{}\" }})", self.told("student").1))
            }
            "Mutation.deleteNotification" => of(format!("(input: {{ notificationId: \"{}\" }})", self.told(viewer).1)),
            "Mutation.setNotificationSetting" => of("(input: { type: REGISTRATION, isEnabled: true })".to_owned()),
            "Mutation.updateCourse" | "Mutation.publishCourse" => {
                of(format!("(input: {{ courseId: \"{}\" }})", self.course))
            }
            _ => of(String::new()),
        }
    }

    /// Whose entities of this type there are.
    pub fn owners(entity: &str) -> &'static [&'static str] {
        match entity {
            "User" => &["student", "owningTeacher"],
            "Course" => &["owningTeacher"],
            _ => &["student"],
        }
    }

    /// A representation with the key, with what `@requires` brings, and with whatever might make a
    /// careless subgraph believe that the object is the viewer's own.
    pub fn representation(&self, entity: &str, owner: &str, viewer: &str) -> Value {
        let id = match entity {
            "User" => self.viewers[owner].id.expect("an account"),
            "Course" => self.course,
            "Enrollment" => self.enrollment,
            "Payment" => self.payment,
            "Notification" => self.notifications[0],
            other => panic!("there is no {other} to ask for"),
        };
        let viewer = json!({ "__typename": "User", "id": self.viewers[viewer].id });
        json!({
            "__typename": entity, "id": id, "teacherSeal": self.teacher_seal,
            "teacher": viewer, "student": viewer, "user": viewer, "owner": viewer, "studentId": viewer["id"], "userId": viewer["id"],
            "viewer": { "role": "ADMIN" }, "hasSignedIn": true,
        })
    }
}

fn as_viewer(server: &Client, person: &Person) -> Client {
    person.token.as_ref().map_or_else(|| server.clone(), |token| server.with_token(token))
}

fn email(name: &str) -> String {
    format!("{}@lyceum.example", name.to_lowercase())
}

fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{what}{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn register(router: &Client, name: &str, role: &str) -> Uuid {
    let document =
        "mutation ($input: RegisterInput!) { register(input: $input) { user { id } userErrors { message } } }";
    let input = json!({ "email": email(name), "password": PASSWORD, "name": name, "role": role });
    id_at(&router.data(document, json!({ "input": input })), "/register/user/id")
}

fn publish(teacher: &Client, course: &str) -> Uuid {
    let document = format!("mutation {{ createCourse(input: {{ {course} }}) {{ course {{ id }} }} }}");
    id_at(&teacher.data(&document, json!({})), "/createCourse/course/id")
}

/// What the router gets of the course subgraph, and no client does.
fn seal(system: &System, course: Uuid) -> Value {
    let document = format!("{{ course(id: \"{course}\") {{ teacherSeal }} }}");
    system.subgraph("course").data(&document, json!({}))["course"]["teacherSeal"].clone()
}

fn id_at(data: &Value, pointer: &str) -> Uuid {
    let id = data.pointer(pointer).and_then(Value::as_str);
    id.and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no id at {pointer} in {data}"))
}

/// The student's enrollment in the course, the payment for it, and notifications about the three of them.
async fn own(system: &System, student: Uuid, course: Uuid) -> (Uuid, Uuid, [Uuid; 3]) {
    let [enrollment, payment] = [(); 2].map(|()| Uuid::now_v7());
    let mut payments = connect(system, "payment").await;
    pay(&mut payments, payment, student, course).await;
    give_a_reason(&mut payments, payment).await;
    query(
        "insert into enrollments (id, student_id, course_id, payment_id, completed_at) values ($1, $2, $3, $4, now())",
    )
    .bind(enrollment)
    .bind(student)
    .bind(course)
    .bind(payment)
    .execute(&mut connect(system, "enrollment").await)
    .await
    .expect("the student enrolls");
    query("insert into payment_redemptions (payment_id, enrollment_id) values ($1, $2)")
        .bind(payment)
        .bind(enrollment)
        .execute(&mut connect(system, "enrollment").await)
        .await
        .expect("the payment has bought it");
    let notifications = [(); 3].map(|()| Uuid::now_v7());
    for (notification, (about, id)) in
        notifications.iter().zip([("course", course), ("payment", payment), ("enrollment", enrollment)])
    {
        query(
            "insert into notifications (id, user_id, type, title, subject_type, subject_id)
             values ($1, $2, 'payment', 'Paid', $3::notification_subject, $4)",
        )
        .bind(notification)
        .bind(student)
        .bind(about)
        .bind(id)
        .execute(&mut connect(system, "notification").await)
        .await
        .expect("the student is told");
    }
    give_every_notification_a_subject(system, course).await;
    (enrollment, payment, notifications)
}

/// Gives the course to all notifications that are about nothing, also to later ones: what may be null could not be told
/// from what is hidden.
async fn give_every_notification_a_subject(system: &System, course: Uuid) {
    let mut db = connect(system, "notification").await;
    for statement in [
        format!(
            "create function with_subject() returns trigger language plpgsql as $$ begin
                if new.subject_id is null then new.subject_type := 'course'; new.subject_id := '{course}'; end if;
                return new;
             end $$"
        ),
        "create trigger with_subject before insert or update on notifications
         for each row execute function with_subject()"
            .to_owned(),
        "update notifications set subject_id = subject_id where subject_id is null".to_owned(),
    ] {
        query(AssertSqlSafe(statement)).execute(&mut db).await.expect("a statement of the fixture");
    }
}

async fn pay(payments: &mut PgConnection, payment: Uuid, student: Uuid, course: Uuid) {
    query("insert into payments (id, student_id, course_id, amount) values ($1, $2, $3, 49.99) on conflict do nothing")
        .bind(payment)
        .bind(student)
        .bind(course)
        .execute(payments)
        .await
        .expect("the student pays");
}

/// Why it is to be refunded: null where there is none, so that nobody could tell who may see it. It stays completed.
async fn give_a_reason(payments: &mut PgConnection, payment: Uuid) {
    query("insert into refund_requests (payment_id, reason, note) values ($1, 'requested', 'Asked for') on conflict do nothing")
        .bind(payment)
        .execute(payments)
        .await
        .expect("there is a reason");
}

async fn connect(system: &System, database: &str) -> PgConnection {
    PgConnection::connect(&system.addresses.databases[database]).await.expect("the database answers")
}
