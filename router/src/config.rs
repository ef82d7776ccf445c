//! From `router.config.yaml` and [`Settings`] to hive-router's own configuration.
//!
//! hive-router's loader also lets `PORT`, `APOLLO_KEY` and other variables of the environment
//! change it. We read the same types without that: a setting has one source.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hive_router::config::{HiveRouterConfig, primitives::file_path::with_start_path};
use serde_json::{Value, json};

use crate::{Settings, plugins};

const DEFAULT: &str = include_str!("../router.config.yaml");

/// The configuration, with `supergraph` as the file to load.
pub fn resolve(settings: &Settings, supergraph: &Path, handed_over: u64) -> Result<HiveRouterConfig> {
    let mut config = read(settings.config.as_deref())?;
    apply(&mut config, settings, supergraph)?;
    config["plugins"] = plugins::config(settings, handed_over);

    let root = match settings.config.as_deref().and_then(Path::parent) {
        Some(directory) => directory.to_owned(),
        None => PathBuf::new(),
    };
    let root = std::path::absolute(root.join("."))?;
    with_start_path(&root, || serde_json::from_value(config)).context("the router's configuration is not valid")
}

fn read(file: Option<&Path>) -> Result<Value> {
    let Some(file) = file else {
        return Ok(serde_yaml_ng::from_str(DEFAULT)?);
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("the router's configuration {} cannot be read", file.display()))?;
    let config: Value = serde_yaml_ng::from_str(&text)
        .with_context(|| format!("the router's configuration {} is not valid", file.display()))?;
    anyhow::ensure!(config.is_object(), "the router's configuration {} is empty", file.display());
    Ok(config)
}

fn apply(config: &mut Value, settings: &Settings, supergraph: &Path) -> Result<()> {
    if let Some(host) = &settings.host {
        config["http"]["host"] = json!(host);
    }
    if let Some(port) = settings.port {
        config["http"]["port"] = json!(port);
    }
    if let Some(workers) = settings.workers {
        config["http"]["workers"] = json!(workers);
    }
    if let Some(url) = &settings.jwks_url {
        let first = config.pointer_mut("/jwt/jwks_providers/0/url");
        *first.context("a JWKS address was given, but the configuration has no remote `jwks_providers`")? = json!(url);
    }
    for subgraph in &settings.subgraph_urls {
        config["override_subgraph_urls"]["subgraphs"][&subgraph.name] = json!({ "url": subgraph.url });
    }
    if settings.expose_query_plan || settings.development {
        config["query_planner"]["allow_expose"] = json!(true);
    }
    config["supergraph"]["source"] = json!("file");
    config["supergraph"]["path"] = json!(std::path::absolute(supergraph)?);
    if settings.supergraph.is_none() {
        // The one built in does not change.
        config["supergraph"]["poll_interval"] = Value::Null;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supergraph() -> tempfile::NamedTempFile {
        tempfile::NamedTempFile::new().expect("a temporary file can be made")
    }

    #[test]
    fn the_configuration_built_in_is_valid() {
        let supergraph = supergraph();

        let config = resolve(&Settings::default(), supergraph.path(), 0).expect("it is valid");

        assert_eq!(config.address(), "127.0.0.1:4000");
        assert!(config.jwt.is_jwt_auth_enabled());
        assert!(!config.query_planner.allow_expose);
        assert!(!config.laboratory.enabled);
    }

    #[test]
    fn hive_routers_own_loader_accepts_it_too() {
        hive_router::config::parse_yaml_config(DEFAULT.to_owned()).expect("it is valid");
    }

    #[test]
    fn settings_take_precedence() {
        let supergraph = supergraph();
        let settings = Settings {
            host: Some("0.0.0.0".to_owned()),
            port: Some(5000),
            jwks_url: Some("http://identity/jwks".to_owned()),
            subgraph_urls: vec!["course=http://course/graphql".parse().expect("a name and a URL")],
            development: true,
            ..Settings::default()
        };

        let config = resolve(&settings, supergraph.path(), 0).expect("it is valid");

        assert_eq!(config.address(), "0.0.0.0:5000");
        assert!(config.query_planner.allow_expose);
        assert!(config.override_subgraph_urls.get_subgraph_url("course").is_some());
        let providers = serde_json::to_value(&config.jwt.jwks_providers).expect("it was read from such a value");
        assert_eq!(providers[0]["url"], "http://identity/jwks");
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        let supergraph = supergraph();
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(&file, "htpp: {}").expect("it can be written");
        let settings = Settings { config: Some(file.path().to_owned()), ..Settings::default() };

        let error = resolve(&settings, supergraph.path(), 0).expect_err("it is misspelt");

        assert!(format!("{error:#}").contains("htpp"));
    }
}
