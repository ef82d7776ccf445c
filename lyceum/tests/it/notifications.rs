//! What people are told of purchases and refunds: in which order, and where it leads.

use std::{
    thread,
    time::{Duration, Instant},
};

use notification::notification::subject::Subject;
use serde_json::{Value, json};
use subgraph_testing::blocking::Client;
use uuid::Uuid;

use crate::{
    live::{Follower, TRANSPORTS, Writer},
    system::{ADMIN, PASSWORD, System, TEACHER},
};

const ADDED: &str = "subscription ($after: ID) { notificationAdded(after: $after) { id title subject {
    __typename
    ... on Payment { amount status course { title } }
    ... on Enrollment { enrolled: status payment { amount } course { title teacher { name } } }
    ... on Course { title }
} } }";

/// Somebody who has just signed up.
fn student(system: &System, name: &str) -> Client {
    let router = system.anonymous();
    let email = format!("{name}.is.told@lyceum.example");
    let document = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
    let answer = router.data(document, json!({ "input": { "email": email, "password": PASSWORD, "name": name } }));
    assert_eq!(answer["register"]["userErrors"], json!([]));
    router.sign_in(&email, PASSWORD)
}

fn publish(teacher: &Client, title: &str) -> Value {
    let document = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
    let input = json!({ "title": title, "isFree": false, "price": "49.90" });
    teacher.data(document, json!({ "input": input }))["createCourse"]["course"]["id"].clone()
}

fn buy(student: &Client, course: &Value) -> Value {
    let document = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) { payment { id } } }";
    let input = json!({ "courseId": course, "idempotencyKey": course });
    student.data(document, json!({ "input": input }))["purchaseCourse"]["payment"]["id"].clone()
}

fn refund(admin: &Client, payment: &Value) {
    let document = "mutation ($id: ID!) { refundPayment(input: { paymentId: $id }) { userErrors { code } } }";
    assert_eq!(admin.data(document, json!({ "id": payment }))["refundPayment"]["userErrors"], json!([]));
}

