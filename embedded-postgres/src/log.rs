//! The output of a program that failed, and advice about the failure.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

const LINES: usize = 12;

/// Returns the last lines of `text`.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Reads what was written to the file at `path` after its first `offset` bytes.
pub(crate) fn since(path: &Path, offset: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path)
        && file.seek(SeekFrom::Start(offset)).is_ok()
    {
        // Best effort: an error must not hide what could be read.
        let _ = file.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Returns advice on a failure whose output is `said`; empty if the output suffices.
pub(crate) fn advice(said: &str) -> &'static str {
    if said.contains("No space left on device") {
        "\nThe disk is full: free some space, or put the data on another disk."
    } else if said.contains("Disk quota exceeded") {
        "\nYour disk quota is exceeded: free some space, or put the data on another disk."
    } else if said.contains("could not create shared memory segment") {
        "\nThis machine's shared memory is exhausted: stop other servers, or raise the limit."
    } else if said.contains("Permission denied") {
        "\nPostgreSQL has no permission there: check the owner of the data and of the directories above it."
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_shown() {
        let text = (0..100).map(|number| number.to_string()).collect::<Vec<_>>().join("\n\n");

        assert!(last_lines(&text).starts_with("88\n89\n"));
        assert_eq!(last_lines("one"), "one");
    }

    #[test]
    fn a_full_disk_gets_advice() {
        assert!(advice("could not write to file: No space left on device").contains("free some space"));
        assert_eq!(advice("bye"), "");
    }
}
