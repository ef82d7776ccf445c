//! Compares files and their ages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

/// The files of a directory that has no directories in it, by name; none where it is missing.
pub fn read_all(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !directory.is_dir() {
        return Ok(files);
    }
    for entry in directory.read_dir()? {
        let entry = entry?;
        let bytes = std::fs::read(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), bytes);
    }
    Ok(files)
}

/// The files that are missing, superfluous or different in `old`, each with what is the matter.
pub fn differences(old: &BTreeMap<String, Vec<u8>>, new: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let stale = old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("{name} is no longer needed"));
    let changed = new.iter().filter_map(|(name, bytes)| match old.get(name) {
        None => Some(format!("{name} is missing")),
        Some(old) if old != bytes => Some(format!("{name} is out of date")),
        Some(_) => None,
    });
    stale.chain(changed).collect()
}

/// When the newest file below `path` was written; build results and packages do not count.
pub fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return path.metadata().ok()?.modified().ok();
    }
    let entries = path.read_dir().ok()?.flatten().map(|entry| entry.path());
    entries.filter(|path| !is_output(path)).filter_map(|path| newest(&path)).max()
}

fn is_output(path: &Path) -> bool {
    path.ends_with("node_modules") || path.ends_with("dist")
}

/// Whether `result` is missing, or older than any of `sources`.
pub fn is_stale(result: &Path, sources: &[PathBuf]) -> bool {
    let Ok(made) = result.metadata().and_then(|metadata| metadata.modified()) else { return true };
    sources.iter().filter_map(|source| newest(source)).any(|written| written > made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_difference_is_named() {
        let files = |list: &[(&str, &str)]| {
            list.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
        };
        let old = files(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let new = files(&[("b", "1"), ("c", "2"), ("d", "1")]);

        assert_eq!(differences(&old, &new), ["a is no longer needed", "c is out of date", "d is missing"]);
    }

    #[test]
    fn a_result_is_stale_when_a_source_is_newer() {
        let place = tempfile::tempdir().expect("a directory");
        let source = place.path().join("source");
        let result = place.path().join("result");
        std::fs::write(&source, "").expect("a source");
        assert!(is_stale(&result, std::slice::from_ref(&source)));

        std::fs::write(&result, "").expect("a result");
        assert!(!is_stale(&result, std::slice::from_ref(&source)));

        let later = SystemTime::now() + std::time::Duration::from_mins(1);
        std::fs::File::options().write(true).open(&source).expect("it").set_modified(later).expect("a later time");
        assert!(is_stale(&result, std::slice::from_ref(&source)));
    }
}
