//! The line that each notification gets on standard output.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection, query, query_scalar};
use subgraph_kit::{
    UserId,
    events::{Event, Fact, Registration},
};
use uuid::Uuid;

use crate::system::System;

#[test]
fn a_notification_is_one_line_on_standard_output_that_says_nothing_private() {
    let system = System::start(&["--temporary", "--empty"]);
    let user = Uuid::now_v7();
    let event = Event::new(Fact::UserRegistered(Registration { user_id: UserId(user), name: "Zebedee".to_owned() }));

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let notification: Uuid = runtime.block_on(async {
        let mut db = PgConnection::connect(&system.addresses.databases["notification"]).await.expect("the database");
        query(
            "insert into inbox (event_id, type, subject, event) values ($1, 'lyceum.user.registered', $2, $3::jsonb)",
        )
        .bind(event.id)
        .bind(user)
        .bind(serde_json::to_string(&event).expect("JSON"))
        .execute(&mut db)
        .await
        .expect("an event");
        let start = Instant::now();
        loop {
            let found = query_scalar("select id from notifications where user_id = $1").bind(user);
            if let Some(id) = found.fetch_optional(&mut db).await.expect("the database answers") {
                return id;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "no notification");
            sleep(Duration::from_millis(50));
        }
    });

    let output = system.output();
    let lines: Vec<_> = output.lines().filter(|line| line.contains(&user.to_string())).collect();
    let [line] = lines[..] else { panic!("{output}") };
    assert!(line.contains(&notification.to_string()), "{line}");
    assert!(line.contains("Registration"), "{line}");
    assert!(!output.contains("Zebedee"), "{output}");
}
