//! What fails costs its own place of the answer, and nothing beside it: each database, each subgraph and each count is
//! taken away in turn, and one operation asks for something of all of them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, query_as};
use subgraph_testing::blocking::Client;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    select,
    sync::watch,
};
use uuid::Uuid;

use crate::system::{ADMIN, Addresses, LoneRouter, System, TEACHER};

/// How soon all is well again.
const RECOVER_WITHIN: Duration = Duration::from_secs(30);

/// Fetches that follow each other wait two seconds each for a count.
const SLOWEST: Duration = Duration::from_secs(9);

/// Something of every subgraph, each beside others', above and below them. An admin may see all of it.
const READ: &str = "query ($user: ID!, $teacher: ID!, $course: ID!, $enrollment: ID!, $payment: ID!) {
    user(id: $user) {
        name email unreadNotificationCount
        enrollments(first: 2) {
            totalCount
            nodes { id status course { title enrollmentCount teacher { name } } payment { amount } student { name } }
        }
        payments(first: 2) { totalCount nodes { amount course { title } enrollment { status } } }
        notifications(first: 2) { totalCount nodes { title user { name } } }
    }
    teacher: user(id: $teacher) { name courses(first: 2) { totalCount nodes { title enrollmentCount } } }
    courses(first: 2) {
        totalCount
        nodes { title enrollmentCount teacher { name } enrollments(first: 1) { totalCount nodes { status } } }
    }
    course(id: $course) { title enrollmentCount teacher { name } }
    enrollment(id: $enrollment) { status student { name } course { title } payment { amount } }
    payment(id: $payment) { amount student { name } course { title } enrollment { status } }
    enrollments(first: 1) { totalCount nodes { status } }
    payments(first: 1) { totalCount nodes { amount } }
    unverifiedTeachers(first: 1) { totalCount nodes { name } }
}";

/// What goes with a subgraph or its database. `*` is every item of a list.
fn places(name: &str) -> &'static [&'static str] {
    match name {
        "identity" => &[
            "/user",
            "/teacher",
            "/courses/nodes/*/teacher",
            "/course/teacher",
            "/enrollment/student",
            "/payment/student",
            "/unverifiedTeachers",
        ],
        "course" => &[
            "/user/enrollments/nodes/*/course",
            "/user/payments/nodes/*/course",
            "/teacher/courses",
            "/courses",
            "/course",
            "/enrollment/course",
            "/payment/course",
        ],
        "enrollment" => &[
            "/user/enrollments",
            "/user/payments/nodes/*/enrollment",
            "/teacher/courses/nodes/*/enrollmentCount",
            "/courses/nodes/*/enrollmentCount",
            "/courses/nodes/*/enrollments",
            "/course/enrollmentCount",
            "/enrollment",
            "/payment/enrollment",
            "/enrollments",
        ],
        "payment" => {
            &["/user/enrollments/nodes/*/payment", "/user/payments", "/enrollment/payment", "/payment", "/payments"]
        }
        "notification" => &["/user/notifications", "/user/unreadNotificationCount"],
        other => panic!("there is no {other}"),
    }
}

/// What goes with the counts of a database.
fn counts(name: &str) -> &'static [&'static str] {
    match name {
        "identity" => &["/unverifiedTeachers/totalCount"],
        "course" => &["/teacher/courses/totalCount", "/courses/totalCount"],
        "enrollment" => &[
            "/user/enrollments/totalCount",
            "/user/enrollments/nodes/*/course/enrollmentCount",
            "/teacher/courses/nodes/*/enrollmentCount",
            "/courses/nodes/*/enrollmentCount",
            "/courses/nodes/*/enrollments/totalCount",
            "/course/enrollmentCount",
            "/enrollments/totalCount",
        ],
        "payment" => &["/user/payments/totalCount", "/payments/totalCount"],
        "notification" => &["/user/notifications/totalCount", "/user/unreadNotificationCount"],
        other => panic!("there is no {other}"),
    }
}

