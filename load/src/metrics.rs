//! Parses `/metrics`, in the text format of Prometheus.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

/// All series of one scrape.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    series: HashMap<String, Vec<Sample>>,
}

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    labels: HashMap<String, String>,
    /// The current value.
    pub value: f64,
}

impl Sample {
    /// The label's value; empty if it is missing.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

impl Metrics {
    /// Parses the text format.
    ///
    /// # Errors
    /// If a line is not a sample.
    pub fn parse(text: &str) -> Result<Self> {
        let mut metrics = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, sample) = series(line).with_context(|| format!("no series: {line}"))?;
            metrics.series.entry(name).or_default().push(sample);
        }
        Ok(metrics)
    }

    /// Scrapes an endpoint.
    ///
    /// # Errors
    /// If the endpoint does not respond, or not with metrics.
    pub async fn of(url: &str) -> Result<Self> {
        Self::parse(&reqwest::get(url).await?.error_for_status()?.text().await?)
    }

    /// Keeps only the series of this name.
    #[must_use]
    pub fn only(mut self, name: &str) -> Self {
        self.series.retain(|known, _| known == name);
        self
    }

    /// The series of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Sample> {
        self.series.get(name).into_iter().flatten()
    }

    /// The sums of the series of this name, grouped by labels.
    #[must_use]
    pub fn sums(&self, name: &str, labels: &[&str]) -> HashMap<Vec<String>, f64> {
        let mut sums = HashMap::new();
        for sample in self.all(name) {
            let group = labels.iter().map(|label| sample.label(label).to_owned()).collect();
            *sums.entry(group).or_default() += sample.value;
        }
        sums
    }
}

/// `name{label="value",…} 1.5`
fn series(line: &str) -> Option<(String, Sample)> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = HashMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.trim_start_matches(',').split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(label.to_owned(), value);
            rest = after;
        }
        rest = &rest[1..];
    }
    Some((name.to_owned(), Sample { labels, value: rest.split_whitespace().next()?.parse().ok()? }))
}

/// Parses a quoted string; returns it and the rest.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                letter => letter,
            }),
            letter => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_read_with_their_labels() {
        let text = "# HELP waits How long.\n# TYPE waits counter\nwaits{pool=\"a\",of=\"x, \\\"y\\\" = {z}\"} 1.5\n\
                    waits{pool=\"b\",of=\"\"} 2\nwaits{pool=\"a\",of=\"w\"} 3e1\nalone 4\n";

        let metrics = Metrics::parse(text).expect("metrics");

        assert_eq!(metrics.all("waits").next().expect("a series").label("of"), "x, \"y\" = {z}");
        let sums = metrics.sums("waits", &["pool"]);
        assert_eq!(sums, HashMap::from([(vec!["a".to_owned()], 31.5), (vec!["b".to_owned()], 2.0)]));
        assert_eq!(metrics.sums("alone", &[]), HashMap::from([(vec![], 4.0)]));
        assert_eq!(metrics.sums("none", &[]), HashMap::new());
    }

    #[test]
    fn what_is_no_series_is_refused() {
        for text in ["waits", "waits{pool=\"a\" 1", "waits{pool} 1", "waits much"] {
            assert!(Metrics::parse(text).is_err(), "{text}");
        }
    }
}
