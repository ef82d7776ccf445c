//! Rows of an imported database that the graph cannot show, or sell.

use service::SubgraphDefinition;
use sqlx::{AssertSqlSafe, PgConnection, query_as, query_scalar};

use super::report::Report;

pub async fn examine(
    subgraph: &SubgraphDefinition,
    db: &mut PgConnection,
    report: &mut Report,
) -> Result<(), sqlx::Error> {
    let found = infinite_times(db, report).await? | courses_without_price(subgraph, db, report).await?;
    if !found {
        report.ok("rows", "none that the graph cannot show");
    }
    Ok(())
}

/// The graph's `DateTime` has no `infinity`.
async fn infinite_times(db: &mut PgConnection, report: &mut Report) -> Result<bool, sqlx::Error> {
    let statement = "select quote_ident(relname), quote_ident(attname)
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
          and atttypid in ('timestamptz'::regtype, 'timestamp'::regtype) and attnum > 0 and not attisdropped
          and has_table_privilege(pg_class.oid, 'select')
        order by relname, attnum";
    let columns: Vec<(String, String)> = query_as(statement).fetch_all(&mut *db).await?;
    let mut found = false;
    for (table, column) in columns {
        let statement = format!("select count(*) from {table} where not isfinite({column})");
        let count: i64 = query_scalar(AssertSqlSafe(statement)).fetch_one(&mut *db).await?;
        if count > 0 {
            let message = format!("{count} of {table} have no finite {column}: requests for them fail");
            report.problem("rows", message, format!("`update {table} set {column} = … where not isfinite({column})`"));
            found = true;
        }
    }
    Ok(found)
}

/// Neither to be bought nor to be enrolled in.
async fn courses_without_price(
    subgraph: &SubgraphDefinition,
    db: &mut PgConnection,
    report: &mut Report,
) -> Result<bool, sqlx::Error> {
    if *subgraph != course::DEFINITION {
        return Ok(false);
    }
    let statement =
        "select count(*) from courses where state = 'published' and not is_free and coalesce(price, 0) <= 0";
    let count: i64 = query_scalar(statement).fetch_one(db).await?;
    if count > 0 {
        let advice = "their teachers can set a price, or make them free, with `updateCourse`";
        report.warning("rows", format!("{count} published courses cost something and have no price"), advice);
    }
    Ok(count > 0)
}
