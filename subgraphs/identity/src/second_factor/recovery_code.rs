//! Codes for whoever has lost the app. They are stored as hashes, and each works once.

use contracts::UserId;
use sha2::{Digest as _, Sha256};
use totp_rs::Secret;

/// How many a user gets.
pub const COUNT: usize = 10;

/// So many random bytes that nobody finds a code by its hash: 80 bits, or 16 letters of base32.
const LENGTH: usize = 10;

/// The letters between two hyphens.
const GROUP: usize = 4;

/// Creates the codes of a user.
pub fn new_codes() -> Vec<String> {
    (0..COUNT).map(|_| grouped(&Secret::from(rand::random::<[u8; LENGTH]>().to_vec()).to_base32())).collect()
}

fn grouped(letters: &str) -> String {
    let letters: Vec<char> = letters.chars().collect();
    letters.chunks(GROUP).map(String::from_iter).collect::<Vec<_>>().join("-")
}

/// The hash of a user's code, which alone is stored. Hyphens and the case of letters do not matter.
pub fn hash(user: UserId, code: &str) -> Vec<u8> {
    let letters: String = code.chars().filter(|letter| *letter != '-').collect();
    Sha256::digest(format!("{}\n{}", user.0, letters.to_ascii_uppercase())).to_vec()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn codes_differ_and_have_a_form_that_can_be_copied_from_paper() {
        let codes = new_codes();

        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), COUNT);
        for code in codes {
            let groups: Vec<_> = code.split('-').collect();
            assert_eq!(groups.len(), 4, "{} groups", groups.len());
            let is_base32 = |letter: char| matches!(letter, 'A'..='Z' | '2'..='7');
            assert!(groups.iter().all(|group| group.len() == GROUP && group.chars().all(is_base32)));
        }
    }

    #[test]
    fn a_code_is_the_same_however_it_is_typed_and_of_one_user_alone() {
        let (dora, eve) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));

        assert_eq!(hash(dora, "ABCD-2345"), hash(dora, "abcd2345"));
        assert_ne!(hash(dora, "ABCD-2345"), hash(dora, "ABCD-2346"));
        assert_ne!(hash(dora, "ABCD-2345"), hash(eve, "ABCD-2345"));
    }
}
