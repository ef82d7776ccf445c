//! Validation and redaction of text from clients.

use unicode_normalization::UnicodeNormalization as _;

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

/// The rules of a text that people read, such as a title or a name.
#[derive(Clone, Copy, Debug)]
pub struct TextRules {
    /// Whether it may not be empty.
    pub is_required: bool,
    /// Whether it may have several lines, and tabs.
    pub is_multiline: bool,
    /// The maximum length, in characters.
    pub max_length: Option<usize>,
}

/// Cleans a text that people read, and validates it: without the blanks around it, in the form NFC, and with line feeds
/// as ends of lines.
///
/// # Errors
/// The [`Rejection`] of a text that has control characters or characters that reorder others (a bidirectional override
/// can make one name look like another), that shows nothing, or that is too long or empty.
pub fn clean(field: &'static str, text: &str, rules: TextRules) -> Result<String, Rejection> {
    let text = nfc(text.trim()).replace("\r\n", "\n");
    let fault = if let Some(character) = text.chars().find(|character| is_unreadable(*character, rules.is_multiline)) {
        Some(format!("must not contain the character U+{:04X}", u32::from(character)))
    } else if text.is_empty() {
        rules.is_required.then(|| "must not be empty".to_owned())
    } else if text.chars().all(is_invisible) {
        let first = text.chars().next().map_or(0, u32::from);
        Some(format!("must have a visible character: U+{first:04X} shows nothing"))
    } else {
        let max_length = rules.max_length.unwrap_or(usize::MAX);
        (text.chars().count() > max_length).then(|| format!("must have at most {max_length} characters"))
    };
    fault.map_or(Ok(text), |fault| Err(Rejection::invalid(field, fault)))
}

/// The text in the form NFC, in which most keyboards write.
#[must_use]
pub fn nfc(text: &str) -> String {
    text.nfc().collect()
}

/// The text in the form NFD, in which some file systems and devices write.
#[must_use]
pub fn nfd(text: &str) -> String {
    text.nfd().collect()
}

/// Whether a character controls a terminal, breaks a line where there is one, or reorders the characters around it.
#[must_use]
pub fn is_unreadable(character: char, is_multiline: bool) -> bool {
    match character {
        '\n' | '\t' | '\u{2028}' | '\u{2029}' => !is_multiline,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        character => character.is_control(),
    }
}

/// Whether a character shows nothing: blanks, and what Unicode wants ignored where it has no effect.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '\u{AD}'
                | '\u{34F}'
                | '\u{61C}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2060}'..='\u{206F}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{1BCA0}'..='\u{1BCA3}'
                | '\u{1D173}'..='\u{1D17A}'
                | '\u{E0000}'..='\u{E0FFF}'
        )
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

    const TITLE: TextRules = TextRules { is_required: true, is_multiline: false, max_length: Some(5) };
    const DESCRIPTION: TextRules = TextRules { is_required: false, is_multiline: true, max_length: None };

    fn fault(text: &str, rules: TextRules) -> Option<String> {
        clean("title", text, rules).err().map(|rejection| rejection.message)
    }

    #[test]
    fn a_text_is_cleaned() {
        let cleaned = |text, rules| clean("title", text, rules).expect("it is readable");

        assert_eq!(cleaned(" \t Rust\u{A0}\n", TITLE), "Rust");
        assert_eq!(cleaned("cafe\u{301}", TITLE), "café");
        assert_eq!(cleaned("one\r\n\ttwo\n", DESCRIPTION), "one\n\ttwo");
        assert_eq!(cleaned(" \n", DESCRIPTION), "");
        // Characters that some scripts need, and emojis with joiners and variation selectors.
        for text in ["شنب\u{200F}", "\u{200D}ක්", "👩\u{200D}🏫", "❤\u{FE0F}", "é".repeat(5).as_str()] {
            assert_eq!(cleaned(text, TITLE), text);
        }
    }

    #[test]
    fn a_text_that_cannot_be_read_names_the_character() {
        for (text, character) in [
            ("Ru\0st", "U+0000"),
            ("a\u{1B}[0m", "U+001B"),
            ("a\u{7}", "U+0007"),
            ("a\u{9F}b", "U+009F"),
            ("a\u{202E}b", "U+202E"),
            ("\u{2066}b", "U+2066"),
            ("a\nb", "U+000A"),
            ("a\tb", "U+0009"),
            ("\u{200B}", "U+200B"),
            ("\u{3164}", "U+3164"),
            ("\u{FEFF} \u{2060}", "U+FEFF"),
        ] {
            let message = fault(text, TITLE).expect("it is rejected");
            assert!(message.contains(character), "{text:?}: {message}");
        }
        for text in ["a\u{1B}b", "a\rb", "a\u{202D}b", "\u{200B}", "a\0"] {
            assert!(fault(text, DESCRIPTION).is_some(), "{text:?}");
        }
    }

    #[test]
    fn a_text_has_its_length() {
        assert_eq!(fault("é".repeat(6).as_str(), TITLE).as_deref(), Some("must have at most 5 characters"));
        assert_eq!(fault(" \n\t", TITLE).as_deref(), Some("must not be empty"));
        assert_eq!(fault("", TITLE).as_deref(), Some("must not be empty"));
    }

    #[test]
    fn blank_is_empty() {
        assert!(check("title", " \n", true, None).is_some());
    }
}
