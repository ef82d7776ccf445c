//! A student buys a course, through the router, and an admin gives the money back. The course is the
//! real one.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use subgraph_testing::blocking::{Client, wait};

use crate::system::{ADMIN, PASSWORD, System, TEACHER};

const BUY: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) {
    payment { id amount status student { id name } course { id title price } } userErrors { code field }
} }";
const REFUND: &str = "mutation ($id: ID!) { refundPayment(input: { paymentId: $id }) {
    payment { id status } userErrors { code field }
} }";
const REPUBLISH: &str = "mutation ($id: ID!) { republishPayment(input: { paymentId: $id }) {
    payment { id status } userErrors { code field }
} }";

/// Somebody who has just signed up.
fn student(name: &str) -> Client {
    let router = System::shared().anonymous();
    let email = format!("{name}.buys@lyceum.example");
    let document = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
    let input = json!({ "email": email, "password": PASSWORD, "name": name });
    let answer = router.data(document, json!({ "input": input }));
    assert_eq!(answer["register"]["userErrors"], json!([]));
    router.sign_in(&email, PASSWORD)
}

/// A new course of the sample teacher.
fn publish(teacher: &Client, price: Option<&str>) -> Value {
    let document = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
    let input = json!({ "title": "Buying", "isFree": price.is_none(), "price": price });
    teacher.data(document, json!({ "input": input }))["createCourse"]["course"]["id"].clone()
}

fn set_price(teacher: &Client, course: &Value, price: &str) {
    let document = "mutation ($input: UpdateCourseInput!) { updateCourse(input: $input) { userErrors { code } } }";
    let answer = teacher.data(document, json!({ "input": { "courseId": course, "price": price } }));
    assert_eq!(answer["updateCourse"]["userErrors"], json!([]));
}

fn buy(student: &Client, course: &Value, key: &str, expected: Option<&str>) -> Value {
    let input = json!({ "courseId": course, "idempotencyKey": key, "expectedAmount": expected });
    student.data(BUY, json!({ "input": input }))["purchaseCourse"].clone()
}

fn refused(code: &str, field: &str) -> Value {
    json!({ "payment": null, "userErrors": [{ "code": code, "field": ["input", field] }] })
}

#[test]
fn a_student_buys_a_course_at_its_price_and_once() {
    let teacher = System::shared().sign_in(TEACHER);
    let (alice, course) = (student("alice"), publish(&teacher, Some("49.90")));

    let first = buy(&alice, &course, "first", Some("49.9"));
    set_price(&teacher, &course, "59.90");
    let again = buy(&alice, &course, "first", Some("49.90"));

    assert_eq!(first["payment"]["status"], "COMPLETED");
    assert_eq!(first["payment"]["amount"], "49.90");
    assert_eq!(first["payment"]["student"]["name"], "alice");
    assert_eq!(first["payment"]["course"], json!({ "id": course, "title": "Buying", "price": "49.90" }));
    assert_eq!(again["payment"]["id"], first["payment"]["id"]);
    assert_eq!(again["payment"]["amount"], "49.90");
    assert_eq!(again["payment"]["course"]["price"], "59.90");
    assert_eq!(buy(&alice, &course, "first", None), refused("IDEMPOTENCY_KEY_REUSED", "idempotencyKey"));
    assert_eq!(buy(&alice, &course, "second", None), refused("ALREADY_PURCHASED", "courseId"));

    let mine = alice.data("{ me { payments { totalCount nodes { id status } } } }", json!({}));
    assert_eq!(
        mine["me"]["payments"],
        json!({ "totalCount": 1, "nodes": [{ "id": first["payment"]["id"], "status": "COMPLETED" }] })
    );
}

#[test]
fn nobody_pays_another_price_than_they_were_shown() {
    let teacher = System::shared().sign_in(TEACHER);
    let (bob, course) = (student("bob"), publish(&teacher, Some("10")));
    let free = publish(&teacher, None);

    set_price(&teacher, &course, "12.50");

    assert_eq!(buy(&bob, &course, "key", Some("10.00")), refused("PRICE_CHANGED", "expectedAmount"));
    assert_eq!(buy(&bob, &free, "key", None), refused("COURSE_IS_FREE", "courseId"));
    let nowhere = json!("00000000-0000-0000-0000-00000000dead");
    assert_eq!(buy(&bob, &nowhere, "key", None), refused("NOT_FOUND", "courseId"));
    assert_eq!(buy(&bob, &course, "", None), refused("INVALID_INPUT", "idempotencyKey"));
    assert_eq!(buy(&bob, &course, "key", Some("12.50"))["payment"]["amount"], "12.50");
}

