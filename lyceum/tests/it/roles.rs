//! What subgraphs may do in their databases.

use std::process::Output;

use sqlx::{Connection as _, PgConnection, query_as, query_scalar, raw_sql};
use tokio::runtime::Runtime;

use crate::system::{System, lyceum};

const SESSIONS: &str = "select distinct usename::text from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()";

const PRIVILEGES: &str = "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls,
        (select count(*) from pg_shdepend where refobjid = pg_roles.oid and deptype = 'o'),
        has_schema_privilege(rolname, 'public', 'create')
    from pg_roles where rolname = 'lyceum_app'";

#[test]
fn the_subgraphs_of_a_system_own_nothing() {
    let runtime = Runtime::new().expect("a runtime");
    let system = System::start(&["--temporary"]);

    for (name, url) in &system.addresses.databases {
        runtime.block_on(async {
            let mut db = PgConnection::connect(url).await.expect("the owner is let in");
            let sessions: Vec<String> = query_scalar(SESSIONS).fetch_all(&mut db).await.expect("who is there");
            let privileges: (bool, i64, bool) = query_as(PRIVILEGES).fetch_one(&mut db).await.expect("the role");

            assert_eq!(sessions, ["lyceum_app"], "{name}");
            assert_eq!(privileges, (false, 0, false), "{name}");
        });
    }
}

/// `lyceum migrate course`.
fn migrate(addresses: &[(&str, &str)]) -> Output {
    lyceum().args(["migrate", "course"]).envs(addresses.iter().copied()).output().expect("`lyceum migrate` runs")
}

#[test]
fn the_owner_migrates_and_the_subgraphs_role_is_made() {
    let runtime = Runtime::new().expect("a runtime");
    let owner = &System::shared().addresses.databases["course"];
    let statements = "create database shared_out; create role shared_out_owner login createrole password 'owner';
        alter database shared_out owner to shared_out_owner";
    runtime.block_on(async {
        let mut db = PgConnection::connect(owner).await.expect("the owner is let in");
        for statement in statements.split(';') {
            raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut db).await.expect("a database");
        }
    });
    let (_, server) = owner.rsplit_once('@').expect("an address");
    let server = server.strip_suffix("/course").expect("an address");
    let owner = format!("postgres://shared_out_owner:owner@{server}/shared_out");
    let app = format!("postgres://shared_out_app:app@{server}/shared_out");

    let made = migrate(&[("COURSE_DATABASE_OWNER_URL", &owner), ("COURSE_DATABASE_URL", &app)]);
    assert!(made.status.success(), "{made:?}");
    let again = migrate(&[("COURSE_DATABASE_URL", &app)]);
    assert!(again.status.success(), "{again:?}");

    runtime.block_on(async {
        let mut db = PgConnection::connect(&owner).await.expect("the owner is let in");
        raw_sql("delete from _sqlx_migrations where version = 1").execute(&mut db).await.expect("one is missing");
    });
    let behind = migrate(&[("COURSE_DATABASE_URL", &app)]);
    assert!(!behind.status.success());
    assert!(String::from_utf8_lossy(&behind.stderr).contains("with the owner's database URL"), "{behind:?}");
}
