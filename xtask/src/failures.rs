//! What failed, out of the output of a run of tests.

/// Of the message of a failed test.
const MAX_LINES_PER_TEST: usize = 12;
/// Of all that is repeated.
const MAX_LINES: usize = 60;
/// In characters: some print whole responses.
const MAX_LINE_LENGTH: usize = 300;

/// The messages of the tests that failed, as Rust's test programs print them, otherwise the last lines.
pub fn extract(lines: &[String]) -> String {
    let messages: Vec<&str> = messages(lines).flatten().collect();
    let shown = match messages.as_slice() {
        [] => lines.iter().map(String::as_str).skip(lines.len().saturating_sub(MAX_LINES)).collect(),
        messages => messages.iter().copied().take(MAX_LINES).collect::<Vec<_>>(),
    };
    shown.iter().map(|line| format!("    {}", cut(line))).collect::<Vec<_>>().join("\n")
}

fn messages(lines: &[String]) -> impl Iterator<Item = impl Iterator<Item = &str>> {
    lines.iter().enumerate().filter(|(_, line)| is_heading(line)).map(|(first, _)| message(&lines[first..]))
}

/// It ends at the next one, or at the list of names that follows the last one.
fn message(lines: &[String]) -> impl Iterator<Item = &str> {
    let rest = lines.iter().skip(1).take_while(|line| !is_heading(line) && *line != "failures:");
    lines.iter().take(1).chain(rest).map(String::as_str).filter(|line| !line.is_empty()).take(MAX_LINES_PER_TEST)
}

fn is_heading(line: &str) -> bool {
    line.starts_with("---- ") && line.ends_with(" stdout ----")
}

fn cut(line: &str) -> &str {
    line.char_indices().nth(MAX_LINE_LENGTH).map_or(line, |(end, _)| &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_messages_of_failed_tests() {
        let output = "\
test a ... ok
test b ... FAILED

failures:

---- b stdout ----

thread 'b' panicked at it.rs:1:
left is not right

---- c stdout ----
no connection

failures:
    b
    c

test result: FAILED.
test d ... ok";
        let expected = "    ---- b stdout ----\n    thread 'b' panicked at it.rs:1:\n    left is not right\n    \
                        ---- c stdout ----\n    no connection";
        assert_eq!(extract(&lines(output)), expected);
    }

    #[test]
    fn the_last_lines_of_others() {
        let output: Vec<String> = (1..=100).map(|number| number.to_string()).collect();
        let extract = extract(&output);
        assert!(extract.starts_with("    41\n") && extract.ends_with("\n    100"), "{extract}");
    }

    #[test]
    fn long_lines_are_cut() {
        let extract = extract(&["ä".repeat(1000)]);
        assert_eq!(extract.trim().chars().count(), MAX_LINE_LENGTH);
    }

    #[test]
    fn a_message_is_not_longer_than_others_leave_room() {
        let output = format!("---- b stdout ----\n{}", "x\n".repeat(50));
        assert_eq!(extract(&lines(&output)).lines().count(), MAX_LINES_PER_TEST);
    }
}
