//! JSON that is parsed and serialized with the order of its entries, its numbers and its strings unchanged.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The entries of a JSON object, in their order.
#[derive(Clone)]
pub struct Entries<'json>(Vec<(Cow<'json, str>, &'json RawValue)>);

impl<'json> Entries<'json> {
    pub fn get(&self, name: &str) -> Option<&'json RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &'json RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    pub fn filtered(mut self, is_kept: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|(name, _)| is_kept(name));
        self
    }

    /// Serializes the entries, with another value, as JSON, for one name.
    pub fn write_with(&self, changed: &str, value: &str, to: &mut String) {
        self.write(to, |name, old, to| {
            write_key(name, to);
            to.push_str(if name == changed { value } else { old.get() });
        });
    }

    pub fn write(&self, to: &mut String, mut write_entry: impl FnMut(&str, &'json RawValue, &mut String)) {
        to.push('{');
        for (number, (name, value)) in self.0.iter().enumerate() {
            if number > 0 {
                to.push(',');
            }
            write_entry(name, value, to);
        }
        to.push('}');
    }
}

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

pub fn entries(object: &RawValue) -> Entries<'_> {
    serde_json::from_str(object.get()).unwrap_or(Entries(Vec::new()))
}

pub fn write_list(list: &RawValue, to: &mut String, mut write_item: impl FnMut(&RawValue, &mut String)) {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else {
        to.push_str(list.get());
        return;
    };
    to.push('[');
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            to.push(',');
        }
        write_item(item, to);
    }
    to.push(']');
}

pub fn write_key(key: &str, to: &mut String) {
    write_string(key, to);
    to.push(':');
}

pub fn write_string(text: &str, to: &mut String) {
    to.push_str(&serde_json::Value::from(text).to_string());
}
