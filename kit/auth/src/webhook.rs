//! Signatures of webhooks, with which a provider outside of the system proves that a notification is its own.
//!
//! The header is `t=SECONDS,v1=HEX`: an HMAC-SHA256 over `SECONDS.BODY`. A sender that changes its secret may add a second
//! `v1`; other schemes than `v1` are ignored.

use hmac::Mac as _;
use http::{HeaderMap, HeaderName};

use crate::{
    secret::{Digest, MacKeys, SIGNATURE_LENGTH, Secret, SecretError},
    signature::{SignatureError, now},
};

/// The header with the signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-webhook-signature");

/// The age up to which a webhook is accepted, and the tolerance for clock skew.
const WINDOW_SECONDS: u64 = 5 * 60;

/// The maximum number of signatures that are compared.
const MAX_SIGNATURES: usize = 4;

/// The secret that a provider signs its webhooks with, and the previous one during a rotation.
#[derive(Clone)]
pub struct WebhookKeys(MacKeys);

impl WebhookKeys {
    /// The keys of the configured secrets, if there are any; `variable` is the setting's name.
    ///
    /// # Errors
    /// [`SecretError`] if a secret is too short, or only the previous one is set.
    pub fn from_settings(
        variable: &'static str,
        current: Option<Secret>,
        previous: Option<Secret>,
    ) -> Result<Option<Self>, SecretError> {
        Ok(MacKeys::from_settings(variable, current, previous)?.map(Self))
    }

    /// Verifies that the provider has signed this body within the last five minutes.
    ///
    /// # Errors
    /// [`SignatureError`]: the signature is missing, malformed, expired, or does not match the body.
    pub fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), SignatureError> {
        self.verify_at(headers, body, now())
    }

    fn verify_at(&self, headers: &HeaderMap, body: &[u8], now: u64) -> Result<(), SignatureError> {
        let (time, signatures) = read_recent(headers, now)?;
        let is_valid = |signature: &[u8; SIGNATURE_LENGTH]| self.0.verify(signature, |digest| add(digest, time, body));
        if signatures.iter().any(is_valid) { Ok(()) } else { Err(SignatureError::Wrong) }
    }
}

/// Checks that the signature is well-formed and recent, before the body has arrived.
///
/// # Errors
/// [`SignatureError`]: the header is missing or malformed, or its time is further from now than the tolerance.
pub fn check_timestamp(headers: &HeaderMap) -> Result<(), SignatureError> {
    read_recent(headers, now()).map(|_| ())
}

fn read_recent(headers: &HeaderMap, now: u64) -> Result<(u64, Vec<[u8; SIGNATURE_LENGTH]>), SignatureError> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(SignatureError::NotOne) };
    let (time, signatures) = value.to_str().ok().and_then(read).ok_or(SignatureError::Malformed)?;
    if time.abs_diff(now) > WINDOW_SECONDS { Err(SignatureError::OutsideWindow) } else { Ok((time, signatures)) }
}

/// Parses a header's value: exactly one time, and at least one signature.
fn read(value: &str) -> Option<(u64, Vec<[u8; SIGNATURE_LENGTH]>)> {
    let (mut time, mut signatures) = (None, Vec::new());
    for part in value.split(',') {
        match part.trim().split_once('=')? {
            // Only the canonical form, which is what was signed: no sign, no leading zeros.
            ("t", text) if time.is_none() => {
                time = Some(text.parse().ok().filter(|read: &u64| read.to_string() == text)?);
            }
            ("t", _) => return None,
            ("v1", _) if signatures.len() == MAX_SIGNATURES => return None,
            ("v1", text) => {
                let mut signature = [0; SIGNATURE_LENGTH];
                hex::decode_to_slice(text, &mut signature).ok()?;
                signatures.push(signature);
            }
            _ => {}
        }
    }
    time.filter(|_| !signatures.is_empty()).map(|time| (time, signatures))
}

