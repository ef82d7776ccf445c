//! Drafts and withdrawn courses, through the router and between the services.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, query};
use subgraph_testing::blocking::{Client, wait};
use uuid::Uuid;

use crate::system::{ADMIN, OTHER_STUDENT, PASSWORD, STUDENT, System, TEACHER, UNVERIFIED_TEACHER, until};

const TIMEOUT: Duration = Duration::from_secs(20);

/// The outcome of a mutation with an input of these fields: its payload, or the code of its error.
fn change(client: &Client, mutation: &str, input: &Value, selection: &str) -> Value {
    let type_name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let document = format!(
        "mutation ($input: {type_name}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code field }} }} }}"
    );
    let reply = client.send(&document, json!({ "input": input }));
    reply.error().map_or_else(|| reply.data(&format!("/{mutation}")).clone(), |code| json!(code))
}

fn create(teacher: &Client, title: &str, is_draft: bool, price: Option<&str>) -> String {
    let input = json!({ "title": title, "isDraft": is_draft, "isFree": price.is_none(), "price": price });
    let payload = change(teacher, "createCourse", &input, "course { id state }");
    assert_eq!(payload["userErrors"], json!([]));
    assert_eq!(payload["course"]["state"], if is_draft { "DRAFT" } else { "PUBLISHED" });
    payload["course"]["id"].as_str().expect("an id").to_owned()
}

fn user_error(code: &str, field: &str) -> Value {
    json!([{ "code": code, "field": ["input", field] }])
}

fn me(client: &Client) -> Value {
    client.data("{ me { id } }", json!({}))["me"]["id"].clone()
}

/// Somebody who has just signed up.
fn student(name: &str) -> Client {
    let router = System::shared().anonymous();
    let email = format!("{name}.{}@lyceum.example", Uuid::now_v7());
    let document = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
    let input = json!({ "email": email, "password": PASSWORD, "name": name });
    assert_eq!(router.data(document, json!({ "input": input }))["register"]["userErrors"], json!([]));
    router.sign_in(&email, PASSWORD)
}

#[test]
fn a_draft_does_not_exist_for_strangers_through_any_door_of_the_graph() {
    let system = System::shared();
    let (teacher, admin) = (system.sign_in(TEACHER), system.sign_in(ADMIN));
    let word = format!("w{}", Uuid::now_v7().simple());
    let draft = create(&teacher, &format!("Draft {word}"), true, Some("20"));
    // The student was enrolled by hand, so that another service refers to the draft.
    let enrolled = student("enrolled");
    let enrolled_id = me(&enrolled);
    wait(async {
        let mut db = PgConnection::connect(&system.addresses.databases["enrollment"]).await.expect("the database");
        query("insert into enrollments (student_id, course_id) values ($1::uuid, $2::uuid)")
            .bind(enrolled_id.as_str())
            .bind(&draft)
            .execute(&mut db)
            .await
            .expect("an enrollment");
    });
    let search = "query ($word: String!) { courses(filter: { search: $word }) { totalCount nodes { id } } }";
    let words = "query ($word: String!) {
        courses(filter: { words: $word }, orderBy: TITLE) { totalCount nodes { id } } }";
    let document = "query ($id: ID!, $teacher: ID!) {
        course(id: $id) { id title state teacher { name } enrollmentCount enrollments { totalCount } }
        alias: course(id: $id) { id: title }
        catalogue: courses(first: 100) { nodes { title } }
        own: courses(filter: { teacherId: $teacher, minPrice: 20, maxPrice: 20 }) { nodes { title } }
        user(id: $teacher) {
            courses(first: 100) { totalCount nodes { title } }
            drafts: courses(state: DRAFT) { totalCount nodes { title } }
        }
        me { enrollments(first: 100) { nodes { course { title state } } } }
    }";
    let variables = json!({ "id": draft, "teacher": me(&teacher) });
    let found = |viewer: &Client| {
        [search, words].map(|document| {
            let found = viewer.data(document, json!({ "word": word }))["courses"].clone();
            (found["totalCount"].clone(), found["nodes"].clone())
        })
    };
    let nothing = [(); 2].map(|()| (json!(0), json!([])));

    let strangers = [
        system.anonymous(),
        system.sign_in(STUDENT),
        system.sign_in(UNVERIFIED_TEACHER),
        enrolled.clone(),
        student("stranger"),
    ];
    for stranger in &strangers {
        let reply = stranger.send(document, variables.clone());

        assert!(!reply.json.to_string().contains(&word), "{reply}");
        assert_eq!(reply.json["data"]["course"], Value::Null, "{reply}");
        assert_eq!(found(stranger), nothing);
        assert_eq!(reply.json["data"]["user"]["drafts"]["totalCount"], 0);
    }
    let places = enrolled.data(document, variables.clone())["me"]["enrollments"]["nodes"].clone();
    assert_eq!(places, json!([{ "course": null }]));
    for viewer in [&teacher, &admin] {
        let data = viewer.data(document, variables.clone());
        assert_eq!(data["course"]["state"], "DRAFT");
        assert_eq!(data["course"]["enrollments"]["totalCount"], 1);
        assert!(data["user"]["drafts"].to_string().contains(&word));
        assert!(!data["catalogue"].to_string().contains(&word));
        assert_eq!(found(viewer), nothing);
    }

    let missing = Uuid::now_v7().to_string();
    let stranger = student("buyer");
    for course in [&draft, &missing] {
        let not_found = user_error("NOT_FOUND", "courseId");
        let input = json!({ "courseId": course });
        let buy = json!({ "courseId": course, "idempotencyKey": Uuid::now_v7() });
        assert_eq!(change(&stranger, "enroll", &input, "enrollment { id }")["userErrors"], not_found);
        assert_eq!(change(&stranger, "purchaseCourse", &buy, "payment { id }")["userErrors"], not_found);
        for (mutation, selection) in
            [("publishCourse", "course { id }"), ("withdrawCourse", "course { id }"), ("deleteCourse", "courseId")]
        {
            assert_eq!(change(&stranger, mutation, &input, selection)["userErrors"], not_found, "{mutation}");
        }
    }
}

