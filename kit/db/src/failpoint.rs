//! Fail points: named places where tests make a process crash, to see what the crash leaves behind.

/// Aborts the process, as `kill -9` would, if `LYCEUM_FAILPOINT` names this fail point. Does nothing in a release
/// build.
pub fn fail_point(name: &str) {
    #[cfg(debug_assertions)]
    {
        static FAILPOINT: std::sync::LazyLock<Option<String>> =
            std::sync::LazyLock::new(|| std::env::var("LYCEUM_FAILPOINT").ok());
        if FAILPOINT.as_deref() == Some(name) {
            std::process::abort();
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = name;
}