#[test]
fn students_buy_and_teachers_what_is_not_their_own() {
    let system = System::shared();
    let teacher = system.sign_in(TEACHER);
    let input = json!({ "courseId": publish(&teacher, Some("10")), "idempotencyKey": "key" });

    for (visitor, expected) in [(system.anonymous(), "UNAUTHENTICATED"), (system.sign_in(ADMIN), "FORBIDDEN")] {
        assert_eq!(visitor.send(BUY, json!({ "input": input })).error(), Some(expected));
    }
    let own = teacher.data(BUY, json!({ "input": input }))["purchaseCourse"].clone();
    assert_eq!(own, refused("OWN_COURSE", "courseId"));
}

#[test]
fn an_admin_gives_a_payment_back_once() {
    let system = System::shared();
    let (admin, teacher) = (system.sign_in(ADMIN), system.sign_in(TEACHER));
    let (carol, course) = (student("carol"), publish(&teacher, Some("10")));
    let payment = buy(&carol, &course, "first", None)["payment"]["id"].clone();
    let refund = |visitor: &Client| visitor.send(REFUND, json!({ "id": payment }));

    assert_eq!(refund(&carol).error(), Some("FORBIDDEN"));
    assert_eq!(refund(&system.anonymous()).error(), Some("UNAUTHENTICATED"));
    let given_back = refund(&admin)["data"]["refundPayment"].clone();
    let again = refund(&admin)["data"]["refundPayment"].clone();

    assert_eq!(given_back, json!({ "payment": { "id": payment, "status": "REFUNDED" }, "userErrors": [] }));
    assert_eq!(again, refused("NOT_REFUNDABLE", "paymentId"));
    assert_eq!(buy(&carol, &course, "first", None)["payment"]["status"], "REFUNDED");
    assert_eq!(buy(&carol, &course, "second", None)["payment"]["status"], "COMPLETED");
}

#[test]
fn admins_see_all_payments_and_have_one_told_again() {
    let system = System::shared();
    let (admin, teacher) = (system.sign_in(ADMIN), system.sign_in(TEACHER));
    let (dave, course) = (student("dave"), publish(&teacher, Some("10")));
    let payment = buy(&dave, &course, "key", None)["payment"]["id"].clone();
    let list = "{ payments(first: 100, status: COMPLETED) { totalCount nodes { id status student { name } } } }";

    let page = admin.data(list, json!({}))["payments"].clone();
    let told = admin.data(REPUBLISH, json!({ "id": payment }))["republishPayment"].clone();

    let nodes = page["nodes"].as_array().expect("payments");
    let own = nodes.iter().find(|node| node["id"] == payment).expect("the newest ones are first");
    assert_eq!(own["student"]["name"], "dave");
    assert!(page["totalCount"].as_u64() > Some(100), "those of the sample data, too");
    assert_eq!(told, json!({ "payment": { "id": payment, "status": "COMPLETED" }, "userErrors": [] }));
    assert_eq!(dave.send(list, json!({})).error(), Some("FORBIDDEN"));
    assert_eq!(dave.send(REPUBLISH, json!({ "id": payment })).error(), Some("FORBIDDEN"));
}

/// Delays the refunds of a course's payments on their way to other services.
async fn delay_refunds(system: &System, course: &Value) {
    let mut db = PgConnection::connect(&system.addresses.databases["payment"]).await.expect("payment's database");
    let course = course.as_str().expect("an id");
    let trigger = format!(
        "create or replace function delay_refund() returns trigger language plpgsql as $$ begin
             if new.type = 'lyceum.payment.refunded' and new.event -> 'data' ->> 'course_id' = '{course}' then
                 new.next_attempt_at := now() + interval '2 s';
             end if;
             return new;
         end $$;
         create or replace trigger delay_refund before insert on outbox_events
         for each row execute function delay_refund();"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&mut db).await.expect("a trigger");
}

#[test]
fn who_is_refunded_and_buys_again_keeps_the_new_place() {
    let system = System::shared();
    let (admin, teacher) = (system.sign_in(ADMIN), system.sign_in(TEACHER));
    let (erin, course) = (student("erin"), publish(&teacher, Some("10")));
    wait(delay_refunds(system, &course));
    let place = || {
        let document = "query ($id: ID!) { course(id: $id) { viewerEnrollment { payment { id status } } } }";
        erin.data(document, json!({ "id": course }))["course"]["viewerEnrollment"]["payment"].clone()
    };
    let until = |expected: &Value| {
        let start = Instant::now();
        while place() != *expected {
            assert!(start.elapsed() < Duration::from_secs(30), "{} instead of {expected}", place());
            sleep(Duration::from_millis(50));
        }
    };
    let bought = |key: &str| buy(&erin, &course, key, None)["payment"]["id"].clone();

    let first = bought("first");
    until(&json!({ "id": first, "status": "COMPLETED" }));
    let given_back = admin.data(REFUND, json!({ "id": first }))["refundPayment"].clone();
    assert_eq!(given_back["userErrors"], json!([]));
    // Its event reaches the enrollment service before the refund's.
    let second = bought("second");

    let expected = json!({ "id": second, "status": "COMPLETED" });
    until(&expected);
    sleep(Duration::from_secs(1));
    assert_eq!(place(), expected, "it is not refunded, either");
}
