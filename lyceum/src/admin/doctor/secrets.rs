//! The signing keys, and the secrets between processes.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use auth::secret::{self, Secret, SecretError, SecretPair};
use identity::Keys;
use serde_json::Value;
use service::peers;

use super::{report::Report, settings::Settings};

const JWKS_TIMEOUT: Duration = Duration::from_secs(5);

const SECRETS: &str = "secrets";

pub async fn examine(settings: &Settings) -> Report {
    let mut report = Report::new("system");
    let signing = signing_keys(settings, &mut report);
    published_keys(settings, signing, &mut report).await;
    if settings.is_up() {
        report.ok(SECRETS, "`lyceum up` makes its own");
    } else {
        shared_secrets(settings, &mut report);
    }
    report
}

/// The ids of the keys that identity signs with, if they are on this machine.
fn signing_keys(settings: &Settings, report: &mut Report) -> Option<BTreeSet<String>> {
    const CHECK: &str = "signing-keys";
    let is_given = settings.keys.keys_dir.is_some() || settings.keys.tokens.signing_key.is_some();
    let directory = settings.keys.directory(&settings.data_dir);
    let loaded = directory.and_then(|directory| {
        let keys = Keys::load(&directory, &settings.keys.tokens)?;
        Ok((directory, keys))
    });
    match loaded {
        Ok((directory, keys)) => {
            let ids: BTreeSet<_> = keys.jwks().keys.into_iter().filter_map(|key| key.common.key_id).collect();
            let rotation = if ids.len() > 1 { ", so a rotation is under way" } else { "" };
            report.ok(CHECK, format!("{} in use{rotation}", ids.len()));
            if let Some(file) = open_file(&directory) {
                report.problem(
                    CHECK,
                    format!("everybody on this machine may read {file}"),
                    format!("`chmod 600 {file}`"),
                );
            }
            Some(ids)
        }
        Err(error) if is_given || settings.is_up() => {
            report.problem(
                CHECK,
                format!("{error:#}"),
                "restore the directory of the keys, or correct LYCEUM_KEYS_DIR",
            );
            None
        }
        Err(_) => {
            report.warning(CHECK, "none on this machine", "run it where identity runs, or set LYCEUM_KEYS_DIR");
            None
        }
    }
}

/// A key that others than its owner and group may read.
fn open_file(directory: &Path) -> Option<String> {
    let mut files = fs::read_dir(directory).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let is_open = |path: &Path| fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0);
    files
        .find(|path| path.extension().is_some_and(|end| end == "pem") && is_open(path))
        .map(|path| path.display().to_string())
}

async fn published_keys(settings: &Settings, signing: Option<BTreeSet<String>>, report: &mut Report) {
    const CHECK: &str = "published-keys";
    let Some(url) = settings.jwks_url.as_ref().filter(|url| !url.is_empty()) else { return };
    match fetch(url).await {
        Err(error) => {
            report.problem(CHECK, format!("not available: {error:#}"), "start identity, or correct LYCEUM_JWKS_URL");
        }
        Ok(published) if published.is_empty() => {
            report.problem(CHECK, "there are none", "correct LYCEUM_JWKS_URL, which is not identity's");
        }
        Ok(published) if signing.is_some_and(|signing| signing.is_disjoint(&published)) => {
            let advice = "give identity and this command the same LYCEUM_KEYS_DIR";
            report.problem(CHECK, "identity publishes other keys than those in the directory", advice);
        }
        Ok(published) => report.ok(CHECK, format!("{} available", published.len())),
    }
}

async fn fetch(url: &str) -> Result<BTreeSet<String>> {
    let url = peers::address(url).context("this is not a URL")?;
    let client = reqwest::Client::builder().timeout(JWKS_TIMEOUT).build()?;
    let answer: Result<Value, reqwest::Error> =
        async { client.get(url).send().await?.error_for_status()?.json().await }.await;
    // The URL may hold a password.
    let answer = answer.map_err(reqwest::Error::without_url)?;
    let keys = answer["keys"].as_array().into_iter().flatten();
    Ok(keys.filter_map(|key| Some(key["kid"].as_str()?.to_owned())).collect())
}

fn shared_secrets(settings: &Settings, report: &mut Report) {
    let of_requests = secret("LYCEUM_SUBGRAPH_SECRET", settings.secret.pair(), report);
    let of_seals = secret("LYCEUM_SEAL_SECRET", settings.seal.pair(), report);
    if let (Some(one), Some(other)) = (of_requests, of_seals)
        && one.reveal() == other.reveal()
    {
        let advice = "generate another LYCEUM_SEAL_SECRET: the router must not know it";
        report.problem(SECRETS, "LYCEUM_SUBGRAPH_SECRET and LYCEUM_SEAL_SECRET are the same", advice);
    }
}

/// Reports on a secret and its second value; returns the first.
fn secret(name: &'static str, pair: Result<SecretPair, SecretError>, report: &mut Report) -> Option<Secret> {
    let checked = pair.and_then(|pair| secret::check_pair(name, &pair).map(|()| pair));
    let (current, previous) = match checked {
        Ok(pair) => pair,
        Err(error) => {
            report.problem(SECRETS, format!("{name}: {error}"), "correct it, or no process starts with it");
            return None;
        }
    };
    match (&current, previous) {
        (None, _) => {
            let advice = "run this command with the environment of a process to have it checked";
            report.warning(SECRETS, format!("{name} is not set here"), advice);
        }
        (Some(_), None) => report.ok(SECRETS, format!("{name} is set")),
        (Some(_), Some(_)) => report.ok(
            SECRETS,
            format!("{name} is set, and has a second value: remove {name}_PREVIOUS when its change is complete"),
        ),
    }
    current
}