#[test]
fn a_withdrawn_course_is_kept_by_who_has_it_and_sold_to_nobody() {
    let system = System::shared();
    let (teacher, admin) = (system.sign_in(TEACHER), system.sign_in(ADMIN));
    let title = format!("Withdrawn {}", Uuid::now_v7().simple());
    let course = create(&teacher, &title, false, None);
    let keeper = student("keeper");
    let input = json!({ "courseId": course });
    assert_eq!(change(&keeper, "enroll", &input, "enrollment { id }")["userErrors"], json!([]));

    let reason = format!("Copied from {}.", Uuid::now_v7());
    let withdraw = json!({ "courseId": course, "reason": reason });
    let withdrawn = change(&admin, "withdrawCourse", &withdraw, "course { state }");

    assert_eq!(withdrawn, json!({ "course": { "state": "WITHDRAWN" }, "userErrors": [] }));
    let kept = keeper.data("{ me { enrollments { nodes { course { title state } } } } }", json!({}));
    assert_eq!(kept["me"]["enrollments"]["nodes"], json!([{ "course": { "title": title, "state": "WITHDRAWN" } }]));
    let document = "query ($id: ID!, $title: String!) {
        course(id: $id) { state } courses(filter: { search: $title }) { totalCount } }";
    let seen = system.anonymous().data(document, json!({ "id": course, "title": title }));
    assert_eq!(seen, json!({ "course": { "state": "WITHDRAWN" }, "courses": { "totalCount": 0 } }));

    let late = system.sign_in(OTHER_STUDENT);
    let not_sold = user_error("COURSE_WITHDRAWN", "courseId");
    assert_eq!(change(&late, "enroll", &input, "enrollment { id }")["userErrors"], not_sold);
    let buy = json!({ "courseId": course, "idempotencyKey": Uuid::now_v7() });
    assert_eq!(change(&late, "purchaseCourse", &buy, "payment { id }")["userErrors"], not_sold);
    assert_eq!(change(&teacher, "publishCourse", &input, "course { id }"), "FORBIDDEN");
    for viewer in [&teacher, &admin] {
        let deleted = change(viewer, "deleteCourse", &input, "courseId");
        assert_eq!(deleted["userErrors"], user_error("COURSE_HAS_ENROLLMENTS", "courseId"));
    }

    let told = until("the teacher is told", TIMEOUT, || {
        let document = "{ me { notifications(first: 100) { nodes { type title body } } } }";
        let notifications = teacher.data(document, json!({}))["me"]["notifications"]["nodes"].clone();
        let notifications = notifications.as_array().expect("a list").clone();
        notifications
            .into_iter()
            .find(|notification| notification["title"].as_str().is_some_and(|it| it.contains(&title)))
    });
    assert_eq!(told["type"], "COURSE");
    assert!(told["body"].as_str().is_some_and(|body| body.contains(&reason)), "{told}");
}

#[test]
fn a_course_is_deleted_unless_somebody_has_paid_for_it() {
    let system = System::shared();
    let teacher = system.sign_in(TEACHER);
    let [unsold, sold] = ["Unsold", "Sold"].map(|title| create(&teacher, title, false, Some("20")));
    let buyer = student("buyer");
    let buy = json!({ "courseId": sold, "idempotencyKey": "once" });
    let bought = change(&buyer, "purchaseCourse", &buy, "payment { id status }");
    assert_eq!(bought["payment"]["status"], "COMPLETED");
    until("the student is enrolled", TIMEOUT, || {
        let data = buyer.data("{ me { enrollments { totalCount } } }", json!({}));
        (data["me"]["enrollments"]["totalCount"] == 1).then_some(())
    });
    // The money goes back, and the enrollment with it: somebody has paid for the course all the same.
    let refund = json!({ "paymentId": bought["payment"]["id"] });
    change(&system.sign_in(ADMIN), "refundPayment", &refund, "payment { id }");
    until("the enrollment is revoked", TIMEOUT, || {
        let data = buyer.data("{ me { enrollments { totalCount } } }", json!({}));
        (data["me"]["enrollments"]["totalCount"] == 0).then_some(())
    });

    let [unsold, sold] = [&unsold, &sold].map(|course| {
        let payload = change(&teacher, "deleteCourse", &json!({ "courseId": course }), "courseId");
        let still_there =
            system.anonymous().data("query ($id: ID!) { course(id: $id) { id } }", json!({ "id": course }));
        (payload["userErrors"].clone(), !still_there["course"].is_null())
    });

    assert_eq!(unsold, (json!([]), false));
    assert_eq!(sold, (user_error("COURSE_HAS_ENROLLMENTS", "courseId"), true));
}