/// The viewer's notifications, oldest first, once there are this many.
fn told(viewer: &Client, count: usize, selection: &str) -> Vec<Value> {
    let document = format!("{{ me {{ notifications(first: 100) {{ nodes {{ {selection} }} }} }} }}");
    let start = Instant::now();
    loop {
        let data = viewer.data(&document, json!({}));
        let mut nodes = data["me"]["notifications"]["nodes"].as_array().expect("a list").clone();
        if nodes.len() >= count {
            nodes.reverse();
            return nodes;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "only {nodes:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn title(notification: &Value) -> &str {
    notification["title"].as_str().expect("a title")
}

fn added(follower: &mut Follower) -> Value {
    let told = follower.next();
    let added = &told["next"]["data"]["notificationAdded"];
    assert!(added.is_object() && told["next"]["errors"].is_null(), "{told}");
    added.clone()
}

fn follow(system: &System, transport: &str, viewer: &Client, after: &Value) -> Follower {
    let request = json!({ "query": ADDED, "variables": { "after": after } });
    Follower::send(&system.addresses.router, transport, viewer.token(), &request)
}

#[test]
fn thirty_purchases_are_told_in_the_order_in_which_they_happened() {
    let system = System::shared();
    let teacher = system.sign_in(TEACHER);
    let courses: Vec<_> = (0..10).map(|number| publish(&teacher, &format!("Course {number}"))).collect();
    let students = ["ann", "ben", "cleo"].map(|name| student(system, name));

    thread::scope(|scope| {
        for (student, transport) in students.iter().zip(["sse", "ws", "sse"]) {
            let courses = &courses;
            scope.spawn(move || {
                let welcome = told(student, 1, "id")[0]["id"].clone();
                let mut follower = follow(system, transport, student, &welcome);
                for course in courses {
                    buy(student, course);
                }

                let live: Vec<_> = (0..20).map(|_| added(&mut follower)).collect();
                let listed = told(student, 21, "id title");
                assert_eq!(
                    live.iter().map(|one| &one["id"]).collect::<Vec<_>>(),
                    listed[1..].iter().map(|one| &one["id"]).collect::<Vec<_>>()
                );
                for number in 0..10 {
                    let place = |what: &str| {
                        let title_of = format!("{what}: Course {number}");
                        live.iter()
                            .position(|one| title(one) == title_of)
                            .unwrap_or_else(|| panic!("{title_of}: {live:?}"))
                    };
                    assert!(place("Payment received") < place("You are enrolled"), "{number}: {live:?}");
                }
            });
        }
    });
}

#[test]
fn what_is_told_leads_to_what_it_is_about() {
    let system = System::shared();
    let (teacher, admin) = (system.sign_in(TEACHER), system.sign_in(ADMIN));
    let teacher_name = teacher.data("{ me { name } }", json!({}))["me"]["name"].clone();
    let course = publish(&teacher, "Leading");

    for transport in TRANSPORTS {
        let dora = student(system, &format!("dora.{transport}"));
        let welcome = told(&dora, 1, "id subject { __typename }")[0].clone();
        assert_eq!(welcome["subject"], Value::Null);
        let mut follower = follow(system, transport, &dora, &welcome["id"]);

        let payment = buy(&dora, &course);
        let [paid, enrolled] = [(); 2].map(|()| added(&mut follower));
        refund(&admin, &payment);
        let [refunded, cancelled] = [(); 2].map(|()| added(&mut follower));

        assert_eq!(
            paid["subject"],
            json!({ "__typename": "Payment", "amount": "49.90", "status": "COMPLETED", "course": { "title": "Leading" } })
        );
        assert_eq!(
            enrolled["subject"],
            json!({
                "__typename": "Enrollment", "enrolled": "ENROLLED", "payment": { "amount": "49.90" },
                "course": { "title": "Leading", "teacher": { "name": teacher_name } },
            })
        );
        assert_eq!(refunded["subject"]["status"], "REFUNDED");
        assert_eq!(cancelled["subject"], json!({ "__typename": "Course", "title": "Leading" }));
        // The enrollment is no more.
        let listed = told(&dora, 5, "title subject { __typename ... on Enrollment { id status } }");
        assert_eq!(title(&listed[2]), "You are enrolled: Leading");
        assert_eq!(listed[2]["subject"], Value::Null);
        assert_eq!(listed[1]["subject"], json!({ "__typename": "Payment" }));
    }
}

/// As nobody is ever told: of what is another one's.
#[test]
fn a_subject_shows_no_more_than_the_object_itself() {
    let system = System::shared();
    let (teacher, admin) = (system.sign_in(TEACHER), system.sign_in(ADMIN));
    let (erin, frank) = (student(system, "erin"), student(system, "frank"));
    let course = publish(&teacher, "Private");
    buy(&erin, &course);
    let erins = told(&erin, 3, "subject { ... on Payment { id } ... on Enrollment { id } }");
    let id = |value: &Value| value.as_str().and_then(|id| id.parse::<Uuid>().ok()).expect("an id");
    let payment = contracts::PaymentId(id(&erins[1]["subject"]["id"]));
    let enrollment = contracts::EnrollmentId(id(&erins[2]["subject"]["id"]));
    let franks = id(&frank.data("{ me { id } }", json!({}))["me"]["id"]);
    let welcome = told(&frank, 1, "id")[0]["id"].clone();

    let private = "subject { ... on Payment { amount } ... on Enrollment { status } ... on Course { title } }";
    let own = "query ($id: ID!) { notification(id: $id) { SUBJECT } }".replace("SUBJECT", private);
    let of_frank =
        format!("query ($id: ID!) {{ user(id: $id) {{ notifications(first: 1) {{ nodes {{ {private} }} }} }} }}");
    for (subject, shown_to_admin) in [
        (Subject::from(payment), json!({ "amount": "49.90" })),
        (Subject::from(enrollment), json!({ "status": "ENROLLED" })),
    ] {
        let told_wrongly = Writer::of(system).tell_of(franks, "not his", Some(subject));

        let by_id = frank.data(&own, json!({ "id": told_wrongly }));
        let listed = told(&frank, 2, private);
        let admins = admin.data(&of_frank, json!({ "id": franks }));

        assert_eq!(by_id["notification"], json!({ "subject": null }));
        assert_eq!(listed.last(), Some(&json!({ "subject": null })));
        assert_eq!(admins["user"]["notifications"]["nodes"], json!([{ "subject": shown_to_admin }]));
        for stranger in [&erin, &teacher] {
            let reply = stranger.send(&of_frank, json!({ "id": franks }));
            assert_eq!(reply.error(), Some("FORBIDDEN"));
            assert_eq!(stranger.data(&own, json!({ "id": told_wrongly }))["notification"], Value::Null);
        }
    }

    for transport in TRANSPORTS {
        let mut follower = follow(system, transport, &frank, &welcome);
        for _ in 0..2 {
            assert_eq!(added(&mut follower)["subject"], Value::Null, "{transport}");
        }
    }
}

#[test]
fn what_arrives_while_all_are_marked_stays_unread() {
    let system = System::shared();
    let gina = student(system, "gina");
    let me = gina.data("{ me { id } }", json!({}))["me"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let mut writer = Writer::of(system);
    told(&gina, 1, "id");
    let seen = writer.tell(me, "seen");
    writer.tell(me, "not seen yet");

    let document = "mutation ($upTo: ID) { markAllNotificationsRead(upTo: $upTo) { count userErrors { code field } } }";
    let marked = gina.data(document, json!({ "upTo": seen }));
    let foreign = system.sign_in(TEACHER).data(document, json!({ "upTo": seen }));

    assert_eq!(marked["markAllNotificationsRead"], json!({ "count": 2, "userErrors": [] }));
    assert_eq!(
        foreign["markAllNotificationsRead"],
        json!({ "count": 0, "userErrors": [{ "code": "NOT_FOUND", "field": ["upTo"] }] })
    );
    let unread =
        gina.data("{ me { unreadNotificationCount notifications(unreadOnly: true) { nodes { title } } } }", json!({}));
    assert_eq!(
        unread["me"],
        json!({ "unreadNotificationCount": 1, "notifications": { "nodes": [{ "title": "not seen yet" }] } })
    );
}
