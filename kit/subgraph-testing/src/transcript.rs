//! What the tests see of logs, traces and errors, written down: when all have run, `cargo xtask
//! test` reads it and finds nothing secret in it.

use std::{
    env,
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::Value;
use tracing_subscriber::EnvFilter;

const VARIABLE: &str = "LYCEUM_TEST_TRANSCRIPTS";

/// What the processes that tests start log: far more than by default.
pub const LOG_FILTER: &str = "debug";

/// The same of this process, but not what `lyceum` would never let hive-router log, and not the
/// statements: here are also those that fill a test's database.
const TRACE_FILTER: &str = "debug,router=info,sqlx::query=off";

/// A new file for a transcript, if anybody listens. It is named for its `source`: `log`, `server`,
/// `trace` or `answers`.
#[must_use]
pub fn path(source: &str) -> Option<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let directory = env::var_os(VARIABLE)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Some(Path::new(&directory).join(format!("{source}-{}-{number}", process::id())))
}

/// Writes down what this process logs from here on.
///
/// # Panics
/// If the file cannot be written.
pub fn trace() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let Some(path) = path("trace") else { return };
        let file = Mutex::new(File::create(path).expect("a transcript can be written"));
        let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(TRACE_FILTER)).with_writer(file);
        // Whoever has a log of their own already does without this one.
        let _ = log.with_ansi(false).try_init();
    });
}

/// Writes down the errors of an answer, those of `userErrors` included.
///
/// # Panics
/// If the file cannot be written.
pub fn answer(answer: &Value) {
    static FILE: OnceLock<Option<Mutex<File>>> = OnceLock::new();
    let open = |path| Mutex::new(OpenOptions::new().create(true).append(true).open(path).expect("it can be written"));
    let Some(file) = FILE.get_or_init(|| path("answers").map(open)) else { return };
    let mut errors = Vec::new();
    collect(answer, &mut errors);
    let mut file = file.lock().expect("writing does not panic");
    for error in errors {
        writeln!(file, "{error}").expect("a transcript can be written");
    }
}

fn collect<'a>(value: &'a Value, errors: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Array(found) if name == "errors" || name == "userErrors" => errors.extend(found),
                    _ => collect(value, errors),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, errors)),
        _ => {}
    }
}
