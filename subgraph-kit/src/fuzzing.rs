//! What must hold of any bytes that somebody sends. `fuzz/` tries random ones, and the tests below try those of its
//! corpus.

use async_graphql::{ScalarType as _, Value};
use http::{HeaderMap, HeaderValue, Method, header::AUTHORIZATION};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    CourseId, UserId,
    client_ip::HEADER as CLIENT,
    events::{Event, inbox},
    money::{MAX_AMOUNT, amount_fault, with_cents},
    page::{Cursor, EARLIEST_SECOND, PageArgs},
    seal::{Fact, SealKeys},
    secret::MIN_SECRET_LENGTH,
    signature::{SIGNATURE, Secret, Secrets, SignedParts},
};

const TYPE_NAMES: [&str; 5] = ["course", "enrollment", "notification", "payment", "user"];
const SIGNED_AT: u64 = 1_800_000_000;

/// A type name, by the first byte, and a cursor: one that is accepted is the very text that its position has, in a list of
/// this type and of no other.
pub fn cursor(data: &[u8]) {
    let Some((type_name, cursor)) = data.split_first() else { return };
    let Ok(cursor) = str::from_utf8(cursor) else { return };
    let type_name = TYPE_NAMES[usize::from(*type_name) % TYPE_NAMES.len()];
    let accepted =
        |type_name| PageArgs::try_new(type_name, None, Some(cursor), None, None).ok().and_then(|args| args.after);
    if let Some(position) = accepted(type_name) {
        assert_eq!(position.encode(type_name), cursor);
        assert_eq!(TYPE_NAMES.into_iter().filter(|type_name| accepted(type_name).is_some()).count(), 1);
    }
    let mut bytes = [0; 24];
    let length = cursor.len().min(bytes.len());
    bytes[..length].copy_from_slice(&cursor.as_bytes()[..length]);
    let [micros, id] = [&bytes[..8], &bytes[8..]];
    let micros = i64::from_be_bytes(micros.try_into().expect("8 bytes"));
    if let Some(time) = chrono::DateTime::from_timestamp_micros(micros) {
        let position = Cursor { time, id: Uuid::from_slice(id).expect("16 bytes") };
        let again = Cursor::decode(type_name, &position.encode(type_name));
        assert!(again.is_none_or(|again| again == position));
        assert_eq!(again.is_some(), time.timestamp() >= EARLIEST_SECOND);
    }
}

/// What is signed, in lines, with the place and the kind of a change before it: what was signed is accepted, and nothing
/// else is, whichever part is another one.
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
    let fact = Fact::CourseTeacher { course: CourseId(id(path)), teacher: UserId(id(token)) };
    let seal = seals.seal(fact);
    assert!(seals.verify(fact, &seal));
    assert!(!seals.verify(fact, &String::from_utf8_lossy(&changed(seal.as_bytes()))));
    assert!(claimed == seal || !seals.verify(fact, &claimed));
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
    // Whatever somebody makes up.
    for claimed in [parts[2], parts[4]] {
        assert!(claimed == signature || verify(parts, Some(claimed)).is_none_or(|(_, accepted)| !accepted));
    }
}

/// What comes from the bus: an event is the same when it is written and read again, and the inbox keeps it.
pub fn event(data: &[u8]) {
    let kept = inbox::read(data);
    let Ok(event) = serde_json::from_slice::<Event>(data) else { return };
    let written = serde_json::to_vec(&event).expect("an event is JSON");
    assert_eq!(serde_json::from_slice::<Event>(&written).expect("it is an event"), event);

    let (envelope, text) = kept.unwrap_or_else(|_| panic!("the inbox has to keep an event"));
    assert_eq!((envelope.id, envelope.subject), (event.id, event.subject));
    assert_eq!(envelope.r#type, event.payload.event_type().name());
    assert_eq!(serde_json::from_str::<Event>(&text).expect("it is an event"), event);
}

/// A price as JSON, or as the text that a client writes: one that is accepted is a whole number of cents within the
/// column's range, and is the same amount wherever it is written.
pub fn price(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let json = serde_json::from_str::<serde_json::Value>(text).unwrap_or_else(|_| text.into());
    let Ok(json) = Value::from_json(json) else { return };
    let Ok(amount) = Decimal::parse(json) else { return };
    check_written(amount);
    if amount_fault(amount).is_some() {
        assert!(amount <= Decimal::ZERO || amount > MAX_AMOUNT || !(amount * Decimal::ONE_HUNDRED).is_integer());
        return;
    }
    let cents = amount.checked_mul(Decimal::ONE_HUNDRED).expect("it is within the range");
    assert!(cents.is_integer() && (Decimal::ONE..=Decimal::from(999_999_999_999_u64)).contains(&cents), "{amount}");
    let exact = with_cents(amount);
    assert_eq!((exact, exact.scale()), (amount, 2));
    assert_eq!(exact.to_string(), format!("{amount:.2}"));
    check_written(exact);
}

fn check_written(amount: Decimal) {
    assert_eq!(Decimal::parse(amount.to_value()).expect("it is one"), amount);
    let json = serde_json::to_string(&amount).expect("it is JSON");
    assert_eq!(serde_json::from_str::<Decimal>(&json).expect("it is one"), amount);
}

#[cfg(test)]
mod tests {
    use subgraph_testing::corpus::for_each_input;

    #[test]
    fn a_cursor_is_the_text_of_its_position() {
        for_each_input("cursor", super::cursor);
    }

    #[test]
    fn nothing_is_accepted_but_what_was_signed() {
        for_each_input("signature", super::signature);
    }

    #[test]
    fn an_event_is_the_same_when_it_is_written_and_read_again() {
        for_each_input("event", super::event);
    }

    #[test]
    fn an_accepted_price_is_a_number_of_cents() {
        for_each_input("price", super::price);
    }
}
