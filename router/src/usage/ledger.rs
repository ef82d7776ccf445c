//! The counted requests of a day, and their file (`docs/graph-usage.md`).

use std::{collections::HashMap, mem};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::json;

use super::document::Uses;

/// Clients choose all that is told apart here.
const MAX_CLIENTS: usize = 200;
const MAX_OPERATIONS_PER_CLIENT: usize = 500;
const MAX_OPERATIONS: usize = 2_000;
/// Some ten megabytes.
const MAX_NAMES: usize = 200_000;
/// Of a client's or an operation's name, in bytes.
const MAX_NAME_BYTES: usize = 100;
/// Stands for what is above these bounds.
const OTHER: &str = "(other)";

/// Who asked for what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Key {
    pub client: String,
    pub version: String,
    pub operation: String,
    /// The SHA-256 hash of the document.
    pub id: String,
}

#[derive(Debug)]
struct Entry {
    requests: u64,
    last: DateTime<Utc>,
    uses: Uses,
}

/// What was counted on one day.
#[derive(Debug, Default)]
pub struct Ledger {
    day: NaiveDate,
    entries: HashMap<Key, Entry>,
    /// How many entries each client's version has.
    clients: HashMap<(String, String), usize>,
    /// How many names all entries have.
    names: usize,
    has_changed: bool,
}

/// A day's file.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    pub day: NaiveDate,
    pub text: String,
}

impl Key {
    /// Without names that are too long to be kept.
    pub fn bounded(mut self) -> Self {
        for name in [&mut self.client, &mut self.version, &mut self.operation] {
            if name.len() > MAX_NAME_BYTES {
                OTHER.clone_into(name);
            }
        }
        self
    }
}

impl Ledger {
    /// Whether this is counted by itself today, so that what its text uses is known.
    pub fn knows(&self, key: &Key, now: DateTime<Utc>) -> bool {
        now.date_naive() <= self.day && self.entries.contains_key(key)
    }

    /// Counts a request, and what it uses. What is left of the day before is returned.
    pub fn count(&mut self, key: Key, now: DateTime<Utc>, uses: Uses) -> Option<File> {
        let finished = self.begin(now.date_naive());
        self.has_changed = true;
        let key = if self.entries.contains_key(&key) { key } else { self.place(key) };
        if !self.entries.contains_key(&key) {
            *self.clients.entry((key.client.clone(), key.version.clone())).or_default() += 1;
        }
        let entry = self.entries.entry(key).or_insert_with(|| Entry { requests: 0, last: now, uses: Uses::new() });
        let before = entry.uses.len();
        entry.add(now, uses);
        self.names += entry.uses.len() - before;
        finished
    }

    /// The day's file; `None` if nothing was counted since the last one.
    pub fn take_file(&mut self) -> Option<File> {
        if !mem::take(&mut self.has_changed) {
            return None;
        }
        let day = self.day.to_string();
        let mut lines = vec![json!({ "format": "graphql-usage", "version": 1 }).to_string()];
        lines.extend(self.entries.iter().map(|(key, entry)| entry.line(&day, key)));
        // So that two files can be compared.
        lines[1..].sort_unstable();
        lines.push(String::new());
        Some(File { day: self.day, text: lines.join("\n") })
    }

    /// The day's file could not be written.
    pub fn write_again(&mut self, day: NaiveDate) {
        self.has_changed |= day == self.day;
    }

    fn begin(&mut self, day: NaiveDate) -> Option<File> {
        // A request may come a moment later than one of the next day.
        if day <= self.day {
            return None;
        }
        let finished = self.take_file();
        *self = Self { day, ..Self::default() };
        finished
    }

    /// Where a new key is counted: by itself as long as there is room.
    fn place(&self, key: Key) -> Key {
        let client = (key.client.clone(), key.version.clone());
        let known = self.clients.get(&client).copied();
        if known.is_none() && self.clients.len() >= MAX_CLIENTS {
            return Key { client: OTHER.into(), version: OTHER.into(), operation: OTHER.into(), id: String::new() };
        }
        if known.unwrap_or(0) >= MAX_OPERATIONS_PER_CLIENT
            || self.entries.len() >= MAX_OPERATIONS
            || self.names >= MAX_NAMES
        {
            return Key { operation: OTHER.into(), id: String::new(), ..key };
        }
        key
    }
}

impl Entry {
    fn add(&mut self, now: DateTime<Utc>, uses: Uses) {
        self.requests += 1;
        self.last = self.last.max(now);
        self.uses.extend(uses);
    }

