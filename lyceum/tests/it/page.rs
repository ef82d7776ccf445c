//! The playground in a real browser.

use std::process::Command;

use crate::system::{System, workspace};

#[test]
fn the_playground_works_in_a_browser() {
    // It also shows what other limits say, and answers that are dear.
    let system = System::start(&["--temporary", "--cost-limit", "0", "--anonymous-cost-limit", "0"]);

    let output = Command::new("npm")
        .args(["run", "test:browser"])
        .current_dir(workspace().join("web-playground"))
        .env("LYCEUM_URL", &system.addresses.router)
        .output()
        .expect("npm runs");

    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", said(&output.stdout), said(&output.stderr));
}
