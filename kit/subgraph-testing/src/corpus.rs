//! The inputs that fuzzing has found worth keeping, for plain tests.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Tries what must hold of any bytes on each file of `fuzz/corpus/<target>`.
///
/// # Panics
/// If it does not hold, with the file's name; or if there is no file.
pub fn for_each_input(target: &str, property: impl Fn(&[u8])) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = fs::read_dir(&directory).expect("the target has a corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", directory.display());
    for file in files {
        let input = fs::read(&file).expect("it can be read");
        let done = catch_unwind(AssertUnwindSafe(|| property(&input)));
        assert!(done.is_ok(), "it does not hold for {}", file.display());
    }
}