    fn line(&self, day: &str, key: &Key) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            day: &'a str,
            #[serde(flatten)]
            key: &'a Key,
            requests: u64,
            last: String,
            uses: &'a Uses,
        }
        let last = self.last.to_rfc3339_opts(SecondsFormat::Secs, true);
        let line = Line { day, key, requests: self.requests, last, uses: &self.uses };
        serde_json::to_string(&line).expect("names and numbers are JSON")
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn key(client: &str, id: usize) -> Key {
        Key { client: client.into(), version: "1".into(), operation: "Home".into(), id: format!("{id:064}") }
    }

    fn noon() -> DateTime<Utc> {
        "2026-11-30T12:00:00Z".parse().expect("a time")
    }

    fn uses(names: &[&str]) -> Uses {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn lines(ledger: &mut Ledger) -> Vec<serde_json::Value> {
        let file = ledger.take_file().expect("something was counted");
        file.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn requests_of_one_client_and_document_are_one_line() {
        let mut ledger = Ledger::default();
        let later = noon() + TimeDelta::minutes(1);

        ledger.count(key("web", 1), noon(), uses(&["Query.me"]));
        ledger.count(key("web", 1), later, uses(&["Order.TITLE"]));

        assert_eq!(
            lines(&mut ledger),
            [
                json!({ "format": "graphql-usage", "version": 1 }),
                json!({ "day": "2026-11-30", "client": "web", "version": "1", "operation": "Home", "id": format!("{:064}", 1),
                        "requests": 2, "last": "2026-11-30T12:01:00Z", "uses": ["Order.TITLE", "Query.me"] }),
            ]
        );
        assert_eq!(ledger.take_file(), None);
    }

    #[test]
    fn a_new_day_begins_with_nothing() {
        let mut ledger = Ledger::default();
        ledger.count(key("web", 1), noon(), uses(&["Query.me"]));

        let finished = ledger.count(key("web", 2), noon() + TimeDelta::days(1), Uses::new());

        assert_eq!(finished.expect("the day is over").day.to_string(), "2026-11-30");
        assert_eq!(lines(&mut ledger).len(), 2);
    }

    #[test]
    fn one_client_takes_its_share_and_no_use_is_lost() {
        let mut ledger = Ledger::default();
        for id in 0..MAX_OPERATIONS_PER_CLIENT + 100 {
            ledger.count(key("flood", id), noon(), uses(&["Query.courses"]));
        }
        ledger.count(key("flood", 100_000), noon(), uses(&["Query.payments"]));
        ledger.count(key("web", 1), noon(), uses(&["Query.me"]));

        let lines = lines(&mut ledger);
        assert_eq!(lines.len(), 1 + MAX_OPERATIONS_PER_CLIENT + 1 + 1);
        let other = lines.iter().find(|line| line["operation"] == OTHER).expect("some are not told apart");
        assert_eq!(other["requests"], 101);
        assert_eq!(other["uses"], json!(["Query.courses", "Query.payments"]));
        assert!(lines.iter().any(|line| line["client"] == "web" && line["uses"] == json!(["Query.me"])));
    }

    #[test]
    fn many_clients_are_bounded() {
        let mut ledger = Ledger::default();
        for number in 0..10_000 {
            ledger.count(key(&format!("client {number}"), number), noon(), Uses::new());
        }

        let lines = lines(&mut ledger);
        assert_eq!(lines.len(), 1 + MAX_CLIENTS + 1);
        let requests: u64 = lines.iter().filter_map(|line| line["requests"].as_u64()).sum();
        assert_eq!(requests, 10_000);
    }

    #[test]
    fn names_are_bounded_and_none_is_lost() {
        let mut ledger = Ledger::default();
        let many: Uses = (0..MAX_NAMES / 4).map(|number| format!("Query.field{number}")).collect();
        for id in 0..8 {
            ledger.count(key("web", id), noon(), many.clone());
        }

        let lines = lines(&mut ledger);
        assert_eq!(lines.len(), 1 + 4 + 1);
        assert_eq!(
            lines.iter().find(|line| line["operation"] == OTHER).map(|line| line["requests"].clone()),
            Some(json!(4))
        );
    }

    #[test]
    fn long_names_are_not_kept() {
        let bounded = Key { client: "a".repeat(101), ..key("", 1) }.bounded();

        assert_eq!(bounded, key(OTHER, 1));
    }
}
