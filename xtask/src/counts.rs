//! `cargo xtask counts`

use anyhow::Result;

use crate::{database, debian::ensure_valgrind, process, workspace::compile};

/// Of the program `it` of `lyceum/tests`, which leaves it out otherwise.
const TEST: &str = "counts::no_operation_costs_more_than_it_did";

/// Counts what each stored operation costs, and compares with `docs/counts.json`, or writes it.
pub async fn run(check: bool) -> Result<()> {
    ensure_valgrind().await?;
    let postgres = database::installation().await?;
    let mut command = compile("test");
    command.args([
        "--locked",
        // Not `--package`, which compiles dependencies with other features: no other crate has a test of this name.
        "--workspace",
        "--test",
        "it",
        "--",
        "--ignored",
        "--exact",
        "--nocapture",
        TEST,
    ]);
    command.env("LYCEUM_POSTGRES_BIN", postgres.bin());
    if !check {
        command.env("LYCEUM_RENEW_COUNTS", "true");
    }
    process::run_tests(&mut command).await
}

#[test]
fn the_test_is_there() {
    // Cargo is content to run none.
    let name = TEST.rsplit("::").next().expect("a name");
    assert!(include_str!("../../lyceum/tests/it/counts/mod.rs").contains(&format!("fn {name}()")));
}
