//! Tests of the seed on real databases: its own for each test, on the server of `DATABASE_URL`.

use std::path::{Path, PathBuf};

use futures::{FutureExt as _, TryStreamExt as _};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _};
use uuid::Uuid;

use super::*;

const SMALL: Options = Options { scale: 0.001, seed: 7 };

async fn seed(databases: &SeedDatabases, options: Options) -> anyhow::Result<Summary> {
    run(databases, &options, &Progress::Lines).await
}

#[tokio::test]
async fn the_counts_and_proportions_are_the_platforms() {
    with_databases(async |databases| {
        let summary = seed(&databases, Options { scale: 0.01, seed: 7 }).await.expect("seeds");

        let rows: Vec<_> = summary.tables.iter().map(|table| (table.table, table.rows)).collect();
        assert_eq!(
            rows,
            [("users", 500), ("courses", 1004), ("enrollments", 2000), ("payments", 500), ("notifications", 3000)]
        );
        let SeedDatabases { identity, course, enrollment, payment, notification } = &databases;
        assert_eq!(count(identity, "users where role = 'student' and not is_verified").await, 400);
        assert_eq!(count(identity, "users where role = 'teacher' and is_verified").await, 70);
        assert_eq!(count(identity, "users where role = 'teacher' and not is_verified").await, 30);
        assert_eq!(count(identity, "users where email = lower(email)").await, 500);
        assert_eq!(count(course, "courses where state = 'published' and is_free and price is null").await, 500);
        assert_eq!(count(course, "courses where state = 'published' and not is_free and price > 0").await, 500);
        assert_eq!(count(course, "courses where state = 'draft' and is_free and price is null").await, 3);
        assert_eq!(count(course, "courses where state = 'withdrawn' and not withdrawn_by_admin").await, 1);
        assert_eq!(
            count(course, "courses where duration_minutes > 0 and title <> '' and description <> ''").await,
            1004
        );
        assert_eq!(count(enrollment, "enrollments").await, 2000);
        assert_eq!(count(enrollment, "enrollments where payment_id is not null").await, 500);
        assert_eq!(count(payment, "payments where status = 'completed'").await, 500);
        assert_eq!(count(notification, "notifications where type = 'registration'").await, 500);
        assert_eq!(count(notification, "notifications where type = 'enrollment'").await, 2000);
        assert_eq!(count(notification, "notifications where type = 'payment'").await, 500);
        let unread = count(notification, "notifications where not is_read").await;
        assert!((300..2000).contains(&unread), "{unread} are unread");
    })
    .await;
}

#[tokio::test]
async fn what_refers_to_another_database_is_there_and_older() {
    with_databases(async |databases| {
        seed(&databases, Options { scale: 0.01, seed: 7 }).await.expect("seeds");

        let db = gathered(&databases).await;
        let free = "enrollments e join courses c on c.id = e.course_id where c.is_free and e.payment_id is null";
        assert_eq!(count(&db, free).await, 1200);
        for contradiction in [
            "courses c left join users u on u.id = c.teacher_id
             where u.role is distinct from 'teacher' or not u.is_verified or c.created_at <= u.created_at",
            "enrollments e left join users u on u.id = e.student_id
             where u.role is distinct from 'student' or e.enrolled_at <= u.created_at",
            "enrollments e left join courses c on c.id = e.course_id
             where c.id is null or e.enrolled_at <= c.created_at",
            "enrollments e left join payments p on p.id = e.payment_id
             where e.payment_id is not null
               and (p.id is null or p.student_id <> e.student_id or p.course_id <> e.course_id
                    or p.created_at >= e.enrolled_at or p.created_at < e.enrolled_at - interval '1 minute')",
            "payments p left join enrollments e on e.payment_id = p.id where e.id is null",
            "payments p left join courses c on c.id = p.course_id where c.is_free or p.amount is distinct from c.price",
            "notifications n left join users u on u.id = n.user_id where u.id is null or n.created_at <= u.created_at",
            "(select user_id, count(*) from notifications where type = 'enrollment' group by 1) n
             full join (select student_id, count(*) from enrollments group by 1) e on e.student_id = n.user_id
             where n.count is distinct from e.count",
            "(select user_id, count(*) from notifications where type = 'payment' group by 1) n
             full join (select student_id, count(*) from payments group by 1) p on p.student_id = n.user_id
             where n.count is distinct from p.count",
            "notifications n where type <> 'registration'
               and not exists (select from courses c where right(n.title, length(c.title)) = c.title
                                                       and strpos(n.body, c.title) > 0)",
        ] {
            assert_eq!(count(&db, contradiction).await, 0, "{contradiction}");
        }
    })
    .await;
}

