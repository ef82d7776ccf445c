//! Places at which a process can be told to die, so that tests see what a crash there leaves.

/// Ends the process here, as `kill -9` would, if `LYCEUM_CRASH_AT` names this place. Does nothing in
/// a release build.
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    {
        static CRASH_AT: std::sync::LazyLock<Option<String>> =
            std::sync::LazyLock::new(|| std::env::var("LYCEUM_CRASH_AT").ok());
        if CRASH_AT.as_deref() == Some(name) {
            std::process::abort();
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}
