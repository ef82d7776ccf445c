//! What `docs/operations.md` says of metrics, alerts and log lines, against what there is of them.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::workspace::root;

/// What Prometheus adds itself.
const PROMETHEUS: [&str; 3] = ["ALERTS", "scrape_", "up"];

fn operations() -> Result<String> {
    Ok(std::fs::read_to_string(root().join("docs/operations.md"))?)
}

/// Fails unless each of these metrics has its place in the table.
pub fn expect_metrics(names: &BTreeSet<String>) -> Result<()> {
    let text = operations()?;
    let of_histogram =
        |name: &str| ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).map(str::to_owned);
    let is_described = |name: &str| text.contains(&format!("`{name}`"));
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !PROMETHEUS.iter().any(|beginning| name.starts_with(beginning)))
        .filter(|name| !is_described(name) && !of_histogram(name).is_some_and(|whole| is_described(&whole)))
        .map(String::as_str)
        .collect();
    ensure!(missing.is_empty(), "docs/operations.md does not explain {}", missing.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use regex::Regex;

    use super::*;

    fn found(expression: &str, text: &str) -> BTreeSet<String> {
        let expression = Regex::new(expression).expect("a valid expression");
        expression.captures_iter(text).map(|found| found[1].to_owned()).collect()
    }

    #[test]
    fn each_alert_is_explained_and_tried() {
        let files = root().join("deploy/monitoring");
        let alerts = std::fs::read_to_string(files.join("alerts.yml")).expect("alerts");
        let trials = std::fs::read_to_string(files.join("alerts.test.yml")).expect("trials");

        let alerts = found(r"(?m)^ *- alert: (\w+)$", &alerts);
        assert_eq!(found(r"(?m)^\| `(Lyceum\w+)` \|", &operations().expect("docs")), alerts);
        assert_eq!(found(r#"alertname="(\w+)""#, &trials), alerts);
    }

    #[test]
    fn each_warning_and_error_in_the_log_is_explained() {
        let docs = operations().expect("docs");
        let mut messages = BTreeSet::new();
        for part in ["lyceum/src", "router/src", "kit", "subgraphs"] {
            for file in sources(&root().join(part)) {
                messages.extend(logged(&std::fs::read_to_string(file).expect("a source")));
            }
        }

        assert!(messages.len() > 30, "{messages:?}");
        let silent: Vec<_> = messages.iter().filter(|message| !docs.contains(message.as_str())).collect();
        assert!(silent.is_empty(), "docs/operations.md does not explain {silent:?}");
    }

    /// The Rust files that make a program.
    fn sources(directory: &Path) -> Vec<PathBuf> {
        let entries = directory.read_dir().expect("a directory").map(|entry| entry.expect("an entry").path());
        let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        let files = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
        files.chain(directories.iter().filter(|path| !path.ends_with("tests")).flat_map(|path| sources(path))).collect()
    }

    /// The messages of `warn!` and `error!` in a source, without its tests; each up to what is put in.
    fn logged(source: &str) -> BTreeSet<String> {
        let (source, _) = source.split_once("#[cfg(test)]").unwrap_or((source, ""));
        let call = Regex::new(r"\b(?:warn|error)!\(").expect("a valid expression");
        let messages = call.find_iter(source).filter_map(|call| last_text(&source[call.end()..]));
        let fixed = messages.filter_map(|message| message.split('{').next().map(|text| text.trim().to_owned()));
        fixed.filter(|message| !message.is_empty()).collect()
    }

    /// The last text among a macro's arguments.
    fn last_text(arguments: &str) -> Option<String> {
        let (mut depth, mut last, mut text) = (1, None, None::<String>);
        for letter in arguments.chars() {
            match (&mut text, letter) {
                (Some(_), '"') => last = text.take(),
                (Some(text), letter) => text.push(letter),
                (None, '"') => text = Some(String::new()),
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                (None, _) => {}
            }
            if depth == 0 {
                break;
            }
        }
        last
    }

    #[test]
    fn messages_are_found_wherever_they_stand() {
        let source = r#"
            Err(error) if first => warn!(%error, "one"),
            error!(error = format!("{error:#}"), "two: {what} (again)");
            warn!(
                service, reason = ?(reason),
                "three"
            );
            info!("four");
            warn!("{FIVE}");
            #[cfg(test)]
            warn!("six");
        "#;

        assert_eq!(logged(source), BTreeSet::from(["one", "two:", "three"].map(str::to_owned)));
    }

    #[test]
    fn a_metric_that_nobody_explains_is_found() {
        let names =
            ["up", "scrape_samples_scraped", "lyceum_events_pending", "db_client_operation_duration_seconds_sum"];
        let mut names: BTreeSet<_> = names.map(str::to_owned).into();
        expect_metrics(&names).expect("all are explained");

        names.insert("lyceum_unheard_of".to_owned());

        let error = expect_metrics(&names).expect_err("one is not").to_string();
        assert!(error.ends_with("does not explain lyceum_unheard_of"), "{error}");
    }
}
