//! E-mail addresses: one mailbox is one account, however its address is typed.

use std::borrow::Cow;

use email_address::{EmailAddress, Options};
use idna::{AsciiDenyList, domain_to_ascii_cow, domain_to_unicode};
use subgraph_kit::text::{is_invisible, is_unreadable};
use unicode_normalization::UnicodeNormalization as _;

/// The maximum number of characters of an address, and of a name, as the specification's columns have it.
pub(super) const MAX_LENGTH: usize = 255;

/// The rules for the addresses of accounts.
#[derive(Clone, Copy, Debug)]
pub struct EmailRules {
    /// Whether a domain without a dot, such as `localhost`, is rejected.
    pub domain_needs_dot: bool,
}

/// Returns an address as it is stored, however it was typed: without blanks around it, in lower case, with the domain in
/// ASCII (punycode).
#[must_use]
pub fn normalize_email(typed: &str) -> String {
    let email: String = typed.trim().to_lowercase().nfc().collect();
    // Longer ones are no addresses, and the time of an encoding grows faster than the length.
    if email.chars().count() > MAX_LENGTH {
        return email;
    }
    let Some((local, domain)) = email.rsplit_once('@') else { return email };
    match domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::URL) {
        Ok(domain) => format!("{local}@{domain}"),
        Err(_) => email,
    }
}

/// The forms in which an account may be stored whose owner types this address, the one to prefer first. A legacy system
/// may have left addresses as typed, and two that differ in letter case alone; earlier versions stored the domain in
/// Unicode.
pub(super) fn stored_forms(typed: &str) -> Vec<String> {
    let normalized = normalize_email(typed);
    let in_unicode = with_unicode_domain(&normalized);
    vec![typed.to_owned(), typed.trim().to_owned(), normalized, in_unicode]
}

/// The forms of a normalized address that are one mailbox, in lower case.
pub(crate) fn all_forms(normalized: &str) -> Vec<String> {
    vec![normalized.to_owned(), with_unicode_domain(normalized)]
}

/// The form in which earlier versions stored a normalized address.
pub(super) fn with_unicode_domain(normalized: &str) -> String {
    if normalized.chars().count() > MAX_LENGTH {
        return normalized.to_owned();
    }
    let Some((local, domain)) = normalized.rsplit_once('@') else { return normalized.to_owned() };
    match domain_to_unicode(domain) {
        (domain, Ok(())) => format!("{local}@{domain}"),
        (_, Err(_)) => normalized.to_owned(),
    }
}

/// The forms in which a stored address may contain what was typed: as it is, and with the end of it, which may be a domain
/// or a part of one, in ASCII and in Unicode.
pub(super) fn search_forms(typed: &str) -> Vec<String> {
    let (start, domain) = typed.split_at(typed.rfind('@').map_or(0, |at| at + 1));
    let in_ascii = domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::URL).ok().map(Cow::into_owned);
    let (in_unicode, is_valid) = domain_to_unicode(domain);
    let others = in_ascii.into_iter().chain(is_valid.is_ok().then_some(in_unicode));
    let mut forms = vec![typed.to_owned()];
    for form in others.map(|domain| format!("{start}{domain}")) {
        if forms.iter().all(|known| known.to_lowercase() != form.to_lowercase()) {
            forms.push(form);
        }
    }
    forms
}

/// Whether a character hides in an address, so that two look the same. A blank is no part of any address.
fn is_hidden(character: char) -> bool {
    !character.is_whitespace() && (is_invisible(character) || is_unreadable(character, true))
}

