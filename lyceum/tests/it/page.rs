//! The pages in a real browser: the playground, and the storefront.

use std::process::Command;

use crate::system::{SECRET, System, free_port, workspace};

#[test]
fn the_playground_works_in_a_browser() {
    // Anonymous clients are also shown what other limits say, and answers that are dear. A user's budget is small
    // enough to be spent by a test.
    let system = System::start(&["--temporary", "--anonymous-cost-limit", "0", "--cost-budget", "6000"]);

    run(Command::new("npm")
        .args(["run", "test:browser"])
        .current_dir(workspace().join("web-playground"))
        .env("LYCEUM_URL", &system.addresses.router));
}

#[test]
fn the_storefront_works_in_a_browser() {
    // Its tests are the bank, too: they decline, and take their time.
    let port = free_port().to_string();
    let system = System::start(&[
        "--temporary",
        "--payment-provider-url",
        &format!("http://127.0.0.1:{port}"),
        "--payment-provider-secret",
        SECRET,
        "--payment-webhook-secret",
        SECRET,
    ]);

    run(Command::new("npm")
        .args(["run", "test:browser"])
        .current_dir(workspace().join("examples/storefront"))
        .env("LYCEUM_URL", &system.addresses.router)
        .env("PAYMENT_PROVIDER_PORT", port));
}

fn run(command: &mut Command) {
    let output = command.output().expect("npm runs");

    // What failed is told first: a long output may be cut.
    assert!(output.status.success(), "{}\n{}", text(&output.stderr), text(&output.stdout));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