#[test]
fn what_is_taken_away_costs_its_own_place() {
    let runtime = Runtime::new().expect("a runtime");
    let data = System::start(&["--temporary"]);
    let databases = links(&runtime, &data.addresses.databases);
    let system = System::start(&over(&data.addresses, &databases));
    let subgraphs = links(&runtime, &system.addresses.subgraphs);
    let router = LoneRouter::before(&through(&system.addresses, &subgraphs));
    let guest = Guest::arrive(&runtime, &system, &data);
    let (by_call, apart) = (guest.at(&system.anonymous()), guest.at(&router.visitor()));
    let healthy = by_call.read();
    assert_eq!(healthy.get("errors"), None, "{healthy}");
    assert_eq!(apart.read(), healthy);

    for (name, database) in &databases {
        database.set(false);
        by_call.expect(&format!("{name}'s database"), &healthy, places(name), "SERVICE_UNAVAILABLE");
        by_call.expect_mutations(&format!("{name}'s database"), name);
        database.set(true);
        by_call.recover(&healthy);

        subgraphs[name].set(false);
        apart.expect(&format!("{name} itself"), &healthy, places(name), "SERVICE_UNAVAILABLE");
        apart.expect_mutations(&format!("{name} itself"), name);
        subgraphs[name].set(true);
        apart.recover(&healthy);

        for (what, step, code) in [
            ("a count that fails", "select 1 / 0::bigint", "INTERNAL_SERVER_ERROR"),
            ("a count that takes too long", "select 0::bigint from pg_sleep(30)", "SERVICE_UNAVAILABLE"),
        ] {
            runtime.block_on(replace_count(&data.addresses.databases[name], Some(step)));
            let begun = Instant::now();
            by_call.expect(&format!("{what} of {name}"), &healthy, counts(name), code);
            assert!(begun.elapsed() < SLOWEST, "{what} of {name} took {:.1?}", begun.elapsed());
            runtime.block_on(replace_count(&data.addresses.databases[name], None));
            by_call.recover(&healthy);
        }
    }
}

/// A link to each of these, by subgraph.
fn links(runtime: &Runtime, urls: &BTreeMap<String, String>) -> BTreeMap<String, Link> {
    urls.iter().map(|(name, url)| (name.clone(), Link::start(runtime, port_of(url)))).collect()
}

/// Arguments for a system whose databases are at the end of these links.
fn over(data: &Addresses, links: &BTreeMap<String, Link>) -> Vec<&'static str> {
    let urls = links.iter().flat_map(|(name, link)| {
        let url = &data.databases[name];
        let url = url.replace(&port_of(url).to_string(), &link.port.to_string());
        // They live as long as the test, which is the process.
        [format!("--{name}-database-url"), url].map(|text| &*Box::leak(text.into_boxed_str()))
    });
    ["--temporary", "--empty"].into_iter().chain(urls).collect()
}

/// The same system, with its subgraphs at the end of these links.
fn through(system: &Addresses, links: &BTreeMap<String, Link>) -> Addresses {
    let subgraphs = links.iter().map(|(name, link)| (name.clone(), format!("http://127.0.0.1:{}/graphql", link.port)));
    Addresses { subgraphs: subgraphs.collect(), ..system.clone() }
}

fn port_of(url: &str) -> u16 {
    let (_, host) = url.rsplit_once('@').or_else(|| url.split_once("//")).expect("an address");
    let (_, port) = host.split('/').next().and_then(|host| host.split_once(':')).expect("a port");
    port.parse().expect("a number")
}

/// Passes everything on to a port, as long as it is up.
struct Link {
    port: u16,
    is_up: watch::Sender<bool>,
}

impl Link {
    fn start(runtime: &Runtime, target: u16) -> Self {
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (is_up, seen) = watch::channel(true);
        runtime.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut seen = seen.clone();
                tokio::spawn(async move {
                    if !*seen.borrow_and_update() {
                        return;
                    }
                    let target = SocketAddr::from(([127, 0, 0, 1], target));
                    let Ok(mut server) = TcpStream::connect(target).await else { return };
                    select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = seen.wait_for(|is_up| !is_up) => {}
                    }
                });
            }
        });
        Self { port, is_up }
    }

    fn set(&self, is_up: bool) {
        self.is_up.send_replace(is_up);
    }
}

