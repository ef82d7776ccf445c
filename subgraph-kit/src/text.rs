//! Rules for text that comes from outside.

use crate::{Error, Refusal};

/// `PostgreSQL` text cannot hold the NUL character; everything else is text.
#[must_use]
pub fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}

/// An argument that reaches the database as text.
///
/// # Errors
/// `Invalid`, if it contains the NUL character.
pub fn require_storable(field: &'static str, text: &str) -> Result<(), Error> {
    if is_storable(text) { Ok(()) } else { Err(Error::invalid(field, "must not contain the NUL character")) }
}

/// What is wrong with a text of an input: too long for its column, blank although required, or
/// not storable. Lengths are in characters, as `VARCHAR(n)` counts them.
#[must_use]
pub fn check(field: &'static str, text: &str, required: bool, longest: Option<usize>) -> Option<Refusal> {
    if !is_storable(text) {
        return Some(Refusal::invalid(field, "must not contain the NUL character"));
    }
    if required && text.trim().is_empty() {
        return Some(Refusal::invalid(field, "must not be empty"));
    }
    let longest = longest?;
    (text.chars().count() > longest).then(|| Refusal::invalid(field, format!("must have at most {longest} characters")))
}

/// A pattern for `ILIKE` that finds `text` anywhere, with `%`, `_` and `\` standing for themselves.
#[must_use]
pub fn contains_pattern(text: &str) -> String {
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
    fn wildcards_stand_for_themselves() {
        assert_eq!(contains_pattern(r"50%_\"), r"%50\%\_\\%");
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
