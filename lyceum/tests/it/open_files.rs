//! A process may open as many files as the system lets it, and says when those are too few.

use std::{
    fs::File,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::system::{Process, SECRET, free_port};

const TIMEOUT: Duration = Duration::from_mins(1);

struct Router {
    process: Process,
    directory: TempDir,
}

impl Router {
    /// One that waits for its keys, started by a shell with these limits.
    fn start(limits: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let log = File::create(directory.path().join("log")).expect("a file for the log");
        let process = Command::new("sh")
            .args(["-c", &format!("{limits} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_lyceum"), "router"])
            .args(["--router-port", &free_port().to_string(), "--jwks-url", "http://127.0.0.1:9/jwks"])
            .env("LYCEUM_SUBGRAPH_SECRET", SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the router starts");
        let router = Self { process: Process(process), directory };
        router.wait_for("waiting for identity's public keys");
        router
    }

    fn wait_for(&self, line: &str) {
        let started = Instant::now();
        while !self.log().contains(line) {
            assert!(started.elapsed() < TIMEOUT, "{line}: {}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).expect("the log can be read")
    }

    /// The soft and the hard one.
    fn limits(&self) -> (u64, u64) {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.process.0.id())).expect("Linux says them");
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("it is one of them");
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap_or(u64::MAX));
        (numbers.next().expect("the soft one"), numbers.next().expect("the hard one"))
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_is_raised_as_far_as_it_goes() {
    let router = Router::start("ulimit -Sn 256");

    let (soft, hard) = router.limits();

    assert!(hard > 256, "the tests may open more than this");
    assert_eq!(soft, hard);
}

#[cfg(target_os = "linux")]
#[test]
fn one_that_cannot_be_raised_far_enough_is_said_once() {
    let router = Router::start("ulimit -n 512");

    assert_eq!(router.limits(), (512, 512));
    let log = router.log();
    assert_eq!(log.matches("open file limit too low").count(), 1, "{log}");
    assert!(log.contains("limit=512 wanted="), "{log}");
}