/// Puts a count of another make before PostgreSQL's own, for connections that are made from now on, and ends those that
/// there are.
async fn replace_count(url: &str, step: Option<&str>) {
    let mut db = PgConnection::connect(url).await.expect("the database answers");
    let name: String = sqlx::query_scalar("select current_database()").fetch_one(&mut db).await.expect("a name");
    let change = match step {
        Some(step) => format!(
            "create schema other;
             create function other.step(bigint) returns bigint language sql volatile as '{step}';
             create aggregate other.count(*) (sfunc = other.step, stype = bigint, initcond = '0');
             alter database {name} set search_path = other, pg_catalog, public"
        ),
        None => format!("drop schema other cascade; alter database {name} reset search_path"),
    };
    db.execute(sqlx::AssertSqlSafe(change)).await.expect("the count changes");
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";
    db.execute(end).await.expect("the others end");
}

/// Where there is nothing, nothing is counted, and a count cannot fail.
async fn leave_nothing_empty(data: &System, courses: &[Uuid], user: Uuid) {
    let enroll =
        "insert into enrollments (student_id, course_id) select gen_random_uuid(), id from unnest($1::uuid[]) as id";
    let tell = "insert into notifications (user_id, type, title) values ($1, 'payment', 'Paid')";
    let mut db = PgConnection::connect(&data.addresses.databases["enrollment"]).await.expect("it answers");
    sqlx::query(enroll).bind(courses).execute(&mut db).await.expect("somebody is enrolled");
    let mut db = PgConnection::connect(&data.addresses.databases["notification"]).await.expect("it answers");
    sqlx::query(tell).bind(user).execute(&mut db).await.expect("the student is told");
}

/// An admin and a teacher, and what there is of a student.
struct Guest {
    admin: Client,
    teacher: Client,
    ids: Value,
}

impl Guest {
    fn arrive(runtime: &Runtime, system: &System, data: &System) -> Self {
        let row = runtime.block_on(async {
            let mut db = PgConnection::connect(&data.addresses.databases["enrollment"]).await.expect("it answers");
            let paid =
                "select id, student_id, course_id, payment_id from enrollments where payment_id is not null limit 1";
            query_as::<_, (Uuid, Uuid, Uuid, Uuid)>(paid).fetch_one(&mut db).await.expect("an enrollment")
        });
        let (enrollment, user, course, payment) = row;
        let (admin, teacher) = (system.sign_in(ADMIN), system.sign_in(TEACHER));
        let listed = "{ me { id courses(first: 2) { nodes { id } } } courses(first: 2) { nodes { id } } }";
        let listed = teacher.data(listed, json!({}));
        let id = listed["me"]["id"].clone();
        let lists = [&listed["courses"]["nodes"], &listed["me"]["courses"]["nodes"]];
        let courses = lists.into_iter().flat_map(|list| list.as_array().expect("courses"));
        let courses: Vec<_> = courses.filter_map(|course| course["id"].as_str()?.parse().ok()).collect();
        runtime.block_on(leave_nothing_empty(data, &courses, user));
        let ids =
            json!({ "user": user, "teacher": id, "course": course, "enrollment": enrollment, "payment": payment });
        Self { admin, teacher, ids }
    }

    /// The same people, at another router of the same system.
    fn at(&self, router: &Client) -> Self {
        let token = |client: &Client| client.token().expect("a token").to_owned();
        let [admin, teacher] = [&self.admin, &self.teacher].map(|client| router.with_token(&token(client)));
        Self { admin, teacher, ids: self.ids.clone() }
    }

    fn read(&self) -> Value {
        self.admin.send(READ, self.ids.clone()).json
    }

