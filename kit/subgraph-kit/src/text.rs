//! Validation and redaction of text from clients.

use crate::{Error, Rejection};

/// Whether PostgreSQL can store the text: it has no NUL character.
#[must_use]
pub fn has_no_nul(text: &str) -> bool {
    !text.contains('\0')
}

/// Checks a text argument of a statement.
///
/// # Errors
/// [`Error::Invalid`] if the text contains NUL, which PostgreSQL cannot store.
pub fn reject_nul(field: &'static str, text: &str) -> Result<(), Error> {
    if has_no_nul(text) { Ok(()) } else { Err(Error::invalid(field, "must not contain the NUL character")) }
}

/// Validates a text of an input: rejected if too long for its column, blank although required, or not storable.
/// Lengths are in characters, as in `VARCHAR(n)`.
#[must_use]
pub fn check(field: &'static str, text: &str, required: bool, max_length: Option<usize>) -> Option<Rejection> {
    if !has_no_nul(text) {
        return Some(Rejection::invalid(field, "must not contain the NUL character"));
    }
    if required && text.trim().is_empty() {
        return Some(Rejection::invalid(field, "must not be empty"));
    }
    let max_length = max_length?;
    (text.chars().count() > max_length)
        .then(|| Rejection::invalid(field, format!("must have at most {max_length} characters")))
}

/// Redacts the value that a library's message about a document or a value repeats: it can be a password.
#[must_use]
pub fn redact_values(message: &str) -> String {
    if let Some((expected, _)) = message.split_once(", found ")
        && expected.contains("Expected ")
    {
        return format!("{expected}.");
    }
    if let Some((before, _)) = message.split_once(" does not contain ")
        && before.to_lowercase().contains("enumeration type")
    {
        return format!("{before} does not contain the value.");
    }
    // The type is last, and its name has no quotation mark.
    if let Some((before, field)) = message.split_once("unknown field \"")
        && let Some((_, of)) = field.rsplit_once("\" of type \"")
    {
        return format!("{before}unknown field of type \"{of}");
    }
    if let Some((before, token)) = message.split_once("Unexpected `")
        && let Some((kind, after)) = after_value(token)
    {
        return format!("{before}Unexpected {kind}{after}");
    }
    message.to_owned()
}

/// Redacts the strings that a message about JSON quotes.
#[must_use]
pub fn redact_strings(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(start), Some(end)) if start < end => format!("{}\"…\"{}", &message[..start], &message[end + 1..]),
        _ => message.to_owned(),
    }
}

/// Finds the end of a value: the last one, since the value may contain the same text.
fn after_value(token: &str) -> Option<(&'static str, &str)> {
    let ends = VALUES.into_iter().filter_map(|kind| Some((kind, token.rsplit_once(&format!("[{kind}]`"))?.1)));
    ends.min_by_key(|(_, after)| after.len())
}

/// The parser's names of value tokens.
const VALUES: [&str; 4] = ["StringValue", "BlockString", "IntValue", "FloatValue"];

/// An `ILIKE` pattern that matches `text` anywhere, with `%`, `_` and `\` escaped.
#[must_use]
pub fn ilike_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_about_json_keeps_its_strings_to_itself() {
        let say = |json| serde_json::from_str::<u8>(json).expect_err("no number").to_string();

        assert_eq!(
            redact_strings(&say(r#""Bob \"the\" Builder""#)),
            r#"invalid type: string "…", expected u8 at line 1 column 21"#
        );
        assert_eq!(redact_strings(&say("")), "EOF while parsing a value at line 1 column 0");
    }

    #[test]
    fn wildcards_stand_for_themselves() {
        assert_eq!(ilike_pattern(r"50%_\"), r"%50\%\_\\%");
    }

    #[test]
    fn a_message_keeps_what_is_expected_and_loses_what_was_typed() {
        let cases = [
            (r#"Expected value of type "Int", found "hidden"."#, r#"Expected value of type "Int"."#),
            (
                r#"Failed to parse "Int": Expected input type "Int", found {a: ", found hidden"}."#,
                r#"Failed to parse "Int": Expected input type "Int"."#,
            ),
            (
                "Parse error at 1:3\nUnexpected `\"hidden\"[StringValue]`\nExpected :",
                "Parse error at 1:3\nUnexpected StringValue\nExpected :",
            ),
            (
                "Unexpected `\"\"\"hidden[StringValue]`hidden\"\"\"[BlockString]`\nExpected }",
                "Unexpected BlockString\nExpected }",
            ),
            ("Unexpected `}[Punctuator]`", "Unexpected `}[Punctuator]`"),
            (r#"Field "age" is not defined."#, r#"Field "age" is not defined."#),
            (
                r#"Invalid value for argument "level", enumeration type "Level" does not contain the value "hidden""#,
                r#"Invalid value for argument "level", enumeration type "Level" does not contain the value."#,
            ),
            (
                r#"Failed to parse "Level": Enumeration type does not contain value "hidden"."#,
                r#"Failed to parse "Level": Enumeration type does not contain the value."#,
            ),
            (
                r#"Invalid value for argument "input", unknown field "hidden" of type "hidden" of type "Input""#,
                r#"Invalid value for argument "input", unknown field of type "Input""#,
            ),
        ];

        for (message, kept) in cases {
            assert_eq!(redact_values(message), kept);
        }
    }

    #[test]
    fn length_counts_characters_and_not_bytes() {
        assert!(check("title", &"é".repeat(500), true, Some(500)).is_none());
        assert!(check("title", &"é".repeat(501), true, Some(500)).is_some());
    }

    #[test]
    fn blank_is_empty() {
        assert!(check("title", " \n", true, None).is_some());
    }
}
