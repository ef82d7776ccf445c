//! The data model: the migrations produce the specified schema, idempotently, in concurrent processes, and on an
//! imported database of the legacy system.
//!
//! The schemas are compared by the server's catalogs, not by dumps: a dump needs a `pg_dump` as new as the server, and
//! the packaged servers bring none.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use db::database::{MigrationError, Migrations, Profile};
use sqlx::{AssertSqlSafe, PgPool, migrate::Migrator, postgres::PgPoolOptions, query_scalar, raw_sql};

/// The databases of the specification, which the legacy system has.
const SPECIFIED: [&str; 5] = ["identity", "course", "enrollment", "payment", "notification"];

/// Files up to this number are older than the rule that each says with which versions it is compatible.
const LAST_BEFORE_THE_RULE: u32 = 60;

/// One line per object of the schema `public`, as complete as a dump.
const CATALOG: &str = "
    with ours as (
        select oid, relname, relkind, relpersistence, relrowsecurity, reloptions
        from pg_class
        where relnamespace = 'public'::regnamespace and relname not like '\\_sqlx\\_%'
    )
    select format('relation %s, kind %s, persistence %s, row security %s, options %s',
                  relname, relkind, relpersistence, relrowsecurity, reloptions)
    from ours
    union all
    select format('column %s.%s %s%s, default %s, identity %s, generated %s, collation %s',
                  relname, attname, format_type(atttypid, atttypmod), case when attnotnull then ' not null' end,
                  pg_get_expr(adbin, adrelid), attidentity, attgenerated, collname)
    from ours
    join pg_attribute on attrelid = ours.oid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    left join pg_collation on pg_collation.oid = attcollation
    where relkind = 'r' and attnum > 0 and not attisdropped
    union all
    select format('constraint %s on %s: %s', conname, relname, pg_get_constraintdef(pg_constraint.oid))
    from ours
    join pg_constraint on conrelid = ours.oid
    union all
    select format('index %s', pg_get_indexdef(indexrelid))
    from ours
    join pg_index on indrelid = ours.oid
    union all
    select format('trigger %s', pg_get_triggerdef(pg_trigger.oid))
    from ours
    join pg_trigger on tgrelid = ours.oid and not tgisinternal
    union all
    select format('enum %s: %s', typname, string_agg(enumlabel, ', ' order by enumsortorder))
    from pg_type
    join pg_enum on enumtypid = pg_type.oid
    where typnamespace = 'public'::regnamespace
    group by typname
    union all
    select format('function %s', pg_proc.oid::regprocedure)
    from pg_proc
    where pronamespace = 'public'::regnamespace
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')";

type Catalog = BTreeSet<String>;

/// The specification of one database.
struct Specification {
    statements: Vec<String>,
    files: Vec<String>,
}

#[sqlx::test(migrations = false)]
async fn the_specified_files_make_the_specified_schema(db: PgPool) -> Result<()> {
    for database in SPECIFIED {
        empty(&db).await?;
        let specification = specification(database)?;
        run_all(&db, &specification.statements).await?;
        let (specified, specified_columns) = (catalog(&db).await?, columns(&db).await?);

        empty(&db).await?;
        for file in &specification.files {
            run(&db, &fs::read_to_string(folder(database).join(file)).context(file.clone())?).await?;
        }

        assert_eq!(catalog(&db).await?, specified, "{database}");
        if database != "identity" {
            // In identity, a second file adds role and is_verified, after created_at.
            assert_eq!(columns(&db).await?, specified_columns, "{database}");
        }
    }
    Ok(())
}

