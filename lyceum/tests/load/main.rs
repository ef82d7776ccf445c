//! A short load of all kinds of people: it counts errors, never time. `cargo xtask load` runs a long one.

use std::{env, path::PathBuf, time::Duration};

use load::{
    Plan, Profile,
    scenarios::{ROLES, ThinkTime},
    shape::Shape,
    start,
};

#[tokio::test(flavor = "multi_thread")]
async fn under_load_nothing_fails_and_accounts_agree() {
    let plan = Plan {
        program: env::var_os("LYCEUM_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_lyceum").into(), PathBuf::from),
        // Searches of `baseline` read all courses, and are refused when the machine is busy.
        profile: Profile::Tuned,
        seed_scale: "0.01".to_owned(),
        shape: Shape::Ramp,
        users: Plan::MIN_USERS,
        seconds: 25,
        // What a system without optimizations can do beside other work: it is not to be overloaded.
        think_time: ThinkTime { min: Duration::from_millis(500), max: Duration::from_secs(1) },
    };
    let system = start(&plan, [""; 0]).await.expect("a system");

    let outcome = load::run(&plan, &system, |_| {}).await.expect("an outcome");

    assert_eq!((outcome.failures(), outcome.broken.len(), outcome.log.len()), (0, 0, 0), "{outcome}");
    for role in ROLES {
        let did = outcome.rows.iter().filter(|row| row.name.starts_with(role.name()) && row.requests > 0);
        assert!(did.count() >= 3, "{} did nothing: {outcome}", role.name());
    }
    let reconciliation = &outcome.reconciliation;
    assert!(reconciliation.purchases > 0 && reconciliation.enrolled > 0, "{outcome}");
    assert_eq!(reconciliation.gained.payments, reconciliation.purchases, "{outcome}");
    assert_eq!(reconciliation.gained.enrollments, reconciliation.purchases + reconciliation.enrolled, "{outcome}");
    assert_eq!(reconciliation.differences, [""; 0], "{outcome}");
    // A payment and an enrollment for each purchase of a follower.
    let notifications = outcome.notifications;
    let followed = outcome.rows.iter().find(|row| row.name == "follower: PurchaseCourse").map(|row| row.requests);
    assert_eq!(Some(notifications.received), followed.map(|purchases| 2 * purchases as u64), "{outcome}");
    assert!(notifications.received > 0, "{outcome}");
    assert_eq!((notifications.missed, notifications.repeated), (0, 0), "{outcome}");
    // What takes the time is a kind of statement that there is, or the processes.
    let bottleneck = outcome.ranking.bottleneck();
    assert!(bottleneck.cost() > 0.0 && !bottleneck.what.is_empty(), "{outcome}");
    system.stop().await.expect("it ends in order");
}
