//! `lyceum admin reconcile`: what it finds in a system whose databases were changed behind its back, and what it
//! repairs.

use std::{
    process::{Command, Output},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use subgraph_testing::blocking::Client;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::system::{PASSWORD, System};

const ADMIN: &str = "boss@reconcile.example";
const TEACHER: &str = "teresa@reconcile.example";
const BUY: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { id status } userErrors { code } } }";
const REFUND: &str = "mutation ($id: ID!) { refundPayment(input: { paymentId: $id }) {
    payment { status } userErrors { code } } }";

/// A system with an admin and a teacher, in which everything agrees.
struct TestSystem {
    system: System,
    runtime: Runtime,
}

/// Somebody who buys.
struct Student {
    id: Uuid,
    visitor: Client,
}

impl Student {
    fn buy(&self, course: Uuid) -> Value {
        let input = json!({ "courseId": course, "idempotencyKey": Uuid::now_v7() });
        self.visitor.data(BUY, json!({ "input": input }))["purchaseCourse"].clone()
    }
}

/// `reconcile` looks at everything, so one test after the other has it.
fn test_system() -> MutexGuard<'static, TestSystem> {
    static TEST_SYSTEM: OnceLock<Mutex<TestSystem>> = OnceLock::new();
    TEST_SYSTEM.get_or_init(|| Mutex::new(TestSystem::build())).lock().unwrap_or_else(PoisonError::into_inner)
}

impl TestSystem {
    fn build() -> Self {
        let system = System::start(&["--temporary", "--empty"]);
        let test_system = Self { system, runtime: Runtime::new().expect("a runtime") };
        test_system.register(ADMIN, "STUDENT");
        test_system.register(TEACHER, "TEACHER");
        for arguments in [["grant", ADMIN], ["verify-teacher", TEACHER]] {
            assert!(test_system.admin(&arguments).status.success());
        }
        test_system
    }

    fn register(&self, email: &str, role: &str) -> Uuid {
        let document = "mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }";
        let input = json!({ "email": email, "password": PASSWORD, "name": "Somebody", "role": role });
        id(&self.system.anonymous().data(document, json!({ "input": input }))["register"]["user"]["id"])
    }

    fn student(&self) -> Student {
        let email = format!("{}@reconcile.example", Uuid::now_v7());
        Student { id: self.register(&email, "STUDENT"), visitor: self.system.sign_in(&email) }
    }

    /// A new course that costs something.
    fn course(&self) -> Uuid {
        let document =
            "mutation { createCourse(input: { title: \"Sums\", isFree: false, price: \"10\" }) { course { id } } }";
        id(&self.system.sign_in(TEACHER).data(document, json!({}))["createCourse"]["course"]["id"])
    }

    /// A payment that has made its enrollment.
    fn bought(&self, student: &Student, course: Uuid) -> Uuid {
        let payment = id(&student.buy(course)["payment"]["id"]);
        self.wait_for_places(payment, 1);
        payment
    }

    fn refund(&self, payment: Uuid) {
        let payload = self.system.sign_in(ADMIN).data(REFUND, json!({ "id": payment }))["refundPayment"].clone();
        assert_eq!(payload, json!({ "payment": { "status": "REFUNDED" }, "userErrors": [] }));
    }

    /// As the legacy system left it: without a purchase.
    fn import_pending(&self, student: &Student, course: Uuid) -> Uuid {
        let payment = Uuid::new_v4();
        let values = format!("'{payment}', '{}', '{course}', 10, 'pending', now() - interval '2 days'", student.id);
        let columns = "id, student_id, course_id, amount, status, created_at";
        self.change("payment", &format!("insert into payments ({columns}) values ({values})"));
        payment
    }

    /// Changes one row of a database, behind its service's back.
    fn change(&self, database: &str, statement: &str) {
        let url = &self.system.addresses.databases[database];
        let changed = self.runtime.block_on(async {
            let mut db = PgConnection::connect(url).await.expect("the database");
            sqlx::query(AssertSqlSafe(statement)).execute(&mut db).await.expect("it is changed").rows_affected()
        });
        assert_eq!(changed, 1, "{statement}");
    }