#[test]
fn the_specification_is_read_whole() -> Result<()> {
    for (database, files) in SPECIFIED.into_iter().zip([2, 1, 1, 1, 1]) {
        let specification = specification(database)?;

        let kinds: Vec<_> = specification.statements.iter().map(|sql| &sql[..11]).collect();
        assert_eq!(kinds, ["CREATE TYPE", "CREATE TABL"], "{database}");
        assert_eq!(specification.files.len(), files, "{database}");
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn later_files_only_add(db: PgPool) -> Result<()> {
    for database in SPECIFIED {
        empty(&db).await?;
        run_all(&db, &specification(database)?.statements).await?;
        let specified = catalog(&db).await?;

        empty(&db).await?;
        migrations(database).await?.run(&db, Profile::Tuned).await?;
        let made = catalog(&db).await?;

        let lost: Vec<_> = specified.difference(&made).map(String::as_str).collect();
        let expected: &[_] = match database {
            "identity" => &["enum user_role: student, teacher"],
            "notification" => &["enum notification_type: registration, enrollment, payment"],
            _ => &[],
        };
        assert_eq!(lost, expected, "{database}");
        if database == "identity" {
            assert!(made.contains("enum user_role: student, teacher, admin"));
        }
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn later_files_ask_nothing_of_those_who_write_only_what_is_specified(db: PgPool) -> Result<()> {
    for database in SPECIFIED {
        empty(&db).await?;
        migrations(database).await?.run(&db, Profile::Tuned).await?;

        run(&db, &rows_of_the_legacy_system(database)?).await.context(database)?;
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn the_bottlenecks_stay_in_the_baseline_and_go_in_the_tuned_profile(db: PgPool) -> Result<()> {
    for (database, table, specified) in
        [("identity", "users", 2), ("course", "courses", 1), ("enrollment", "enrollments", 2)]
    {
        empty(&db).await?;
        let migrations = migrations(database).await?;

        migrations.run(&db, Profile::Baseline).await?;
        assert_eq!(count_indexes(&db, table).await?, specified, "{database}");

        migrations.run(&db, Profile::Tuned).await?;
        assert!(count_indexes(&db, table).await? > specified, "{database}");
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn running_all_files_again_changes_nothing(db: PgPool) -> Result<()> {
    for database in databases()? {
        let is_specified = SPECIFIED.contains(&database.as_str());
        for is_imported in [false, true].into_iter().filter(|is_imported| is_specified || !is_imported) {
            empty(&db).await?;
            if is_imported {
                import(&db, &database).await?;
            }
            let migrations = migrations(&database).await?;
            migrations.run(&db, Profile::Tuned).await?;
            let before = (catalog(&db).await?, rows(&db).await?);

            migrations.run(&db, Profile::Tuned).await?;
            assert_eq!((catalog(&db).await?, rows(&db).await?), before, "{database}, by the migrator");

            for file in all_files(&migrations) {
                run(&db, file).await?;
            }
            assert_eq!((catalog(&db).await?, rows(&db).await?), before, "{database}, without its books");
        }
    }
    Ok(())
}

/// A file has to create them in one of the few forms that are recognized: `create index if not exists`.
#[sqlx::test(migrations = false)]
async fn the_indexes_of_the_files_are_those_of_the_database(db: PgPool) -> Result<()> {
    let existing = "select relname::text from pg_index join pg_class on pg_class.oid = indexrelid
        where relnamespace = 'public'::regnamespace
          and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))";
    for database in databases()? {
        empty(&db).await?;
        let migrations = migrations(&database).await?;
        for profile in [Profile::Baseline, Profile::Tuned] {
            migrations.run(&db, profile).await?;
            let existing: BTreeSet<String> = query_scalar(existing).fetch_all(&db).await?.into_iter().collect();
            assert_eq!(migrations.indexes(profile), existing, "{database}, {profile:?}");
        }
    }
    Ok(())
}

#[test]
fn each_file_says_with_which_versions_it_is_compatible() -> Result<()> {
    for database in databases()? {
        for file in fs::read_dir(folder(&database))? {
            let path = file?.path();
            let name = path.file_name().context("a name")?.to_string_lossy().into_owned();
            let Some(number) = name.split('_').next().and_then(|number| number.parse::<u32>().ok()) else { continue };
            let says_so = || {
                fs::read_to_string(&path)
                    .is_ok_and(|text| text.lines().any(|it| it.starts_with("-- Compatible since: ")))
            };
            assert!(number <= LAST_BEFORE_THE_RULE || says_so(), "{database}/{name}: see migrations/README.md");
        }
    }
    Ok(())
}

/// The migrations of a version, as files with these texts.
async fn version(files: &[(i64, &str)]) -> Result<Migrations> {
    let folder = tempfile::tempdir()?;
    for (number, text) in files {
        fs::write(folder.path().join(format!("{number:03}_step.sql")), text)?;
    }
    Ok(Migrations { base: Migrator::new(folder.path().to_owned()).await?, tuned: None })
}

#[sqlx::test(migrations = false)]
async fn an_older_version_starts_on_a_newer_schema_that_is_compatible(db: PgPool) -> Result<()> {
    let first = (1, "create table if not exists steps (number int)");
    let second = (2, "-- Why.\n-- Compatible since: 001\nalter table steps add column if not exists name text");
    let third = (3, "-- Compatible since: 002\nalter table steps drop column if exists number");
    let fourth = (4, "alter table steps drop column if exists name");
    let versions = [vec![first], vec![first, second], vec![first, second, third], vec![first, second, third, fourth]];
    let mut programs = Vec::new();
    for files in &versions {
        programs.push(version(files).await?);
    }
    let newer = |outcome: Result<(), MigrationError>| match outcome {
        Ok(()) => None,
        Err(MigrationError::Newer(number)) => Some(number),
        Err(error) => panic!("{error}"),
    };

    // After each version has migrated: what it and each older one say.
    let expected: [&[Option<i64>]; 4] =
        [&[None], &[None, None], &[Some(3), None, None], &[Some(3), Some(4), Some(4), None]];
    for (applied, expected) in expected.into_iter().enumerate() {
        for (program, expected) in expected.iter().enumerate().rev() {
            let outcome = newer(programs[program].run(&db, Profile::Baseline).await);
            assert_eq!(outcome, *expected, "version {program} after {applied}");
        }
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn two_processes_that_start_at_once_do_not_collide(db: PgPool) -> Result<()> {
    let (one, other) = (another_pool(&db).await?, another_pool(&db).await?);
    for database in databases()? {
        let migrations = migrations(&database).await?;
        empty(&db).await?;
        migrations.run(&db, Profile::Tuned).await?;
        let alone = catalog(&db).await?;

        for profile in [Profile::Tuned, Profile::Baseline, Profile::Tuned] {
            empty(&db).await?;
            let (first, second) = tokio::join!(migrations.run(&one, Profile::Tuned), migrations.run(&other, profile));

            first.context(database.clone())?;
            second.context(database.clone())?;
            assert_eq!(catalog(&db).await?, alone, "{database}");
        }
    }
    one.close().await;
    other.close().await;
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_database_of_the_legacy_system_keeps_its_rows(db: PgPool) -> Result<()> {
    for database in SPECIFIED {
        empty(&db).await?;
        import(&db, database).await?;
        let before = rows(&db).await?;

        migrations(database).await?.run(&db, Profile::Tuned).await?;

        let mut expected = before.clone();
        if database == "identity" {
            expected = expected.into_iter().map(|row| row.replace("Alice@Example.com", "alice@example.com")).collect();
        }
        let tables = ["_sqlx", "payment_redemptions ", "enrollment_history ", "tables_with_other_ids "];
        let ours = |row: &String| tables.iter().any(|table| row.starts_with(table));
        let after: BTreeSet<_> = rows(&db).await?.into_iter().filter(|row| !ours(row)).collect();
        assert!(before.len() >= 2, "{database}");
        assert_eq!(after, expected, "{database}");
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn a_record_of_other_ids_may_come_twice(db: PgPool) -> Result<()> {
    for (database, table, insert) in [
        ("identity", "users", "insert into users (email, password_hash, name) values ('a@b.example', '', 'A')"),
        ("course", "courses", "insert into courses (teacher_id, title) values (gen_random_uuid(), 'A')"),
        (
            "enrollment",
            "enrollments",
            "insert into enrollments (student_id, course_id) values (gen_random_uuid(), gen_random_uuid())",
        ),
        (
            "payment",
            "payments",
            "insert into payments (student_id, course_id, amount) values (gen_random_uuid(), gen_random_uuid(), 1)",
        ),
    ] {
        empty(&db).await?;
        migrations(database).await?.run(&db, Profile::Baseline).await?;
        let records = "select table_name from tables_with_other_ids";
        let records = async || query_scalar::<_, String>(records).fetch_all(&db).await;

        // From another server, as its data are restored or replicated.
        let restored = format!("insert into tables_with_other_ids values ('{table}')");
        run(&db, insert).await?;
        ensure!(records().await? == [table], "{database}");
        run(&db, &restored).await?;
        run(&db, &insert.replace("'A", "'B").replace("a@", "b@")).await?;
        ensure!(records().await? == [table, table], "{database}");
    }
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn addresses_become_lower_case_except_where_only_case_tells_two_apart(db: PgPool) -> Result<()> {
    import(&db, "identity").await?;

    migrations("identity").await?.run(&db, Profile::Baseline).await?;

    let emails: Vec<String> = query_scalar("select email from users order by created_at, name").fetch_all(&db).await?;
    assert_eq!(
        emails,
        [
            "alice@example.com",
            "bob@example.com",
            "Carol@Example.com",
            "carol@example.com",
            "Dave@Example.com",
            "DAVE@example.com",
        ]
    );
    Ok(())
}

#[sqlx::test(migrations = false)]
async fn addresses_lose_their_blanks_unless_another_account_has_the_rest(db: PgPool) -> Result<()> {
    run_all(&db, &specification("identity")?.statements).await?;
    let insert = "insert into users (email, password_hash, name)
        select email, 'x', 'x' from unnest($1::text[]) email";
    let emails = [" ada@blanks.example", "Bea@Blanks.example\u{a0}\n", "cleo@blanks.example", "cleo@blanks.example "];
    sqlx::query(insert).bind(&emails[..]).execute(&db).await?;

    migrations("identity").await?.run(&db, Profile::Baseline).await?;

    let emails: Vec<String> =
        query_scalar("select email from users order by trim(email), email").fetch_all(&db).await?;
    let expected = ["ada@blanks.example", "bea@blanks.example", "cleo@blanks.example", "cleo@blanks.example "];
    assert_eq!(emails, expected);
    Ok(())
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder(database: &str) -> PathBuf {
    root().join("migrations").join(database)
}

/// All databases: each has a folder of migrations.
fn databases() -> Result<Vec<String>> {
    let entries = fs::read_dir(root().join("migrations"))?.collect::<Result<Vec<_>, _>>()?;
    let folders = entries.into_iter().filter(|entry| entry.path().is_dir());
    let databases: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    ensure!(SPECIFIED.iter().all(|name| databases.iter().any(|database| database == name)), "{databases:?}");
    Ok(databases)
}

fn specification(database: &str) -> Result<Specification> {
    let text = fs::read_to_string(root().join("docs/spec/03-database-schemas.md"))?;
    let mut sections = text.split("\n## ");
    let section = sections.find(|section| section.to_lowercase().starts_with(&format!("{database} db\n")));
    let section = section.with_context(|| format!("the specification has no section on {database}"))?;

    let blocks = section.split("```sql\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let items = section.lines().filter_map(|line| line.strip_prefix("- `")?.split_once('`'));
    Ok(Specification {
        statements: blocks.map(|(sql, _)| sql.to_owned()).collect(),
        files: items.map(|(file, _)| file.to_owned()).collect(),
    })
}

fn rows_of_the_legacy_system(database: &str) -> Result<String> {
    let file = root().join("kit/db/tests/legacy_system").join(database).with_extension("sql");
    Ok(fs::read_to_string(file)?)
}

/// Creates a database of the legacy system, without our migrations.
async fn import(db: &PgPool, database: &str) -> Result<()> {
    run_all(db, &specification(database)?.statements).await?;
    run(db, &rows_of_the_legacy_system(database)?).await
}

async fn migrations(database: &str) -> Result<Migrations> {
    let tuned = folder(database).join("tuned");
    let tuned = if tuned.exists() { Some(Migrator::new(tuned).await?) } else { None };
    Ok(Migrations { base: Migrator::new(folder(database)).await?, tuned })
}

fn all_files(migrations: &Migrations) -> impl Iterator<Item = &str> {
    let tuned = migrations.tuned.iter().flat_map(Migrator::iter);
    migrations.base.iter().chain(tuned).map(|migration| migration.sql.as_str())
}

async fn another_pool(db: &PgPool) -> Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(2).connect_with(db.connect_options().as_ref().clone()).await?)
}

async fn empty(db: &PgPool) -> Result<()> {
    run(db, "set client_min_messages = warning; drop schema public cascade; create schema public").await
}

async fn run_all(db: &PgPool, statements: &[String]) -> Result<()> {
    for sql in statements {
        run(db, sql).await?;
    }
    Ok(())
}

async fn run(db: &PgPool, sql: &str) -> Result<()> {
    raw_sql(AssertSqlSafe(sql)).execute(db).await.with_context(|| sql.to_owned())?;
    Ok(())
}

async fn catalog(db: &PgPool) -> Result<Catalog> {
    Ok(query_scalar::<_, String>(CATALOG).fetch_all(db).await?.into_iter().collect())
}

async fn columns(db: &PgPool) -> Result<Vec<String>> {
    let sql = "
        select column_name::text
        from information_schema.columns
        where table_schema = 'public'
        order by table_name, ordinal_position";
    Ok(query_scalar(sql).fetch_all(db).await?)
}

/// Without that of the few addresses that the legacy system left in capitals, which takes no bottleneck away.
async fn count_indexes(db: &PgPool, table: &str) -> Result<i64> {
    let sql = "select count(*) from pg_indexes
        where schemaname = 'public' and tablename = $1 and indexname <> 'users_by_lower_email'";
    Ok(query_scalar(sql).bind(table).fetch_one(db).await?)
}

/// All rows of all tables, the migration tables included, without generated columns and without nulls: a column that
/// was added later is null in all rows.
async fn rows(db: &PgPool) -> Result<BTreeSet<String>> {
    let tables: Vec<String> =
        query_scalar("select tablename::text from pg_tables where schemaname = 'public'").fetch_all(db).await?;
    let mut rows = BTreeSet::new();
    for table in tables {
        // Generated columns, and those that a later file gives a default.
        let generated = "select attname::text from pg_attribute where attrelid = $1::text::regclass
            and (attgenerated <> '' or $1 = 'courses' and attname in ('state', 'withdrawn_by_admin'))";
        let generated: Vec<String> = query_scalar(generated).bind(&table).fetch_all(db).await?;
        let columns = "jsonb_strip_nulls(to_jsonb(found) - $1::text[])";
        let sql = AssertSqlSafe(format!("select {columns}::text from {table} as found"));
        let found: Vec<String> = query_scalar(sql).bind(&generated).fetch_all(db).await?;
        rows.extend(found.into_iter().map(|row| format!("{table} {row}")));
    }
    Ok(rows)
}
