//! The usual clients, as front ends use them: the projects of `clients/`.

use std::{env, process::Command};

use crate::system::{System, workspace};

#[test]
fn the_usual_clients_do_what_a_front_end_does() {
    // Tokens expire while they are used, too.
    let system = System::start(&["--temporary", "--access-token-seconds", "8"]);

    let output = Command::new("node")
        .arg(workspace().join("clients/run.mjs"))
        // Those that take minutes to build, too.
        .args(env::var_os("LYCEUM_LONG_CLIENTS").map(|_| "--long"))
        .env("LYCEUM_URL", &system.addresses.router)
        .output()
        .expect("node runs");

    // The table says which of them cannot do what.
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn their_documentation_is_made_of_their_code() {
    let output = Command::new("node")
        .args([workspace().join("clients/docs.mjs").into_os_string(), "--check".into()])
        .output()
        .expect("node runs");

    assert!(output.status.success(), "{}", text(&output.stderr));
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