    /// All is there but these places, and each error is of one of them and says why.
    fn expect(&self, away: &str, healthy: &Value, places: &[&str], code: &str) {
        // Connections of before are found dead by whoever uses them first.
        let answer = self.read();
        let (mut expected, mut gone) = (healthy["data"].clone(), Vec::new());
        for place in places {
            let segments: Vec<&str> = place.split('/').skip(1).collect();
            take_away(&mut expected, &segments, &mut Vec::new(), &mut gone);
        }
        assert!(!gone.is_empty(), "{away}: nothing was taken away");
        assert_eq!(answer["data"], expected, "{away}: {:#}", answer["errors"]);

        let errors = answer["errors"].as_array().expect("errors");
        for error in errors {
            assert_eq!(error["extensions"]["code"], code, "{away}: {error}");
            let is_here = error["path"].as_array().is_some_and(|path| gone.iter().any(|gone| path.starts_with(gone)));
            let is_of_fetch = gone.iter().any(|gone| is_of_a_whole_fetch(error, gone));
            assert!(is_here || is_of_fetch, "{away}: an error elsewhere: {error}");
        }
        for place in gone {
            let is_of = |error: &Value| error["path"].as_array().is_some_and(|path| path.starts_with(&place));
            let is_explained = errors.iter().any(|error| is_of(error) || is_of_a_whole_fetch(error, &place));
            assert!(is_explained, "{away}: {place:?} is null, and no error says why: {errors:?}");
        }
    }

    /// A mutation that fails leaves its neighbours their payloads: each of them looks for something that is not there.
    fn expect_mutations(&self, away: &str, name: &str) {
        let unknown = Uuid::now_v7();
        let identity =
            "identity: login(input: { email: \"nobody@example.com\", password: \"none\" }) { userErrors { code } }";
        let course = format!("course: updateCourse(input: {{ courseId: \"{unknown}\" }}) {{ userErrors {{ code }} }}");
        let enrollment = format!(
            "enrollment: setEnrollmentStatus(input: {{ enrollmentId: \"{unknown}\", status: COMPLETED }}) {{ userErrors {{ code }} }}"
        );
        let payment =
            format!("payment: republishPayment(input: {{ paymentId: \"{unknown}\" }}) {{ userErrors {{ code }} }}");
        let notification = "notification: markAllNotificationsRead { userErrors { code } }";

        for (who, fields) in [
            (&self.admin, [identity, &payment, notification, &enrollment]),
            (&self.teacher, [notification, &course, identity, &enrollment]),
        ] {
            let answer = who.send(&format!("mutation {{ {} }}", fields.join(" ")), json!({}));
            let payloads = answer["data"].as_object().unwrap_or_else(|| panic!("{away}: {answer}"));
            for (field, payload) in payloads {
                assert_eq!(payload.is_null(), field == name, "{away}: {field}: {answer}");
            }
            for error in answer["errors"].as_array().into_iter().flatten() {
                assert_eq!(error["extensions"]["code"], "SERVICE_UNAVAILABLE", "{away}: {error}");
                assert!(is_of_a_whole_fetch(error, &[json!(name)]), "{away}: {error}");
            }
        }
    }

    fn recover(&self, healthy: &Value) {
        let begun = Instant::now();
        loop {
            let answer = self.read();
            if answer == *healthy {
                return;
            }
            assert!(begun.elapsed() < RECOVER_WITHIN, "not well again: {answer}");
            sleep(Duration::from_millis(100));
        }
    }
}

/// Where a fetch fails as a whole, an error has no path, or that of the list that the fetch was for.
fn is_of_a_whole_fetch(error: &Value, place: &[Value]) -> bool {
    error["path"].as_array().is_none_or(|path| place.starts_with(path))
}

/// Makes null what is at a place, and says where that is.
fn take_away(value: &mut Value, place: &[&str], path: &mut Vec<Value>, gone: &mut Vec<Vec<Value>>) {
    match (place, value) {
        ([], value) => {
            if !value.is_null() {
                gone.push(path.clone());
            }
            *value = Value::Null;
        }
        (["*", rest @ ..], Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(json!(index));
                take_away(item, rest, path, gone);
                path.pop();
            }
        }
        ([name, rest @ ..], Value::Object(fields)) => {
            path.push(json!(name));
            take_away(fields.get_mut(*name).expect("a field"), rest, path, gone);
            path.pop();
        }
        _ => {}
    }
}