fn add(digest: &mut Digest, time: u64, body: &[u8]) {
    digest.update(time.to_string().as_bytes());
    digest.update(b".");
    digest.update(body);
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TIME: u64 = 1_800_000_000;
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const SECRET: &str = "these webhooks are signed with this secret";
    /// `printf '1800000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac "$SECRET"`
    const SIGNED: &str = "2e145b8a2486b9728cbe6c28c2f5d332d2bbcfcc503ecba4e95b07db2e93403c";
    const OTHER_SECRET: &str = "and these with another one, during a rotation";

    fn keys(current: &str, previous: Option<&str>) -> WebhookKeys {
        let keys = WebhookKeys::from_settings("SECRET", Some(Secret::from(current)), previous.map(Secret::from));
        keys.expect("they are long enough").expect("one is set")
    }

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(SIGNATURE, HeaderValue::from_str(value).expect("a header's value"))])
    }

    fn verified(value: &str, body: &[u8], now: u64) -> Result<(), SignatureError> {
        keys(SECRET, None).verify_at(&headers(value), body, now)
    }

    #[test]
    fn a_signature_of_another_implementation_is_accepted_for_five_minutes() {
        let value = format!("t={TIME},v1={SIGNED}");
        for now in [TIME - 300, TIME, TIME + 300] {
            assert_eq!(verified(&value, BODY, now), Ok(()));
        }
        for now in [0, TIME - 301, TIME + 301, u64::MAX] {
            assert_eq!(verified(&value, BODY, now), Err(SignatureError::OutsideWindow));
        }
    }

    #[test]
    fn a_signature_is_good_for_its_time_and_body_alone() {
        assert_eq!(verified(&format!("t={},v1={SIGNED}", TIME + 1), BODY, TIME), Err(SignatureError::Wrong));
        assert_eq!(verified(&format!("t={TIME},v1={SIGNED}"), br#"{"id":"evt_2"}"#, TIME), Err(SignatureError::Wrong));
        assert_eq!(verified(&format!("t={TIME},v1={}", "0".repeat(64)), BODY, TIME), Err(SignatureError::Wrong));
    }

    #[test]
    fn during_a_rotation_either_side_may_change_first() {
        let value = headers(&format!("t={TIME},v1={SIGNED}"));
        for (current, previous) in [(SECRET, Some(OTHER_SECRET)), (OTHER_SECRET, Some(SECRET))] {
            assert_eq!(keys(current, previous).verify_at(&value, BODY, TIME), Ok(()));
        }
        assert_eq!(keys(OTHER_SECRET, None).verify_at(&value, BODY, TIME), Err(SignatureError::Wrong));

        // The provider signs with both, the old one first.
        let both = format!("t={TIME},v1={},v1={SIGNED},v0=ignored", "0".repeat(64));
        assert_eq!(verified(&both, BODY, TIME), Ok(()));
    }

    #[test]
    fn what_is_no_signature_is_rejected() {
        let malformed = [
            "",
            "t",
            "v1",
            &format!("v1={SIGNED}"),
            &format!("t={TIME}"),
            &format!("t={TIME},t={TIME},v1={SIGNED}"),
            &format!("t=+{TIME},v1={SIGNED}"),
            &format!("t=0{TIME},v1={SIGNED}"),
            &format!("t=-1,v1={SIGNED}"),
            &format!("t={TIME},v1={}", &SIGNED[1..]),
            &format!("t={TIME},v1={SIGNED}00"),
            &format!("t={TIME},v1="),
            &format!("t={TIME},v1={}", "g".repeat(64)),
            &format!("t={TIME}{}", format!(",v1={SIGNED}").repeat(MAX_SIGNATURES + 1)),
        ];
        for value in malformed {
            assert_eq!(verified(value, BODY, TIME), Err(SignatureError::Malformed), "{value}");
        }

        let mut two = headers(&format!("t={TIME},v1={SIGNED}"));
        two.append(SIGNATURE, HeaderValue::from_static("t=1"));
        for headers in [HeaderMap::new(), two] {
            assert_eq!(keys(SECRET, None).verify_at(&headers, BODY, TIME), Err(SignatureError::NotOne));
        }
        let bytes = HeaderMap::from_iter([(SIGNATURE, HeaderValue::from_bytes(b"t=\xff").expect("a value"))]);
        assert_eq!(keys(SECRET, None).verify_at(&bytes, BODY, TIME), Err(SignatureError::Malformed));
    }
}
