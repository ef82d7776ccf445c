//! Signatures of the router's requests: a subgraph rejects unsigned requests.
//!
//! A signature covers everything that the subgraph uses, its name and the time, each with a length prefix. So it is
//! valid only for this request, and for a short time.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::Utc;
use hmac::Mac as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use subgraph_kit::client_ip::HEADER as CLIENT;
use telemetry::trace::HEADER as TRACE;

use crate::secret::{Digest, MacKeys, SecretPair, update_with_length};

pub use crate::secret::{Secret, SecretError};

/// The header with the signature: `<seconds since 1970>.<base64url>`.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-lyceum-signature");

/// The headers that a subgraph uses, beside the one that requests a trace.
const SIGNED_HEADERS: [HeaderName; 2] = [AUTHORIZATION, CLIENT];

/// The tolerance for clock skew between router and subgraph, latency included.
const WINDOW_SECONDS: u64 = 60;

/// The domain separator of a signed request.
const PURPOSE: &[u8] = b"lyceum router to subgraph, 1";

/// The domain separator of a signed message. A request begins with a length prefix instead, so they never collide.
const MESSAGE_PURPOSE: &[u8] = b"lyceum event between subgraphs, 1: ";

/// The secrets that router and subgraphs share.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SecretSettings {
    /// The secret that router and subgraphs share, at least 32 bytes. The router signs its requests with it, and
    /// subgraphs reject all others. Generate one with `openssl rand -base64 48`.
    #[arg(long, env = "LYCEUM_SUBGRAPH_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub subgraph_secret: Option<Secret>,

    /// A file that contains the secret, instead of the secret itself.
    #[arg(long, env = "LYCEUM_SUBGRAPH_SECRET_FILE", value_name = "FILE", conflicts_with = "subgraph_secret")]
    pub subgraph_secret_file: Option<PathBuf>,

    /// During a rotation of the secret: the second secret that subgraphs accept. First set the new one here in all
    /// subgraphs; then make it the main secret of subgraphs and router, and set the old one here.
    #[arg(long, env = "LYCEUM_SUBGRAPH_SECRET_PREVIOUS", hide_env_values = true, value_name = "SECRET")]
    pub subgraph_secret_previous: Option<Secret>,

    /// A file that contains the second secret.
    #[arg(
        long,
        env = "LYCEUM_SUBGRAPH_SECRET_PREVIOUS_FILE",
        value_name = "FILE",
        conflicts_with = "subgraph_secret_previous"
    )]
    pub subgraph_secret_previous_file: Option<PathBuf>,
}

impl SecretSettings {
    /// The secrets, if there are any.
    ///
    /// # Errors
    /// [`SecretError`] if a file cannot be read, a secret is too short, or only the previous secret is set.
    pub fn secrets(&self) -> Result<Option<Secrets>, SecretError> {
        let (current, previous) = self.pair()?;
        Ok(MacKeys::from_settings("LYCEUM_SUBGRAPH_SECRET", current, previous)?.map(Secrets))
    }

    /// The secret and the second one, which may be too short.
    ///
    /// # Errors
    /// [`SecretError::File`] if a file cannot be read.
    pub fn pair(&self) -> Result<SecretPair, SecretError> {
        let current = Secret::read(self.subgraph_secret.as_ref(), self.subgraph_secret_file.as_ref())?;
        let previous = self.subgraph_secret_previous.as_ref();
        Ok((current, Secret::read(previous, self.subgraph_secret_previous_file.as_ref())?))
    }

    /// Sets a random secret if none is configured.
    #[must_use]
    pub fn or_random(mut self) -> Self {
        if self.subgraph_secret.as_ref().is_none_or(Secret::is_empty) && self.subgraph_secret_file.is_none() {
            self.subgraph_secret = Some(Secret::random());
        }
        self
    }
}

/// The current secret, and the previous one during a rotation.
#[derive(Clone)]
pub struct Secrets(MacKeys);

impl FromStr for Secrets {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        Self::try_new(&Secret::from(text), None)
    }
}

/// The parts of a request to a subgraph that its signature covers.
#[derive(Clone, Copy)]
pub struct SignedParts<'a> {
    /// The subgraph's name.
    pub subgraph: &'a str,
    /// The HTTP method.
    pub method: &'a Method,
    /// Path and query.
    pub path: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a [u8],
}