#[tokio::test]
async fn every_id_carries_the_time_of_its_row() {
    with_databases(async |databases| {
        seed(&databases, SMALL).await.expect("seeds");

        for (pool, time) in [
            (&databases.identity, "created_at from users"),
            (&databases.course, "created_at from courses"),
            (&databases.enrollment, "enrolled_at from enrollments"),
            (&databases.payment, "created_at from payments"),
            (&databases.notification, "created_at from notifications"),
        ] {
            let statement = AssertSqlSafe(format!(
                "select id, (extract(epoch from created) * 1000000)::bigint
                                                   from (select id, {time}) as t (id, created)"
            ));
            let rows: Vec<(Uuid, i64)> = sqlx::query_as(statement).fetch_all(pool).await.expect("rows");
            for (id, microseconds) in rows {
                let (seconds, nanoseconds) = id.get_timestamp().expect("is a UUIDv7").to_unix();
                assert_eq!(id.get_version_num(), 7);
                assert_eq!(
                    u128::from(seconds) * 1_000_000 + u128::from(nanoseconds) / 1000,
                    u128::try_from(microseconds).expect("after 1970")
                );
                assert!(((timeline::START * 1000)..(timeline::END * 1000)).contains(&microseconds));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_sample_people_have_something_to_show() {
    with_databases(async |databases| {
        seed(&databases, SMALL).await.expect("seeds");

        let SeedDatabases { identity, course, enrollment, payment, notification } = &databases;
        let user = async |email: &str| -> (Uuid, bool) {
            let found = sqlx::query_as("select id, is_verified from users where email = $1").bind(email);
            found.fetch_one(identity).await.expect("is there")
        };
        let (student, _) = user(SAMPLE_STUDENT).await;
        assert!(count(enrollment, &format!("enrollments where student_id = '{student}'")).await >= 25);
        assert!(count(payment, &format!("payments where student_id = '{student}'")).await >= 5);
        assert!(count(notification, &format!("notifications where user_id = '{student}'")).await >= 15);
        assert!(count(notification, &format!("notifications where user_id = '{student}' and not is_read")).await >= 5);

        let completed = "payments p where status = 'completed'";
        let bought =
            "payment_redemptions u join enrollments e on e.id = u.enrollment_id and e.payment_id = u.payment_id
                    where state = 'enrolled'";
        assert_eq!(count(enrollment, bought).await, count(payment, completed).await);

        let (teacher, is_verified) = user(SAMPLE_TEACHER).await;
        assert!(is_verified);
        let courses: Vec<Uuid> = sqlx::query_scalar("select id from courses where teacher_id = $1")
            .bind(teacher)
            .fetch_all(course)
            .await
            .expect("courses");
        assert!(courses.len() >= 5);
        let states: Vec<String> =
            sqlx::query_scalar("select state::text from courses where teacher_id = $1 order by id")
                .bind(teacher)
                .fetch_all(course)
                .await
                .expect("states");
        assert_eq!([states.first(), states.last()].map(|state| state.map(String::as_str)), [Some("published"); 2]);
        assert_eq!(states.iter().filter(|state| *state == "draft").count(), 3);
        assert_eq!(states.iter().filter(|state| *state == "withdrawn").count(), 1);
        assert_eq!(count(course, "courses where state <> 'published'").await, 4, "nobody else has others");
        let attended: i64 =
            sqlx::query_scalar("select count(distinct course_id) from enrollments where course_id = any($1)")
                .bind(courses)
                .fetch_one(enrollment)
                .await
                .expect("counts");
        assert!(attended >= 5);

        let (_, is_verified) = user(UNVERIFIED_TEACHER).await;
        assert!(!is_verified);
    })
    .await;
}

#[tokio::test]
async fn everyone_signs_in_with_the_known_password() {
    with_databases(async |databases| {
        seed(&databases, SMALL).await.expect("seeds");

        let hashes: Vec<String> = sqlx::query_scalar("select distinct password_hash from users")
            .fetch_all(&databases.identity)
            .await
            .expect("hashes");
        let [hash] = &hashes[..] else { panic!("{} hashes", hashes.len()) };
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let hash = argon2::PasswordHash::new(hash).expect("is a hash");
        argon2::PasswordVerifier::verify_password(&argon2::Argon2::default(), PASSWORD.as_bytes(), &hash)
            .expect("is the password");
    })
    .await;
}

#[tokio::test]
async fn the_same_seed_number_gives_the_same_rows_and_another_gives_others() {
    let first = rows_of(SMALL).await;
    let again = rows_of(SMALL).await;
    let other = rows_of(Options { seed: 8, ..SMALL }).await;

    assert_eq!(first, again);
    for (one, other) in first.iter().zip(&other) {
        assert_ne!(one, other);
    }
}

#[test]
fn a_seed_number_means_the_same_rows_for_ever() {
    let plan = Plan::generate(SMALL.scale, SMALL.seed).expect("is generated");

    // Changing any of these changes everyone's sample data: do it on purpose only.
    assert_eq!(
        [
            plan.user_ids()[0],
            plan.course_ids()[0],
            plan.enrollment_ids()[0],
            plan.payment_ids()[0],
            plan.notification_ids()[0]
        ]
        .map(|id| id.to_string()),
        [
            "01943854-cbda-7426-bf8b-60f15294d12a",
            "01951444-cbfc-719e-bb21-d0acc52dc3b8",
            "01959c29-dd7b-7bcb-96c2-efc050fd855b",
            "01985920-04ae-78c2-a398-52d1ae206921",
            "01943854-cdd5-7932-8204-8ae3102da8a6",
        ]
    );
    assert_eq!(plan.courses[0].title(), "Film Editing by Example in Six Weeks");
}

#[tokio::test]
async fn a_second_run_finds_everything_there_even_when_people_have_used_the_system() {
    with_databases(async |databases| {
        assert!(is_wanted(&databases, &SMALL).await.expect("looks"));
        let first = seed(&databases, SMALL).await.expect("seeds");
        databases
            .identity
            .execute("insert into users (id, email, password_hash, name) values ('019d0000-0000-7000-8000-000000000000', 'new@lyceum.example', '-', 'New')")
            .await
            .expect("registers");
        databases.notification.execute("update notifications set is_read = true").await.expect("reads");

        let second = seed(&databases, SMALL).await.expect("has nothing to do");

        assert!(!first.was_already_seeded());
        assert!(second.was_already_seeded());
        assert!(!is_wanted(&databases, &SMALL).await.expect("looks"));
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_run_is_completed_by_the_next() {
    with_databases(async |databases| {
        seed(&databases, SMALL).await.expect("seeds");
        databases.payment.execute("truncate payments cascade").await.expect("empties");
        assert!(is_wanted(&databases, &SMALL).await.expect("looks"));
        assert!(!is_wanted(&databases, &Options { seed: 8, ..SMALL }).await.expect("looks"));

        let second = seed(&databases, SMALL).await.expect("completes");

        let new: Vec<_> = second.tables.iter().filter(|table| table.is_new).map(|table| table.table).collect();
        assert_eq!(new, ["payments"]);
        assert_eq!(count(&databases.payment, "payments").await, 50);
    })
    .await;
}

#[tokio::test]
async fn a_writer_that_fails_leaves_its_table_empty() {
    with_databases(async |databases| {
        databases
            .payment
            .execute("alter table payments add constraint too_dear check (amount < 20)")
            .await
            .expect("alters");

        let error = seed(&databases, SMALL).await.expect_err("a price is too high");

        assert!(format!("{error:#}").contains("too_dear"), "{error:#}");
        assert_eq!(count(&databases.payment, "payments").await, 0);
        databases.payment.execute("alter table payments drop constraint too_dear").await.expect("alters");
        seed(&databases, SMALL).await.expect("completes");
    })
    .await;
}

#[tokio::test]
async fn two_runs_at_once_write_one_data_set() {
    with_databases(async |databases| {
        let (one, other) = tokio::join!(Box::pin(seed(&databases, SMALL)), Box::pin(seed(&databases, SMALL)));

        let (one, other) = (one.expect("seeds"), other.expect("seeds"));
        for (one, other) in one.tables.iter().zip(&other.tables) {
            assert!(one.is_new != other.is_new, "{} was written by one of them", one.table);
        }
        assert_eq!(count(&databases.enrollment, "enrollments").await, 200);
    })
    .await;
}

#[tokio::test]
async fn other_data_is_refused_by_name_before_anything_is_written() {
    with_databases(async |databases| {
        databases
            .notification
            .execute("insert into notifications (user_id, type, title) values (gen_random_uuid(), 'payment', 'Old')")
            .await
            .expect("inserts");

        let refusal = seed(&databases, SMALL).await.expect_err("holds other data").to_string();

        assert!(
            refusal.contains("the table notifications of the database notification holds other data: 1 rows"),
            "{refusal}"
        );
        assert!(!is_wanted(&databases, &SMALL).await.expect("looks"));
        assert_eq!(count(&databases.identity, "users").await, 0);
        assert_eq!(count(&databases.notification, "notifications").await, 1);
    })
    .await;
}

#[tokio::test]
async fn another_scale_over_a_seed_is_refused() {
    with_databases(async |databases| {
        seed(&databases, SMALL).await.expect("seeds");

        let refusal = seed(&databases, Options { scale: 0.002, ..SMALL }).await.expect_err("is another data set");

        assert!(refusal.to_string().contains("--scale 0.002 --seed 7"), "{refusal}");
        assert_eq!(count(&databases.identity, "users").await, 50);
    })
    .await;
}

#[test]
fn a_scale_is_a_number_within_bounds() {
    assert_eq!(parse_scale("0.001"), Ok(0.001));
    for wrong in ["0", "-1", "0.0001", "21", "NaN", "inf", "much", ""] {
        assert!(parse_scale(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn titles_and_names_are_varied_and_fit_their_columns() {
    let plan = Plan::generate(0.05, 7).expect("is generated");

    let titles: std::collections::HashSet<String> = plan.courses.iter().map(course::Course::title).collect();
    assert!(titles.len() > plan.courses.len() * 3 / 4, "{} titles", titles.len());
    assert!(titles.iter().all(|title| title.chars().count() < 200));
    let names: std::collections::HashSet<String> = plan.users.iter().map(identity::User::name).collect();
    assert!(names.len() > plan.users.len() / 2, "{} names", names.len());
}

/// Runs a test with migrated, empty databases, and drops them whatever its result.
async fn with_databases<F: AsyncFnOnce(SeedDatabases)>(test: F) {
    let url =
        std::env::var("DATABASE_URL").expect("DATABASE_URL of a PostgreSQL superuser; `cargo xtask test` sets it");
    let server: PgConnectOptions = url.parse().expect("DATABASE_URL is a URL");
    let admin = PgPoolOptions::new().max_connections(1).connect_with(server.clone()).await.expect("PostgreSQL answers");
    let suffix = Uuid::now_v7().simple();
    let name = |database: &str| format!("seed_test_{database}_{suffix}");

    let open = async |database: &str| {
        admin.execute(AssertSqlSafe(format!("create database {}", name(database)))).await.expect("creates");
        let pool = DbPool::new(server.clone().database(&name(database)), 4, Duration::from_secs(30));
        migrate(&pool, database).await;
        pool
    };
    let databases = SeedDatabases {
        identity: open("identity").await,
        course: open("course").await,
        enrollment: open("enrollment").await,
        payment: open("payment").await,
        notification: open("notification").await,
    };

    let outcome = std::panic::AssertUnwindSafe(test(databases.clone())).catch_unwind().await;

    for (pool, table) in databases.tables() {
        pool.close().await;
        let statement = format!("drop database {} with (force)", name(table.database));
        admin.execute(AssertSqlSafe(statement)).await.expect("drops");
    }
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn migrate(pool: &DbPool, database: &str) {
    Migrator::new(migrations(database))
        .await
        .expect("migrations")
        .run(&mut pool.connect().await.expect("connects"))
        .await
        .expect("migrates");
}

fn migrations(database: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(database)
}

async fn count(pool: &DbPool, from: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {from}"))).fetch_one(pool).await.expect(from)
}

/// All rows of all tables, as `PostgreSQL` prints them, in the order in which they are stored.
async fn rows_of(options: Options) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    with_databases(async |databases| {
        seed(&databases, options).await.expect("seeds");
        for (pool, table) in databases.tables() {
            let statement = AssertSqlSafe(format!("select t::text from {} t", table.name));
            all.push(sqlx::query_scalar(statement).fetch_all(pool).await.expect("rows"));
        }
    })
    .await;
    all
}

/// Copies all tables to one database (identity's), to be joined.
async fn gathered(databases: &SeedDatabases) -> DbPool {
    let gathered = &databases.identity;
    for (pool, table) in databases.tables().into_iter().skip(1) {
        let Table { database, name, .. } = table;
        let file = migrations(database).join(format!("001_{name}.sql"));
        let definition = std::fs::read_to_string(file).expect("is the specification's name");
        gathered.execute(AssertSqlSafe(definition)).await.expect("creates");

        // Later files add others.
        let columns: String = sqlx::query_scalar(
            "select string_agg(attname, ', ') from pg_attribute where attrelid = $1::regclass and attnum > 0",
        )
        .bind(name)
        .fetch_one(gathered)
        .await
        .expect("the columns");
        let mut from = pool.connect().await.expect("connects");
        let mut rows = from.copy_out_raw(&format!("copy {name} ({columns}) to stdout")).await.expect("copies");
        let statement = format!("copy {name} ({columns}) from stdin");
        let mut to = gathered.connect().await.expect("connects");
        let mut copy = to.copy_in_raw(&statement).await.expect("copies");
        while let Some(chunk) = rows.try_next().await.expect("reads") {
            copy.send(chunk).await.expect("sends");
        }
        copy.finish().await.expect("finishes");
    }
    gathered.clone()
}
