//! A transaction whose beginning nobody waits for any more.

use std::time::Duration;

use sqlx::{PgPool, postgres::PgPoolOptions, query, query_scalar};
use subgraph_kit::transaction;
use tokio::time::timeout;

const ROUNDS: u32 = 300;

#[sqlx::test(migrations = false)]
async fn who_gives_up_on_a_beginning_leaves_nothing_open(db: PgPool) {
    query("create table marks (number int)").execute(&db).await.expect("a table");
    let options = db.connect_options().as_ref().clone();
    let narrow = PgPoolOptions::new().max_connections(1).connect_with(options).await.expect("a pool of one");

    for round in 0..ROUNDS {
        let _ = timeout(Duration::from_micros(u64::from(round)), transaction::begin(&narrow)).await;
        query("insert into marks values (1)").execute(&narrow).await.expect("it is confirmed");
    }

    let kept: i64 = query_scalar("select count(*) from marks").fetch_one(&db).await.expect("a number");
    assert_eq!(kept, i64::from(ROUNDS), "what is confirmed is kept");
}
