//! A program under callgrind, which counts what the processor does for it. The programs that it starts run as ever.

use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::system::{System, authority};

/// Between two connections that wake up the process.
const INTERVAL: Duration = Duration::from_millis(500);
const MAX_CONNECTIONS: u32 = 120;

/// What Rust code calls for memory, of whatever allocator.
const ALLOCATING: [&str; 3] = ["__rust_alloc", "__rust_alloc_zeroed", "__rust_realloc"];

/// Where callgrind writes what it has counted.
pub struct Callgrind {
    directory: TempDir,
}

/// What was counted for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub instructions: u64,
    /// Calls of the allocator for memory, or for more of it.
    pub allocations: u64,
}

impl Callgrind {
    pub fn new() -> Self {
        Self { directory: TempDir::new().expect("a temporary directory") }
    }

    /// The command, such that its process can be counted. It begins uncounted, which is much faster.
    pub fn wrap(&self, command: &Command) -> Command {
        let mut wrapped = Command::new("valgrind");
        wrapped.args(["--tool=callgrind", "--instr-atstart=no", "--compress-strings=no", "--vgdb-poll=500", "--quiet"]);
        wrapped.arg(format!("--callgrind-out-file={}", self.directory.path().join("counted").display()));
        wrapped.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => wrapped.env(name, value),
                None => wrapped.env_remove(name),
            };
        }
        wrapped
    }

    /// Begins to count what the process does.
    pub fn switch_on(system: &System) {
        tell(system, &["instrumentation", "on"]);
    }

    /// Forgets what was counted.
    pub fn reset(system: &System) {
        tell(system, &["zero"]);
    }

    /// What was counted since the last time.
    pub fn read(&self, system: &System) -> Counted {
        tell(system, &["dump"]);
        let file = self.dump();
        let counted = Counted::parse(&fs::read_to_string(&file).expect("what callgrind has written"));
        fs::remove_file(file).expect("nobody else removes it");
        counted
    }

    /// The only file with a number: the one without is written at the end.
    fn dump(&self) -> PathBuf {
        let files = fs::read_dir(self.directory.path()).expect("the directory");
        let mut paths = files.map(|file| file.expect("a file").path());
        let is_dump = |path: &PathBuf| path.extension().is_some();
        paths.find(is_dump).expect("callgrind has written what it has counted")
    }
}

/// Valgrind listens while the process does something. `vgdb` would make one that does nothing listen, by ptrace, which now
/// and then stops it for good; so a connection wakes it up.
fn tell(system: &System, command: &[&str]) {
    let mut vgdb = Command::new("vgdb");
    vgdb.arg(format!("--pid={}", system.process_id())).arg("--max-invoke-ms=0").args(command).stderr(Stdio::null());
    let mut vgdb = vgdb.spawn().expect("valgrind brings `vgdb`");
    let router = authority(&system.addresses.router);
    for _ in 0..MAX_CONNECTIONS {
        if let Some(status) = ended(&mut vgdb) {
            assert!(status.success(), "callgrind does not take {command:?}: {status}");
            return;
        }
        drop(TcpStream::connect(&router));
    }
    panic!("callgrind does not listen to {command:?}");
}

/// How it has ended, if it has after a while. A connection is work, too, so there are few.
fn ended(process: &mut Child) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < INTERVAL {
        if let Some(status) = process.try_wait().expect("it can be asked") {
            return Some(status);
        }
        sleep(Duration::from_millis(10));
    }
    None
}

impl Counted {
    /// Reads the format that Valgrind's manual describes, with every name written out.
    fn parse(dump: &str) -> Self {
        let (mut instructions, mut allocations, mut is_allocating) = (None, 0, false);
        for line in dump.lines() {
            if let Some(called) = line.strip_prefix("cfn=") {
                is_allocating = ALLOCATING.iter().any(|name| called.ends_with(name));
            } else if let Some(calls) = line.strip_prefix("calls=") {
                allocations += if is_allocating { first_number(calls) } else { 0 };
            } else if let Some(total) = line.strip_prefix("totals:") {
                instructions = Some(first_number(total));
            }
        }
        Self { instructions: instructions.expect("callgrind writes the total"), allocations }
    }
}

fn first_number(text: &str) -> u64 {
    let number = text.split_whitespace().next().and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("callgrind writes numbers: {text}"))
}

#[test]
fn instructions_and_calls_of_the_allocator_are_read() {
    let dump = "\
events: Ir

fn=a_caller
16 400
cfn=__rustc::__rust_alloc
calls=3 0
17 90
cfn=another
calls=5 0
18 20

fn=__rustc::__rust_alloc
40 90

fn=another
cfn=__rustc::__rust_alloc
calls=4 0
19 120
cfn=__rustc::__rust_realloc
calls=1 0
20 60

totals: 700
";

    assert_eq!(Counted::parse(dump), Counted { instructions: 700, allocations: 8 });
}
