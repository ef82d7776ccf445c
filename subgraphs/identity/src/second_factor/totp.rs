//! The codes that an app shows, a new one every 30 seconds.

use chrono::{DateTime, Utc};
use totp_rs::{Builder, Totp};

/// The length of a secret, as RFC 4226 recommends it.
pub const SECRET_LENGTH: usize = 20;

/// What apps call the platform.
const ISSUER: &str = "Lyceum";

/// The steps by which the app's clock may be wrong in either direction.
const MAX_DRIFT_STEPS: u16 = 1;

/// A secret, in the forms that apps read.
pub struct AppSecret {
    /// In base32, to type it.
    pub base32: String,
    /// As an `otpauth` URI, usually shown as a QR code.
    pub uri: String,
}

/// The forms of a secret for the account of this address; `None` if it has no URI, which every address has.
pub fn for_app(secret: &[u8], email: &str) -> Option<AppSecret> {
    // The colon separates it from the issuer.
    let totp = builder(secret).with_issuer(Some(ISSUER)).with_account_name(email.replace(':', "_")).build().ok()?;
    Some(AppSecret { base32: totp.secret().to_base32(), uri: totp.to_url().ok()? })
}

/// The time step of a code; `None` if it is not the code of the current step or a neighbouring one.
pub fn step_of(secret: &[u8], code: &str, now: DateTime<Utc>) -> Option<i64> {
    let step = totp(secret)?.check(code, now.timestamp().try_into().ok()?)?;
    step.try_into().ok()
}

/// Whether it has the form of a code.
pub fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn totp(secret: &[u8]) -> Option<Totp> {
    builder(secret).build().ok()
}

fn builder(secret: &[u8]) -> Builder {
    Builder::new().with_secret(secret.to_vec()).with_skew(MAX_DRIFT_STEPS)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    /// Of RFC 6238, appendix B, whose codes have two more digits in front.
    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            assert_eq!(step_of(SECRET, code, at(time)), Some(time / 30), "{time}");
        }
        let later: DateTime<Utc> = at(20_000_000_000);
        assert_eq!(step_of(SECRET, "353130", later), Some(20_000_000_000 / 30));
    }

    #[test]
    fn a_clock_may_be_wrong_by_one_step() {
        let (code, begin) = ("005924", at(1_234_567_890));

        for (seconds, is_accepted) in [(-31, false), (-30, true), (0, true), (29, true), (59, true), (60, false)] {
            let accepted = step_of(SECRET, code, begin + TimeDelta::seconds(seconds));
            assert_eq!(accepted, is_accepted.then_some(1_234_567_890 / 30), "{seconds}");
        }
    }

    #[test]
    fn what_is_no_code_has_no_step() {
        for text in ["", "5924", "+05924", "0059240", "００５９２４", "00592４", "abcdef", &"0".repeat(100_000)]
        {
            assert_eq!(step_of(SECRET, text, at(1_234_567_890)), None, "{text:.20}");
            assert!(!is_code(text), "{text:.20}");
        }
        assert!(is_code("005924"));
        assert_eq!(step_of(b"short", "005924", at(1_234_567_890)), None);
        assert_eq!(step_of(SECRET, "005924", at(-1)), None);
    }

    #[test]
    fn an_app_reads_the_secret_as_a_uri() {
        let app = for_app(SECRET, "dora+x:y@lyceum.example").expect("a URI");

        assert_eq!(app.base32, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let secret = &app.base32;
        assert_eq!(app.uri, format!("otpauth://totp/Lyceum:dora%2Bx_y%40lyceum.example?secret={secret}&issuer=Lyceum"));
    }
}
