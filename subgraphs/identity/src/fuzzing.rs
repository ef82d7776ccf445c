//! The invariants for arbitrary input. `fuzz/` tries random bytes, and the test below tries those of its corpus.

use crate::user::{EmailRules, email_fault, normalize_email};

const RULES: EmailRules = EmailRules { domain_needs_dot: false };

/// Checks that an accepted address has one normal form, which is accepted again, and in which its owner is found in any
/// letter case.
pub fn email(data: &[u8]) {
    let Ok(typed) = str::from_utf8(data) else { return };
    let stored = normalize_email(typed);
    assert_eq!(normalize_email(&stored), stored);
    if email_fault(&stored, RULES).is_some() {
        return;
    }
    let (local, domain) = stored.rsplit_once('@').expect("an address has an at sign");
    assert!(!local.is_empty() && !domain.is_empty(), "{stored}");
    assert!(stored.chars().count() <= 255 && !stored.chars().any(char::is_control), "{stored}");
    assert_eq!(email_fault(&stored, RULES), None);
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