    fn count(&self, database: &str, rows: &str) -> i64 {
        let url = &self.system.addresses.databases[database];
        self.runtime.block_on(async {
            let mut db = PgConnection::connect(url).await.expect("the database");
            let statement = format!("select count(*) from {rows}");
            sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&mut db).await.expect("a count")
        })
    }

    fn places(&self, payment: Uuid) -> i64 {
        self.count("enrollment", &format!("enrollments where payment_id = '{payment}'"))
    }

    fn wait_for_places(&self, payment: Uuid, number: i64) {
        let start = Instant::now();
        while self.places(payment) != number {
            assert!(start.elapsed() < Duration::from_secs(20), "{payment} has not {number} places");
            sleep(Duration::from_millis(50));
        }
    }

    fn admin(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lyceum"));
        command.arg("admin").args(arguments).arg("--data-dir").arg(&self.system.addresses.data);
        for variable in ["LYCEUM_KEYS_DIR", "LYCEUM_SIGNING_KEY", "LYCEUM_TOKEN", "IDENTITY_DATABASE_URL"] {
            command.env_remove(variable);
        }
        command.output().expect("`lyceum` runs")
    }

    /// Its exit code, and all that it says.
    fn reconcile(&self, more: &[&str]) -> (i32, String) {
        let router = &self.system.addresses.router;
        let output = self.admin(&[&["reconcile", ADMIN, "--router", router, "--usual", "0"], more].concat());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().expect("an exit code"), String::from_utf8(said).expect("text"))
    }

    fn assert_all_agrees(&self) {
        let (code, said) = self.reconcile(&[]);
        assert!(code == 0 && said.contains("agree"), "{code}: {said}");
    }
}

fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no id: {value}"))
}

#[test]
fn a_lost_enrollment_is_made_again_and_that_of_a_refunded_payment_is_taken_back() {
    let test_system = test_system();
    let (student, other) = (test_system.student(), test_system.course());
    let lost = test_system.bought(&student, test_system.course());
    let stale = test_system.bought(&student, other);
    test_system.refund(stale);
    test_system.wait_for_places(stale, 0);
    test_system.assert_all_agrees();

    test_system.change("enrollment", &format!("delete from enrollments where payment_id = '{lost}'"));
    let values = format!("'{}', '{other}', '{stale}'", student.id);
    test_system.change(
        "enrollment",
        &format!("insert into enrollments (student_id, course_id, payment_id) values ({values})"),
    );

    let (code, said) = test_system.reconcile(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("payment {lost} is completed but has no enrollment")), "{said}");
    assert!(said.contains(&format!("payment {stale} was refunded, but enrollment")), "{said}");
    assert!(said.contains("2 do not agree: `--fix` repairs"), "{said}");
    assert_eq!((test_system.places(lost), test_system.places(stale)), (0, 1), "looking changes nothing");

    let (code, said) = test_system.reconcile(&["--fix"]);
    assert_eq!((code, said.matches("repaired").count()), (0, 2), "{said}");
    assert_eq!((test_system.places(lost), test_system.places(stale)), (1, 0));
    test_system.assert_all_agrees();
}

/// After each repair it looks once a second whether it has worked.
#[test]
fn many_differences_are_repaired_at_the_same_time() {
    const MANY: u32 = 16;
    let test_system = test_system();
    let student = test_system.student();
    let repair = |count: u32| {
        let lost: Vec<_> = (0..count).map(|_| test_system.bought(&student, test_system.course())).collect();
        for payment in &lost {
            test_system.change("enrollment", &format!("delete from enrollments where payment_id = '{payment}'"));
        }
        let start = Instant::now();
        let (code, said) = test_system.reconcile(&["--fix"]);
        let took = start.elapsed();
        assert_eq!((code, said.matches("repaired").count()), (0, lost.len()), "{said}");
        assert!(lost.iter().all(|payment| test_system.places(*payment) == 1));
        took
    };

    let (one, all) = (repair(1), repair(MANY));

    // Each of the others would take a second or more after it.
    assert!(all < one + Duration::from_secs(1) * (MANY - 1), "one after the other: {all:?}, and {one:?} for one");
    test_system.assert_all_agrees();
}