/// Returns what is wrong with a normalized address, if anything.
pub(crate) fn email_fault(email: &str, rules: EmailRules) -> Option<&'static str> {
    if email.chars().count() > MAX_LENGTH {
        return Some("must have at most 255 characters");
    }
    if email.chars().any(is_hidden) {
        return Some("must not contain control characters, or characters that show nothing");
    }
    // `"bob"@lyceum.example` is the mailbox of `bob@lyceum.example`.
    if email.starts_with('"') {
        return Some("must not have quotation marks before the `@`");
    }
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
    let is_address =
        domain.is_ascii() && EmailAddress::parse_with_options(email, Options::default().without_display_text()).is_ok();
    if !is_address {
        return Some("is not an e-mail address");
    }
    let lacks_dot = rules.domain_needs_dot && !domain.contains('.');
    lacks_dot.then_some("needs a domain with a dot, such as `example.org`")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: EmailRules = EmailRules { domain_needs_dot: true };

    fn fault(typed: &str) -> Option<&'static str> {
        email_fault(&normalize_email(typed), RULES)
    }

    #[test]
    fn an_address_has_one_form() {
        for typed in
            ["bob@bücher.example", " Bob@BÜCHER.example\n", "bob@xn--bcher-kva.example", "bob@bu\u{308}cher.example"]
        {
            assert_eq!(normalize_email(typed), "bob@xn--bcher-kva.example", "{typed}");
        }
        assert_eq!(normalize_email("be\u{301}b@lyceum.example"), "b\u{e9}b@lyceum.example");
    }

    #[test]
    fn an_account_is_found_in_each_form_that_was_ever_stored() {
        let forms = stored_forms(" Bob@xn--bcher-kva.example ");

        assert_eq!(forms[1..], ["Bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example", "bob@bücher.example"]);
    }

    #[test]
    fn an_address_is_searched_for_in_each_form_of_its_domain() {
        let both = ["bob@bücher.example", "bob@xn--bcher-kva.example"];
        for typed in both {
            let forms = search_forms(typed);
            assert!(both.iter().all(|form| forms.contains(&(*form).to_owned())), "{forms:?}");
        }
        assert_eq!(search_forms("bücher.example"), ["bücher.example", "xn--bcher-kva.example"]);
        for same in ["bob", "bob@lyceum.example", "Jörg Müller", "", "@", "100%"] {
            assert_eq!(search_forms(same), [same], "{same}");
        }
    }

    #[test]
    fn an_address_is_one() {
        let longest =
            format!("{}@{}.example", "b".repeat(64), ["c".repeat(60), "d".repeat(60), "e".repeat(60)].join("."));
        for good in ["bob@lyceum.example", "bob+rust@lyceum.example", "bøb@lycéum.example", "bob@[192.0.2.1]", &longest]
        {
            assert_eq!(fault(good), None, "{good}");
        }
        let huge = format!("bob@{}", "lyceum.".repeat(10_000));
        let wide = format!("bob@{}.example", "ü".repeat(100_000));
        for bad in [
            "",
            " ",
            "bob",
            "@",
            "bob@",
            "@lyceum.example",
            "bob @lyceum.example",
            "Bob <bob@lyceum.example>",
            "bob\u{3164}@lyceum.example",
            "bob\u{FFA0}@lyceum.example",
            "b\u{200B}ob@lyceum.example",
            "b\u{AD}ob@lyceum.example",
            "\u{202E}bob@lyceum.example",
            "\"bob\"@lyceum.example",
            "\"bob smith\"@lyceum.example",
            "\"bob@lyceum.example",
            "bob@lyceum.example\0",
            "bob\r\n@lyceum.example",
            "bob@lyceum.example\r\nBcc: carol@lyceum.example",
            "bob@lyceum\u{ff20}evil.example",
            "bob@xn--\u{fc}.example",
            &huge,
            &wide,
        ] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_domain_needs_a_dot_unless_the_settings_say_otherwise() {
        for dotless in ["a@b", "bob@localhost"] {
            assert!(fault(dotless).is_some_and(|fault| fault.contains("dot")), "{dotless}");
            assert_eq!(email_fault(dotless, EmailRules { domain_needs_dot: false }), None, "{dotless}");
        }
    }
}
