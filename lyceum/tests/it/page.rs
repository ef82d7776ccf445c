//! The playground in a real browser.

use std::process::Command;

use crate::system::{System, workspace};

#[test]
fn the_playground_works_in_a_browser() {
    // Anonymous clients are also shown what other limits say, and answers that are dear. A user's budget is small
    // enough to be spent by a test.
    let system = System::start(&["--temporary", "--anonymous-cost-limit", "0", "--cost-budget", "6000"]);

    let output = Command::new("npm")
        .args(["run", "test:browser"])
        .current_dir(workspace().join("web-playground"))
        .env("LYCEUM_URL", &system.addresses.router)
        .output()
        .expect("npm runs");

    // What failed is told first: a long output may be cut.
    assert!(output.status.success(), "{}\n{}", text(&output.stderr), text(&output.stdout));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
