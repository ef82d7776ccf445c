//! A role without ownership, beside the owner of the tables.

use db::{
    database::{MigrationError, Migrations, Profile},
    roles::AppRole,
};
use sqlx::{
    AssertSqlSafe, PgPool, migrate,
    postgres::{PgConnectOptions, PgPoolOptions},
    query, query_scalar, raw_sql,
};

fn migrations() -> Migrations {
    Migrations { base: migrate!("../../migrations/course"), tuned: None }
}

/// A role of this test: roles are global to a server.
struct Role {
    name: String,
    url: String,
}

impl Role {
    fn of(db: &PgPool) -> Self {
        let options = db.connect_options();
        let database = options.get_database().expect("a database");
        // A name has at most 63 bytes, and this database's uses them all.
        let (_, end) = database.split_at(database.len().saturating_sub(40));
        let name = format!("app of {end}");
        let (host, port) = (options.get_host(), options.get_port());
        let url = format!("postgres://{}:s%3Acret@{host}:{port}/{database}", name.replace(' ', "%20"));
        Self { name, url }
    }

    async fn provision(&self, db: &PgPool) {
        AppRole::in_url(&self.url).expect("an address").provision(db).await.expect("it has its privileges");
    }

    async fn connect(&self) -> PgPool {
        let options: PgConnectOptions = self.url.parse().expect("an address");
        PgPoolOptions::new().max_connections(2).connect_with(options).await.expect("it is let in")
    }

    async fn drop(self, db: &PgPool) {
        let drop = format!("drop owned by \"{0}\"; drop role \"{0}\"", self.name);
        raw_sql(AssertSqlSafe(drop)).execute(db).await.expect("nothing is left of it");
    }
}

async fn code(db: &PgPool, statement: &'static str) -> Option<String> {
    let refused = query(statement).execute(db).await.expect_err("it is refused");
    Some(refused.as_database_error()?.code()?.into_owned())
}

#[sqlx::test(migrations = false)]
async fn a_subgraphs_role_reads_and_writes_rows_and_nothing_else(db: PgPool) {
    let role = Role::of(&db);
    migrations().run(&db, Profile::Baseline).await.expect("it is migrated");
    role.provision(&db).await;
    role.provision(&db).await;
    let app = role.connect().await;

    query("insert into courses (teacher_id, title) values (gen_random_uuid(), 'Rust')")
        .execute(&app)
        .await
        .expect("in");
    query("update courses set title = 'SQL'").execute(&app).await.expect("changed");
    let title: String = query_scalar("select title from courses for update").fetch_one(&app).await.expect("a title");
    query("delete from courses").execute(&app).await.expect("gone");
    assert_eq!(title, "SQL");

    for statement in [
        "create table more ()",
        "drop table courses",
        "alter table courses add more text",
        "truncate courses",
        "create index on courses (title)",
        "create role more",
        "insert into _sqlx_migrations select * from _sqlx_migrations",
        "delete from _sqlx_migrations",
        "select pg_read_file('postgresql.conf')",
        "copy courses to program 'true'",
    ] {
        assert_eq!(code(&app, statement).await.as_deref(), Some("42501"), "{statement}");
    }
    let privileges = "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
        from pg_roles where rolname = current_user";
    assert!(!query_scalar::<_, bool>(privileges).fetch_one(&app).await.expect("a role"));
    app.close().await;
    role.drop(&db).await;
}

#[sqlx::test(migrations = false)]
async fn who_may_not_migrate_waits_for_the_owner(db: PgPool) {
    let role = Role::of(&db);
    role.provision(&db).await;
    let app = role.connect().await;

    let early = migrations().run(&app, Profile::Baseline).await.expect_err("nothing is there");
    migrations().run(&db, Profile::Baseline).await.expect("it is migrated");
    role.provision(&db).await;
    migrations().run(&app, Profile::Baseline).await.expect("all is there");
    query("update _sqlx_migrations set checksum = 'edited' where version = 1").execute(&db).await.expect("an edit");
    let edited = migrations().run(&app, Profile::Baseline).await.expect_err("a file was edited");

    assert!(matches!(early, MigrationError::Pending(1)), "{early}");
    assert!(matches!(edited, MigrationError::Failed(_)), "{edited}");
    app.close().await;
    role.drop(&db).await;
}

#[sqlx::test(migrations = false)]
async fn an_owner_who_is_the_only_role_keeps_its_rights(db: PgPool) {
    migrations().run(&db, Profile::Baseline).await.expect("it is migrated");
    let options = db.connect_options();
    let url = format!("postgres://{}@localhost/any", options.get_username());

    AppRole::in_url(&url).expect("an address").provision(&db).await.expect("nothing to do");

    query("insert into _sqlx_migrations select 99, description, installed_on, success, checksum, execution_time from _sqlx_migrations limit 1")
        .execute(&db)
        .await
        .expect("it is its own");
}
