//! Properties that hold for any input. `fuzz/` checks them with random bytes, the tests below with its corpus.

use contracts::{CourseId, UserId};
use http::{HeaderMap, HeaderValue, Method, header::AUTHORIZATION};
use subgraph_kit::client_ip::HEADER as CLIENT;
use uuid::Uuid;

use crate::{
    seal::{SealKeys, SealedValue},
    secret::MIN_SECRET_LENGTH,
    signature::{SIGNATURE, Secret, Secrets, SignedParts},
};

const SIGNED_AT: u64 = 1_800_000_000;

/// Checks signed parts, one per line, after the position and the kind of a change: they verify unchanged, and with a
/// change in any part they do not.
pub fn signature(data: &[u8]) {
    let [place, change, rest @ ..] = data else { return };
    let (place, is_inserted) = (usize::from(place & 0x7f), place & 0x80 != 0);
    let changed = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        match bytes.len() {
            length if is_inserted || length == 0 => bytes.insert(place % (length + 1), *change),
            length => bytes[place % length] ^= (*change).max(1),
        }
        bytes
    };
    let secrets: Secrets = "a".repeat(MIN_SECRET_LENGTH).parse().expect("it is long enough");
    let seals = SealKeys::try_new(&Secret::from("b".repeat(MIN_SECRET_LENGTH))).expect("it is long enough");

    let mut lines = rest.splitn(5, |byte| *byte == b'\n');
    let [subgraph, path, token, client, body] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    check_request(&secrets, [subgraph, path, token, client, body], &changed);

    let address = String::from_utf8_lossy(subgraph);
    let signature = secrets.sign_message(&address, body);
    assert!(secrets.verify_message(&address, body, &signature));
    assert!(!secrets.verify_message(&address, &changed(body), &signature));
    assert!(!secrets.verify_message(&address, body, &String::from_utf8_lossy(&changed(signature.as_bytes()))));
    let claimed = String::from_utf8_lossy(token);
    assert!(claimed == signature || !secrets.verify_message(&address, body, &claimed));

    let id = |bytes: &[u8]| Uuid::from_u128(bytes.iter().fold(0, |id, byte| (id << 8) | u128::from(*byte)));
    let value = SealedValue::CourseTeacher { course: CourseId(id(path)), teacher: UserId(id(token)) };
    let seal = seals.seal(value);
    assert!(seals.verify(value, &seal));
    assert!(!seals.verify(value, &String::from_utf8_lossy(&changed(seal.as_bytes()))));
    assert!(claimed == seal || !seals.verify(value, &claimed));
}

fn check_request(secrets: &Secrets, parts: [&[u8]; 5], changed: &impl Fn(&[u8]) -> Vec<u8>) {
    let verify = |parts: [&[u8]; 5], signature: Option<&[u8]>| {
        let [subgraph, path, token, client, body] = parts;
        let (subgraph, path) = (str::from_utf8(subgraph).ok()?, str::from_utf8(path).ok()?);
        let mut headers = HeaderMap::new();
        for (name, value) in [(AUTHORIZATION, token), (CLIENT, client)] {
            headers.insert(name, HeaderValue::from_bytes(value).ok()?);
        }
        let parts = SignedParts { subgraph, method: &Method::POST, path, headers: &headers, body };
        let signed = secrets.sign_at(parts, SIGNED_AT);
        let Some(signature) = signature else { return Some((signed, false)) };
        let mut headers = headers.clone();
        headers.insert(SIGNATURE, HeaderValue::from_bytes(signature).ok()?);
        Some((signed, secrets.verify_at(SignedParts { headers: &headers, ..parts }, SIGNED_AT).is_ok()))
    };
    let Some((signature, _)) = verify(parts, None) else { return };
    let signature = signature.as_bytes();
    assert!(verify(parts, Some(signature)).expect("a request").1);
    for (index, part) in parts.iter().enumerate() {
        let other = changed(part);
        let mut others = parts;
        others[index] = &other;
        assert!(verify(others, Some(signature)).is_none_or(|(_, accepted)| !accepted), "part {index}");
    }
    assert!(verify(parts, Some(&changed(signature))).is_none_or(|(_, accepted)| !accepted));
    // Arbitrary signatures.
    for claimed in [parts[2], parts[4]] {
        assert!(claimed == signature || verify(parts, Some(claimed)).is_none_or(|(_, accepted)| !accepted));
    }
}

#[cfg(test)]
mod tests {
    use subgraph_testing::corpus::for_each_input;

    #[test]
    fn nothing_is_accepted_but_what_was_signed() {
        for_each_input("signature", super::signature);
    }
}
