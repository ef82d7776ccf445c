//! Puts nodes where the client expects them in a response.

use std::collections::{HashMap, HashSet};

use serde_json::{Value as JsonValue, value::RawValue};

use super::fields::{NodePosition, RequestedNodes};
use crate::hive_gaps::json::{Entries, entries, write_key, write_string};

/// The keys in the router's response that have a node.
type Found<'a> = HashMap<NodePosition, (&'a str, &'a RawValue)>;

impl RequestedNodes {
    /// Puts nodes where the client expects them, with the errors that are about them. Invalid JSON stays as it is.
    pub fn merge(&self, response: &str) -> String {
        let mut merged = String::with_capacity(response.len());
        match serde_json::from_str(response) {
            Ok(response) => self.merge_response(&response, &mut merged),
            Err(_) => response.clone_into(&mut merged),
        }
        merged
    }

    fn merge_response(&self, response: &Entries<'_>, merged: &mut String) {
        let from_router = response.get("data").filter(|data| is_object(data)).map(entries);
        let found = from_router.as_ref().map(|data| self.find(data)).unwrap_or_default();
        let data = from_router.as_ref().map(|data| self.merge_data(data, &found));
        let errors = response.get("errors").map(|errors| self.errors(errors, &found, data.as_deref()));
        let errors = errors.unwrap_or_default();
        let response = response.clone().filtered(|name| name != "errors" || !errors.is_empty());
        response.write(merged, |name, value, merged| {
            write_key(name, merged);
            match name {
                "data" => merged.push_str(data.as_deref().unwrap_or(value.get())),
                "errors" => write_items(errors.iter().map(String::as_str), merged),
                // Apollo's multipart protocol.
                "payload" => match serde_json::from_str(value.get()) {
                    Ok(response) => self.merge_response(&response, merged),
                    Err(_) => merged.push_str(value.get()),
                },
                _ => merged.push_str(value.get()),
            }
        });
    }

    fn find<'a>(&self, data: &'a Entries<'_>) -> Found<'a> {
        let of = |(key, value): (&'a str, &'a RawValue)| Some((*self.nodes.keys.get(key)?, (key, value)));
        let mut found = Found::new();
        for (place, node) in data.iter().filter(|(_, value)| is_object(value)).filter_map(of) {
            found.entry(place).or_insert(node);
        }
        found
    }

    fn merge_data(&self, data: &Entries<'_>, found: &Found<'_>) -> String {
        let mut merged = String::new();
        let field_of = |key: &str| self.nodes.keys.get(key).map(|place| &self.nodes.fields[place.field]);
        let data = data.clone().filtered(|key| field_of(key).is_none_or(|field| field.first == key));
        data.write(&mut merged, |key, value, merged| {
            let Some(place) = self.nodes.keys.get(key) else {
                write_key(key, merged);
                merged.push_str(value.get());
                return;
            };
            let field = &self.nodes.fields[place.field];
            let node = |item| found.get(&NodePosition { item, ..*place }).map_or("null", |(_, value)| value.get());
            write_key(&field.key, merged);
            match self.lengths[place.field] {
                Some(length) => write_items((0..length).map(node), merged),
                None => merged.push_str(node(0)),
            }
        });
        merged
    }

    /// The errors that are about the client's fields. What another type's field failed with is nothing about the node;
    /// if no field has it, one error of them is enough. An error of a whole fetch has no path: it is about nothing if
    /// nothing is null.
    fn errors(&self, errors: &RawValue, found: &Found<'_>, data: Option<&str>) -> Vec<String> {
        let is_complete = data.and_then(|data| serde_json::from_str(data).ok()).is_some_and(|data| !has_null(&data));
        let Ok(errors) = serde_json::from_str::<Vec<&RawValue>>(errors.get()) else { return Vec::new() };
        let mut failed = HashSet::new();
        let mut kept = Vec::with_capacity(errors.len());
        for error in errors {
            let fields = entries(error);
            let path = fields.get("path").and_then(|path| serde_json::from_str::<Vec<&RawValue>>(path.get()).ok());
            let Some((key, place)) = path.as_deref().and_then(|path| self.place_of(path.first()?)) else {
                if !is_complete || fields.get("path").is_some() {
                    kept.push(error.get().to_owned());
                }
                continue;
            };
            let path = path.unwrap_or_default();
            if self.lengths[place.field].is_some_and(|length| place.item >= length) {
                continue;
            }
            let is_kept = match found.get(&place) {
                Some((found, _)) => *found == key,
                None => path.len() > 1 || failed.insert(place),
            };
            if is_kept {
                let mut written = String::with_capacity(error.get().len());
                fields.write_with("path", &self.path(place, &path[1..]), &mut written);
                kept.push(written);
            }
        }
        kept
    }

    fn place_of(&self, segment: &RawValue) -> Option<(String, NodePosition)> {
        let key: String = serde_json::from_str(segment.get()).ok()?;
        let place = *self.nodes.keys.get(&key)?;
        Some((key, place))
    }

    fn path(&self, place: NodePosition, rest: &[&RawValue]) -> String {
        let field = &self.nodes.fields[place.field];
        let mut key = String::new();
        write_string(&field.key, &mut key);
        let item = self.lengths[place.field].map(|_| place.item.to_string());
        let mut path = String::new();
        let segments =
            [key.as_str()].into_iter().chain(item.as_deref()).chain(rest.iter().map(|segment| segment.get()));
        write_items(segments, &mut path);
        path
    }
}

fn is_object(value: &RawValue) -> bool {
    value.get().starts_with('{')
}

fn has_null(value: &JsonValue) -> bool {
    match value {
        JsonValue::Null => true,
        JsonValue::Array(items) => items.iter().any(has_null),
        JsonValue::Object(entries) => entries.values().any(has_null),
        _ => false,
    }
}

fn write_items<'a>(items: impl Iterator<Item = &'a str>, to: &mut String) {
    to.push('[');
    for (number, item) in items.enumerate() {
        if number > 0 {
            to.push(',');
        }
        to.push_str(item);
    }
    to.push(']');
}
