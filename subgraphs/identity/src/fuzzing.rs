//! What must hold of any bytes that somebody sends. `fuzz/` tries random ones, and the test below tries those of its
//! corpus.

use crate::user::{email_fault, normalize_email};

/// What is typed as an address: one that is accepted has one form, in which it is accepted again, and in which its owner
/// is found whatever the letter case they type.
pub fn email(data: &[u8]) {
    let Ok(typed) = str::from_utf8(data) else { return };
    let stored = normalize_email(typed);
    assert_eq!(normalize_email(&stored), stored);
    if email_fault(&stored).is_some() {
        return;
    }
    let (local, domain) = stored.rsplit_once('@').expect("an address has an at sign");
    assert!(!local.is_empty() && !domain.is_empty(), "{stored}");
    assert!(stored.chars().count() <= 255 && !stored.chars().any(char::is_control), "{stored}");
    assert_eq!(email_fault(&stored), None);
    for typed in [typed.to_ascii_uppercase(), typed.to_ascii_lowercase()] {
        assert_eq!(normalize_email(&typed), stored);
    }
}

#[cfg(test)]
mod tests {
    use subgraph_testing::corpus::for_each_input;

    #[test]
    fn an_accepted_address_has_one_form() {
        for_each_input("email", super::email);
    }
}