#[test]
fn who_has_left_a_paid_course_is_no_difference_and_is_not_enrolled_again() {
    let test_system = test_system();
    let (student, course) = (test_system.student(), test_system.course());
    let payment = test_system.bought(&student, course);
    let leave =
        "mutation ($input: LeaveCourseInput!) { leaveCourse(input: $input) { enrollmentId userErrors { code } } }";

    let left = student.visitor.data(leave, json!({ "input": { "courseId": course } }));
    assert_eq!(left["leaveCourse"]["userErrors"], json!([]), "{left}");

    test_system.assert_all_agrees();
    let (code, said) = test_system.reconcile(&["--fix"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(test_system.places(payment), 0);
    assert_eq!(student.buy(course)["userErrors"][0]["code"], "ALREADY_PURCHASED", "the payment still pays for it");
    test_system.refund(payment);
    test_system.assert_all_agrees();
}

#[test]
fn what_the_legacy_system_left_pending_is_reported_until_a_person_has_found_out() {
    let test_system = test_system();
    let (student, courses) = (test_system.student(), [test_system.course(), test_system.course()]);
    let [arrived, failed] = courses.map(|course| test_system.import_pending(&student, course));

    for (fix, summary) in [(&[][..], "2 do not agree and need an operator"), (&["--fix"], "2 of 2 need an operator")] {
        let (code, said) = test_system.reconcile(fix);
        assert_eq!(code, 1, "{said}");
        for payment in [arrived, failed] {
            assert!(said.contains(&format!("payment {payment} has been pending for too long")), "{said}");
        }
        assert!(said.contains("check with the payment provider") && said.contains(summary), "{said}");
    }
    assert_eq!(
        test_system.count("payment", &format!("payments where student_id = '{}' and status = 'pending'", student.id)),
        2
    );
    assert_eq!(student.buy(courses[0])["userErrors"][0]["code"], "ALREADY_PURCHASED", "nobody pays twice");

    // As ARCHITECTURE.md says.
    for (payment, status) in [(arrived, "completed"), (failed, "failed")] {
        test_system.change(
            "payment",
            &format!("update payments set status = '{status}' where id = '{payment}' and status = 'pending'"),
        );
    }
    let (code, said) = test_system.reconcile(&["--fix"]);
    assert_eq!((code, said.matches("repaired").count()), (0, 1), "{said}");
    assert_eq!((test_system.places(arrived), test_system.places(failed)), (1, 0));
    test_system.bought(&student, courses[1]);
    test_system.assert_all_agrees();
}

#[test]
fn a_refund_that_the_provider_refuses_is_reported_until_it_goes_back() {
    let test_system = test_system();
    let student = test_system.student();
    let payment = test_system.bought(&student, test_system.course());
    // As it is when the provider has refused.
    let values = format!("'{payment}', 'requested', now()");
    test_system
        .change("payment", &format!("insert into refund_requests (payment_id, reason, refused_at) values ({values})"));

    let (code, said) = test_system.reconcile(&["--fix"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("the payment provider rejected the refund of payment {payment}")), "{said}");
    assert!(said.contains("1 of 1 need an operator"), "{said}");

    // The provider has thought better of it.
    test_system.refund(payment);
    test_system.wait_for_places(payment, 0);
    test_system.assert_all_agrees();
}

#[test]
fn a_second_payment_is_refunded_only_if_that_is_asked_for() {
    let test_system = test_system();
    let (student, course) = (test_system.student(), test_system.course());
    let first = test_system.bought(&student, course);
    let second = test_system.import_pending(&student, course);
    test_system.change("payment", &format!("update payments set status = 'completed' where id = '{second}'"));
    let is_completed = |payment: Uuid| {
        test_system.count("payment", &format!("payments where id = '{payment}' and status = 'completed'")) == 1
    };

    for settings in [&[][..], &["--fix"]] {
        let (code, said) = test_system.reconcile(settings);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&format!("payment {second} is completed but buys nothing")), "{said}");
        assert!(said.contains("`--fix --refund` would have it refunded"), "{said}");
    }
    // Nothing was published that could move money later.
    let published = format!("outbox_events where subject = '{second}'");
    assert_eq!(test_system.count("payment", &published), 0);
    assert!(is_completed(first) && is_completed(second));

    let (code, said) = test_system.reconcile(&["--fix", "--refund"]);
    assert_eq!((code, said.matches("repaired").count()), (0, 1), "{said}");
    assert!(is_completed(first) && !is_completed(second));
    assert_eq!(test_system.places(first), 1);
    test_system.assert_all_agrees();
}