impl Secrets {
    fn try_new(current: &Secret, previous: Option<&Secret>) -> Result<Self, SecretError> {
        MacKeys::try_new(current, previous).map(Self)
    }

    /// Signs a request that is sent now: the value of the header [`SIGNATURE`].
    #[must_use]
    pub fn sign(&self, parts: SignedParts<'_>) -> HeaderValue {
        self.sign_at(parts, now())
    }

    /// Verifies that the router has signed this request recently.
    ///
    /// # Errors
    /// [`SignatureError`]: the signature is missing, malformed, expired, or does not match the request.
    pub fn verify(&self, parts: SignedParts<'_>) -> Result<(), SignatureError> {
        self.verify_at(parts, now())
    }

    /// Signs a message for one address. The signature does not expire.
    #[must_use]
    pub fn sign_message(&self, address: &str, content: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0.sign(|digest| add_message(digest, address, content)))
    }

    /// Whether the signature is valid for this message and address.
    #[must_use]
    pub fn verify_message(&self, address: &str, content: &[u8], signature: &str) -> bool {
        let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.0.verify(&signature, |digest| add_message(digest, address, content))
    }

    pub(crate) fn sign_at(&self, parts: SignedParts<'_>, time: u64) -> HeaderValue {
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.0.sign(|digest| add_request(digest, parts, time)));
        HeaderValue::try_from(format!("{time}.{signature}")).expect("digits and letters are a header's value")
    }

    pub(crate) fn verify_at(&self, parts: SignedParts<'_>, now: u64) -> Result<(), SignatureError> {
        let (time, signature) = read_recent(parts.headers, now)?;
        if self.0.verify(&signature, |digest| add_request(digest, parts, time)) {
            Ok(())
        } else {
            Err(SignatureError::Wrong)
        }
    }
}

/// The reason why a signature is rejected: for the log, not for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature, or more than one.
    #[error("expected exactly one signature")]
    NotOne,
    /// A signature that cannot be parsed.
    #[error("the signature is malformed")]
    Malformed,
    /// A timestamp too old, or in the future.
    #[error("the signature has expired or is from the future: the clocks differ, or an old request was replayed")]
    OutsideWindow,
    /// A signature by another secret, or for another request.
    #[error("the signature does not match: the secrets differ, or the request was changed")]
    Wrong,
}

/// Checks that the signature is well-formed and recent, before the body has arrived.
///
/// # Errors
/// [`SignatureError`]: the timestamp is malformed, or further from now than the tolerance.
pub fn check_timestamp(headers: &HeaderMap) -> Result<(), SignatureError> {
    read_recent(headers, now()).map(|_| ())
}

fn read_recent(headers: &HeaderMap, now: u64) -> Result<(u64, Vec<u8>), SignatureError> {
    let (time, signature) = read(headers)?;
    if time.abs_diff(now) > WINDOW_SECONDS { Err(SignatureError::OutsideWindow) } else { Ok((time, signature)) }
}

fn read(headers: &HeaderMap) -> Result<(u64, Vec<u8>), SignatureError> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(SignatureError::NotOne) };
    let (time, signature) =
        value.to_str().ok().and_then(|value| value.split_once('.')).ok_or(SignatureError::Malformed)?;
    // Only the canonical form: no sign, no leading zeros.
    let time = time.parse().ok().filter(|read: &u64| read.to_string() == time).ok_or(SignatureError::Malformed)?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| SignatureError::Malformed)?;
    Ok((time, signature))
}

fn add_request(digest: &mut Digest, parts: SignedParts<'_>, time: u64) {
    let mut add = |part: &[u8]| update_with_length(digest, part);
    add(PURPOSE);
    add(&time.to_be_bytes());
    add(parts.subgraph.as_bytes());
    add(parts.method.as_str().as_bytes());
    add(parts.path.as_bytes());
    // The trace header only if present: compatible with the previous version for all other requests.
    let traced = parts.headers.contains_key(TRACE).then_some(TRACE);
    for name in SIGNED_HEADERS.into_iter().chain(traced) {
        let values = parts.headers.get_all(name);
        add(&(values.iter().count() as u64).to_be_bytes());
        values.iter().for_each(|value| add(value.as_bytes()));
    }
    add(parts.body);
}

fn add_message(digest: &mut Digest, address: &str, content: &[u8]) {
    for part in [MESSAGE_PURPOSE, address.as_bytes(), b"\n", content] {
        digest.update(part);
    }
}

pub(crate) fn now() -> u64 {
    u64::try_from(Utc::now().timestamp()).expect("it is later than 1970")
}

/// The policy for a subgraph's HTTP requests.
#[derive(Clone)]
pub enum RouterAuth {
    /// Requests need the router's signature, by one of these secrets.
    Signed(Secrets),
    /// Unsigned requests are accepted, on a loopback address.
    InsecureDev,
}

impl RouterAuth {
    /// The policy of a subgraph that listens on `address`: a secret is required, except on loopback with
    /// `--insecure-dev`.
    ///
    /// # Errors
    /// [`SecretError`] if a secret is required (no `--insecure-dev`) and none is set.
    pub fn for_address(address: SocketAddr, secrets: Option<Secrets>, insecure_dev: bool) -> Result<Self, SecretError> {
        match secrets {
            Some(secrets) => Ok(Self::Signed(secrets)),
            None if !insecure_dev => Err(SecretError::Missing),
            None if !address.ip().is_loopback() => Err(SecretError::Exposed(address)),
            None => Ok(Self::InsecureDev),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::secret::MIN_SECRET_LENGTH;

    const TIME: u64 = 1_800_000_000;
    const BODY: &[u8] = br#"{"query":"{ me { id } }"}"#;

    fn secret(letter: &str) -> Secret {
        Secret::from(letter.repeat(MIN_SECRET_LENGTH))
    }

    fn secrets() -> Secrets {
        one("a")
    }

    fn one(letter: &str) -> Secrets {
        secret(letter).reveal().parse().expect("it is long enough")
    }

    fn headers() -> HeaderMap {
        HeaderMap::from_iter([
            (AUTHORIZATION, HeaderValue::from_static("Bearer alice")),
            (CLIENT, HeaderValue::from_static("203.0.113.7")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ])
    }

    fn parts(headers: &HeaderMap) -> SignedParts<'_> {
        SignedParts { subgraph: "payment", method: &Method::POST, path: "/graphql", headers, body: BODY }
    }

    /// The headers of a valid request, signature included.
    fn signed() -> HeaderMap {
        let mut headers = headers();
        let signature = secrets().sign_at(parts(&headers), TIME);
        headers.insert(SIGNATURE, signature);
        headers
    }

    #[test]
    fn what_was_signed_is_accepted_within_the_window() {
        let headers = signed();

        for now in [TIME - 60, TIME, TIME + 60] {
            assert_eq!(secrets().verify_at(parts(&headers), now), Ok(()));
        }
        for now in [TIME - 61, TIME + 61, 0, u64::MAX] {
            assert_eq!(secrets().verify_at(parts(&headers), now), Err(SignatureError::OutsideWindow));
        }
    }

    #[test]
    fn a_signature_is_good_for_its_request_alone() {
        let headers = signed();
        let good = parts(&headers);

        for other in [
            SignedParts { subgraph: "course", ..good },
            SignedParts { method: &Method::GET, ..good },
            SignedParts { path: "/graphql?", ..good },
            SignedParts { path: "/", ..good },
            SignedParts { body: b"", ..good },
            SignedParts { body: br#"{"query":"{ me { id  } }"}"#, ..good },
            // The same bytes in total, split differently.
            SignedParts { path: "/graphq", subgraph: "lpayment", ..good },
        ] {
            assert_eq!(secrets().verify_at(other, TIME), Err(SignatureError::Wrong));
        }
    }

    #[test]
    fn a_signature_is_good_for_its_bearer_alone() {
        let changes: [fn(&mut HeaderMap); 7] = [
            |headers| _ = headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer bob")),
            |headers| _ = headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer bob")),
            |headers| _ = headers.insert(AUTHORIZATION, HeaderValue::from_static("")),
            |headers| _ = headers.remove(AUTHORIZATION),
            |headers| _ = headers.insert(CLIENT, HeaderValue::from_static("203.0.113.8")),
            |headers| _ = headers.append(CLIENT, HeaderValue::from_static("203.0.113.8")),
            |headers| _ = headers.remove(CLIENT),
        ];

        for change in changes {
            let mut headers = signed();
            change(&mut headers);
            assert_eq!(secrets().verify_at(parts(&headers), TIME), Err(SignatureError::Wrong), "{headers:?}");
        }
    }

    #[test]
    fn a_trace_is_asked_for_by_whoever_signs() {
        let mut headers = headers();
        headers.insert(TRACE, HeaderValue::from_static("1"));
        let mut traced = headers.clone();
        traced.insert(SIGNATURE, secrets().sign_at(parts(&headers), TIME));
        let mut added = signed();
        added.insert(TRACE, HeaderValue::from_static("1"));
        let mut removed = traced.clone();
        removed.remove(TRACE);

        assert_eq!(secrets().verify_at(parts(&traced), TIME), Ok(()));
        for changed in [added, removed] {
            assert_eq!(secrets().verify_at(parts(&changed), TIME), Err(SignatureError::Wrong), "{changed:?}");
        }
    }

    #[test]
    fn a_header_that_nobody_acts_upon_may_change_on_the_way() {
        let mut headers = signed();
        headers.insert("traceparent", HeaderValue::from_static("00-1-2-01"));

        assert_eq!(secrets().verify_at(parts(&headers), TIME), Ok(()));
    }

    #[test]
    fn a_message_is_good_for_its_content_and_address_and_of_either_secret() {
        let signature = secrets().sign_message("there", BODY);

        assert!(secrets().verify_message("there", BODY, &signature));
        assert!(!secrets().verify_message("here", BODY, &signature));
        assert!(!secrets().verify_message("there", b"{}", &signature));
        assert!(!one("b").verify_message("there", BODY, &signature));
        assert!(!secrets().verify_message("there", BODY, ""));
        let both = Secrets::try_new(&secret("b"), Some(&secret("a"))).expect("they are long enough");
        assert!(both.verify_message("there", BODY, &signature));
    }

    #[test]
    fn what_is_no_signature_is_rejected() {
        let good = signed()[SIGNATURE].to_str().expect("letters").to_owned();
        let (time, mac) = good.split_once('.').expect("two parts");
        let cases = [
            (String::new(), SignatureError::Malformed),
            ("garbage".to_owned(), SignatureError::Malformed),
            (".".to_owned(), SignatureError::Malformed),
            (format!("{time}."), SignatureError::Wrong),
            (time.to_owned(), SignatureError::Malformed),
            (mac.to_owned(), SignatureError::Malformed),
            (format!("-{good}"), SignatureError::Malformed),
            (format!("+{good}"), SignatureError::Malformed),
            (format!("0{good}"), SignatureError::Malformed),
            (format!("{good}="), SignatureError::Malformed),
            (format!("{good}.{mac}"), SignatureError::Malformed),
            (format!("{time}.{}", &mac[..mac.len() - 4]), SignatureError::Wrong),
            (format!("{}.{mac}", TIME + 1), SignatureError::Wrong),
            (format!("99999999999999999999.{mac}"), SignatureError::Malformed),
        ];

        for (value, refused) in cases {
            let mut headers = headers();
            headers.insert(SIGNATURE, HeaderValue::try_from(&value).expect("a header's value"));
            assert_eq!(secrets().verify_at(parts(&headers), TIME), Err(refused), "{value}");
        }
        assert_eq!(secrets().verify_at(parts(&headers()), TIME), Err(SignatureError::NotOne));
    }

    #[test]
    fn two_signatures_are_rejected() {
        let mut headers = signed();
        headers.append(SIGNATURE, headers[SIGNATURE].clone());

        assert_eq!(secrets().verify_at(parts(&headers), TIME), Err(SignatureError::NotOne));
    }

    #[test]
    fn two_secrets_are_accepted_during_a_change_and_no_third() {
        let headers = signed();
        let changing = |previous: &str| {
            let (subgraph_secret, subgraph_secret_previous) = (Some(secret("b")), Some(secret(previous)));
            let settings = SecretSettings { subgraph_secret, subgraph_secret_previous, ..SecretSettings::default() };
            settings.secrets().expect("they are good").expect("there are some")
        };

        assert_eq!(changing("a").verify_at(parts(&headers), TIME), Ok(()));
        assert_eq!(changing("c").verify_at(parts(&headers), TIME), Err(SignatureError::Wrong));
        assert_eq!(one("b").verify_at(parts(&headers), TIME), Err(SignatureError::Wrong));
        assert_eq!(
            Secret::random().reveal().parse::<Secrets>().expect("it is long enough").verify_at(parts(&headers), TIME),
            Err(SignatureError::Wrong)
        );
    }

    #[test]
    fn a_short_secret_is_rejected_with_its_length() {
        let settings = |length| {
            let tried = Some(Secret::from("x".repeat(length)));
            [
                SecretSettings { subgraph_secret: tried.clone(), ..SecretSettings::default() },
                SecretSettings {
                    subgraph_secret: Some(secret("a")),
                    subgraph_secret_previous: tried,
                    ..SecretSettings::default()
                },
            ]
        };

        for short in settings(31) {
            let error = short.secrets().err().expect("it is short").to_string();
            assert!(error.contains("at least 32 bytes, and this one has 31") && !error.contains("xx"), "{error}");
        }
        for long in settings(32) {
            assert!(long.secrets().is_ok());
        }
    }

    #[test]
    fn a_secret_may_be_in_a_file() {
        let directory = std::env::temp_dir().join(format!("lyceum-secret-{}", std::process::id()));
        fs::write(&directory, format!("{}\n", "a".repeat(32))).expect("a temporary file");
        let settings = SecretSettings { subgraph_secret_file: Some(directory.clone()), ..SecretSettings::default() };

        let read = settings.secrets().expect("it is good").expect("there is one");
        fs::remove_file(&directory).expect("the file is there");

        assert_eq!(read.verify_at(parts(&signed()), TIME), Ok(()));
        let missing = settings.secrets().err().expect("the file is gone");
        assert!(missing.to_string().contains("lyceum-secret-"), "{missing}");
    }

    #[test]
    fn the_previous_secret_alone_is_a_mistake() {
        let settings = SecretSettings { subgraph_secret_previous: Some(secret("a")), ..SecretSettings::default() };

        assert!(matches!(settings.secrets(), Err(SecretError::OnlyPrevious(_))));
    }

    #[test]
    fn without_a_secret_there_is_none_unless_one_is_made() {
        let empty = SecretSettings { subgraph_secret: Some(Secret::from(String::new())), ..SecretSettings::default() };

        for settings in [SecretSettings::default(), empty] {
            assert!(settings.secrets().expect("nothing is wrong").is_none());
            let [one, other] = [settings.clone(), settings].map(|settings| settings.or_random().secrets());
            let [one, other] = [one, other].map(|secrets| secrets.expect("it is long enough").expect("one is made"));
            assert_ne!(one.sign_at(parts(&headers()), TIME), other.sign_at(parts(&headers()), TIME));
        }
    }

    #[test]
    fn a_door_is_open_on_loopback_only_and_only_if_somebody_asks_for_it() {
        let loopback: [SocketAddr; 2] = ["127.0.0.1:8001", "[::1]:8001"].map(|text| text.parse().expect("an address"));
        let public: [SocketAddr; 2] = ["0.0.0.0:8001", "[::]:8001"].map(|text| text.parse().expect("an address"));

        for address in loopback {
            assert!(matches!(RouterAuth::for_address(address, None, false), Err(SecretError::Missing)));
            assert!(matches!(RouterAuth::for_address(address, None, true), Ok(RouterAuth::InsecureDev)));
        }
        for address in public {
            assert!(matches!(RouterAuth::for_address(address, None, false), Err(SecretError::Missing)));
            assert!(matches!(RouterAuth::for_address(address, None, true), Err(SecretError::Exposed(_))));
            assert!(matches!(RouterAuth::for_address(address, Some(secrets()), false), Ok(RouterAuth::Signed(_))));
            // With a secret, `--insecure-dev` has no effect.
            assert!(matches!(RouterAuth::for_address(address, Some(secrets()), true), Ok(RouterAuth::Signed(_))));
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let settings = SecretSettings { subgraph_secret: Some(secret("a")), ..SecretSettings::default() };

        assert!(!format!("{settings:?}").contains("aaa"));
    }
}
