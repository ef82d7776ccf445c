//! Builds hive-router's configuration from `router.config.yaml` and [`Settings`].
//!
//! hive-router's loader also lets `PORT`, `APOLLO_KEY` and other environment variables change it. We deserialize the
//! same types without that: a setting has one source.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use hive_router::config::{HiveRouterConfig, primitives::file_path::with_start_path};
use human_size::{Byte, Size};
use serde_json::{Value, json};
use service::peers;
use tracing::warn;

use crate::{
    Settings, plugins,
    subscription_proxy::{KEY, STREAM, SubscriptionProxy},
};

const DEFAULT: &str = include_str!("../router.config.yaml");
/// What protects the router and its users, and would not be missed before an attack.
const GUARDS: [&str; 13] = [
    "/error_masking/enabled",
    "/error_masking/all/enabled",
    "/jwt/enabled",
    "/jwt/issuers",
    "/jwt/audiences",
    "/jwt/allowed_algorithms",
    "/limits/max_depth",
    "/limits/max_aliases",
    "/limits/max_tokens",
    "/limits/max_request_body_size",
    "/limits/max_request_header_size",
    "/query_planner/timeout",
    "/traffic_shaping/router/request_timeout",
];
/// The origins of this machine, on any port.
const LOCAL_ORIGIN: &str = r"^https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?$";
/// What a page on another origin may read of a response's headers.
const EXPOSED_HEADERS: [&str; 8] = [
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-used",
    "x-ratelimit-reset",
    "x-request-id",
];

/// Resolves the configuration, with `supergraph` as the file to load.
pub fn resolve(
    settings: &Settings,
    supergraph: &Path,
    dependencies_key: u64,
    subscription_proxy: &SubscriptionProxy,
) -> Result<HiveRouterConfig> {
    let mut config = read(settings.config.as_deref())?;
    apply(&mut config, settings, supergraph)?;
    if settings.development {
        require_loopback(&config)?;
    }
    proxy_subscriptions(&mut config, subscription_proxy)?;
    let is_schema_public = has_public_introspection(&config) && settings.safelist.is_none();
    config["plugins"] = plugins::config(dependencies_key, is_schema_public, &config);

    let root = match settings.config.as_deref().and_then(Path::parent) {
        Some(directory) => directory.to_owned(),
        None => PathBuf::new(),
    };
    let root = std::path::absolute(root.join("."))?;
    with_start_path(&root, || serde_json::from_value(config)).context("the router's configuration is invalid")
}

fn read(file: Option<&Path>) -> Result<Value> {
    let mut config: Value = serde_yaml_ng::from_str(DEFAULT)?;
    let Some(file) = file else {
        return Ok(config);
    };
    let changes = require_config(file)?;
    let built_in = config.clone();
    merge(&mut config, changes);
    for setting in removed_guards(&built_in, &config) {
        warn!(setting, file = %file.display(), "the router's configuration file removes a guard");
    }
    Ok(config)
}

/// Reads a configuration file: only what differs from the built-in one.
fn require_config(file: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the router's configuration {}", file.display()))?;
    let changes: Value = serde_yaml_ng::from_str(&text)
        .with_context(|| format!("the router's configuration {} is invalid", file.display()))?;
    ensure!(changes.is_object(), "the router's configuration {} is empty", file.display());
    Ok(changes)
}

/// Checks a configuration file for development mode, before anything is started.
///
/// # Errors
/// When it cannot be read, or lets others than this machine connect.
pub fn require_development_config(file: &Path) -> Result<()> {
    let mut config = serde_yaml_ng::from_str(DEFAULT)?;
    merge(&mut config, require_config(file)?);
    require_loopback(&config)
}

/// What development mode shows to everyone is for nobody else.
fn require_loopback(config: &Value) -> Result<()> {
    let host = config.pointer("/http/host").and_then(Value::as_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse();
    ensure!(
        host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback()),
        "`http.host` in the router's configuration is `{host}`, which others can reach: in development mode \
         (`lyceum up`) the router shows everyone sample accounts, query plans and traces, so it must be an address of \
         this machine, such as 127.0.0.1. For others, run `lyceum router` and `lyceum subgraph`"
    );
    Ok(())
}

/// Whether everybody may introspect the schema: neither depends on the request.
fn has_public_introspection(config: &Value) -> bool {
    let needs_token = config.pointer("/jwt/require_authentication") == Some(&Value::Bool(true));
    !needs_token && matches!(config["introspection"], Value::Null | Value::Bool(true))
}

/// Replaces values, sections by their entries. A list is replaced as a whole.
fn merge(config: &mut Value, changes: Value) {
    match (config, changes) {
        (Value::Object(config), Value::Object(changes)) => {
            for (name, value) in changes {
                merge(config.entry(name).or_insert(Value::Null), value);
            }
        }
        (config, changes) => *config = changes,
    }
}

/// The guards that a configuration has no more, or that let more pass.
fn removed_guards(before: &Value, after: &Value) -> impl Iterator<Item = &'static str> {
    GUARDS.into_iter().filter(move |pointer| is_weaker(after.pointer(pointer), before.pointer(pointer)))
}

/// Limits are compared by their number, size or duration, lists by what they admit.
fn is_weaker(after: Option<&Value>, before: Option<&Value>) -> bool {
    match (before, after) {
        (None | Some(Value::Null | Value::Bool(false)), _) => false,
        (_, None | Some(Value::Null | Value::Bool(false))) => true,
        (Some(Value::Number(before)), Some(Value::Number(after))) => after.as_f64() > before.as_f64(),
        (Some(Value::String(before)), Some(Value::String(after))) => amount(after) > amount(before),
        (Some(Value::Array(before)), Some(Value::Array(after))) => after.iter().any(|item| !before.contains(item)),
        (Some(Value::Object(before)), Some(Value::Object(after))) => is_weaker(after.get("n"), before.get("n")),
        _ => false,
    }
}

/// The seconds of a duration, or the bytes of a size.
fn amount(text: &str) -> Option<f64> {
    let seconds = || humantime::parse_duration(text).ok().map(|duration| duration.as_secs_f64());
    let bytes = || text.parse::<Size>().ok().map(|size| size.into::<Byte>().value());
    seconds().or_else(bytes)
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
    if let Some(seconds) = settings.client_timeouts.read_seconds {
        let shaping = &mut config["traffic_shaping"]["router"];
        for name in ["header_read_timeout", "body_read_timeout", "keep_alive"] {
            shaping[name] = json!(format!("{seconds}s"));
        }
    }
    if let Some(seconds) = settings.shutdown.shutdown_timeout_seconds {
        config["http"]["shutdown_timeout"] = json!(format!("{seconds}s"));
    }
    if let Some(url) = &settings.jwks_url {
        peers::address(url).context("LYCEUM_JWKS_URL is not a valid URL of identity's public keys")?;
        let first = config.pointer_mut("/jwt/jwks_providers/0/url");
        *first.context("LYCEUM_JWKS_URL is set, but the configuration has no remote `jwks_providers`")? = json!(url);
    }
    for subgraph in &settings.subgraph_urls {
        let name = &subgraph.name;
        peers::address(&subgraph.url)
            .with_context(|| format!("the URL in LYCEUM_SUBGRAPH_URLS is not a valid URL of {name}"))?;
        config["override_subgraph_urls"]["subgraphs"][&subgraph.name] = json!({ "url": subgraph.url });
    }
    if let Some(manifest) = &settings.safelist {
        require_safelist(manifest)?;
        config["persisted_documents"] = json!({
            "enabled": true,
            "require_id": true,
            "storage": { "type": "file", "path": std::path::absolute(manifest)? },
        });
    }
    if settings.development {
        config["query_planner"]["allow_expose"] = json!(true);
    }
    allow_origins(config, settings)?;
    config["supergraph"]["source"] = json!("file");
    config["supergraph"]["path"] = json!(std::path::absolute(supergraph)?);
    if settings.supergraph.is_none() {
        // The built-in supergraph does not change.
        config["supergraph"]["poll_interval"] = Value::Null;
    }
    Ok(())
}

/// Adds the origins of the settings, and in development those of this machine.
fn allow_origins(config: &mut Value, settings: &Settings) -> Result<()> {
    let origins = &settings.cors.cors_origins;
    let mut policies = Vec::new();
    if !origins.is_empty() {
        policies.push(json!({ "origins": origins, "expose_headers": EXPOSED_HEADERS }));
    }
    if settings.development {
        policies.push(json!({ "match_origin": [LOCAL_ORIGIN], "expose_headers": EXPOSED_HEADERS }));
    }
    if policies.is_empty() {
        return Ok(());
    }
    let cors = &mut config["cors"];
    if cors["enabled"] != true {
        *cors = json!({ "enabled": true, "policies": [] });
    }
    let known = cors["policies"].as_array_mut().context("`cors.policies` must be a list")?;
    known.extend(policies);
    Ok(())
}

/// Checks that a safelist's manifest can be opened, before anything is started.
///
/// # Errors
/// When the file cannot be opened.
pub fn require_safelist(manifest: &Path) -> Result<()> {
    let opened = std::fs::File::open(manifest);
    opened.map(drop).with_context(|| format!("cannot read the safelist {}", manifest.display()))
}

/// Routes subscriptions to the proxy: by the URL of each subgraph, which replaces any other, and with the key in a
/// header. For all other requests, our plugins undo both.
fn proxy_subscriptions(config: &mut Value, subscription_proxy: &SubscriptionProxy) -> Result<()> {
    let urls = &mut config["override_subgraph_urls"];
    let everywhere = urls.pointer("/all/url/expression").and_then(Value::as_str).unwrap_or(".default").to_owned();
    for (name, override_) in urls["subgraphs"].as_object_mut().into_iter().flatten() {
        let expression = match &override_["url"] {
            Value::String(url) => json!(url).to_string(),
            other => {
                other["expression"].as_str().context("a subgraph's `url` must be a string or an expression")?.to_owned()
            }
        };
        let name = json!(name);
        override_["url"] = json!({ "expression": proxied(&name.to_string(), &expression, subscription_proxy) });
    }
    if urls["subgraphs"].is_null() {
        urls["subgraphs"] = json!({});
    }
    // hive-router itself sends them only subscriptions.
    for name in subscription_proxy.in_process() {
        urls["subgraphs"][name] = json!({ "url": subscription_proxy.in_process_url(name) });
    }
    urls["all"] =
        json!({ "url": { "expression": proxied("string!(.subgraph.name)", &everywhere, subscription_proxy) } });

    let rules = &mut config["headers"]["all"]["request"];
    if rules.is_null() {
        *rules = json!([]);
    }
    let rules = rules.as_array_mut().context("`headers.all.request` must be a list")?;
    rules.push(json!({ "insert": { "name": KEY.as_str(), "value": subscription_proxy.key() } }));
    rules.push(json!({ "propagate": { "named": STREAM.as_str() } }));
    Ok(())
}

/// The URL of a subgraph: the proxy's for a subscription, which contains the subgraph's own.
fn proxied(name: &str, url: &str, subscription_proxy: &SubscriptionProxy) -> String {
    let before = json!(subscription_proxy.url_prefix()).to_string();
    format!(
        "url = string!({{ {url} }})\n\
         if .request.operation.type == \"subscription\" {{ {before} + {name} + \"?url=\" + encode_percent(url) }} else {{ url }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supergraph() -> tempfile::NamedTempFile {
        tempfile::NamedTempFile::new().expect("a temporary file can be made")
    }

    fn subscription_proxy() -> SubscriptionProxy {
        SubscriptionProxy::bind(&Settings::default(), None).expect("a port is free")
    }

    #[test]
    fn the_configuration_built_in_is_valid() {
        let supergraph = supergraph();

        let config = resolve(&Settings::default(), supergraph.path(), 0, &subscription_proxy()).expect("it is valid");

        assert_eq!(config.address(), "127.0.0.1:4000");
        assert!(config.jwt.is_jwt_auth_enabled());
        assert!(config.query_planner.allow_expose, "the plugin `diagnostics` checks the viewer");
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
            host: Some("127.0.0.2".to_owned()),
            port: Some(5000),
            jwks_url: Some("http://identity/jwks".to_owned()),
            subgraph_urls: vec!["course=http://course/graphql".parse().expect("a name and a URL")],
            development: true,
            ..Settings::default()
        };

        let config = resolve(&settings, supergraph.path(), 0, &subscription_proxy()).expect("it is valid");

        assert_eq!(config.address(), "127.0.0.2:5000");
        assert!(config.query_planner.allow_expose);
        assert!(config.override_subgraph_urls.get_subgraph_url("course").is_some());
        let providers = serde_json::to_value(&config.jwt.jwks_providers).expect("it was read from such a value");
        assert_eq!(providers[0]["url"], "http://identity/jwks");
    }

    fn with_file(text: &str) -> (tempfile::NamedTempFile, Settings) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(&file, text).expect("it can be written");
        let settings = Settings { config: Some(file.path().to_owned()), ..Settings::default() };
        (file, settings)
    }

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let supergraph = supergraph();
        let text = "cors: { enabled: true, policies: [{ origins: [\"https://app.example.com\"] }] }\n\
                    limits: { max_aliases: { n: 5 } }\n\
                    traffic_shaping: { router: { request_timeout: 7s } }";
        let (_file, settings) = with_file(text);

        let config = resolve(&settings, supergraph.path(), 0, &subscription_proxy()).expect("it is valid");

        assert!(config.cors.enabled && config.jwt.is_jwt_auth_enabled());
        assert_eq!(config.address(), "127.0.0.1:4000");
        let limits = serde_json::to_value(&config.limits).expect("it was read from such a value");
        assert_eq!((&limits["max_aliases"]["n"], &limits["max_depth"]["n"]), (&json!(5), &json!(15)));
        let router = &config.traffic_shaping.router;
        assert_eq!((router.request_timeout.as_secs(), router.max_long_lived_clients), (7, 10_000));
    }

    #[test]
    fn a_router_for_development_listens_on_this_machine_alone() {
        let supergraph = supergraph();
        let hosts = [
            ("http: { port: 4001 }", true),
            ("http: { host: 127.0.0.2 }", true),
            ("http: { host: localhost }", true),
            ("http: { host: \"::1\" }", true),
            ("http: { host: 0.0.0.0 }", false),
            ("http: { host: \"::\" }", false),
            ("http: { host: 192.0.2.7 }", false),
            ("http: { host: lyceum.example }", false),
            // All of hive-router's own defaults.
            ("http: { host: null }", false),
            ("http: null", false),
        ];
        for (text, is_accepted) in hosts {
            let (file, settings) = with_file(text);
            let resolve = |settings: &Settings| resolve(settings, supergraph.path(), 0, &subscription_proxy());
            let outcomes = [
                require_development_config(file.path()).err(),
                resolve(&Settings { development: true, ..settings.clone() }).err(),
            ];
            for error in outcomes {
                assert_eq!(error.is_none(), is_accepted, "{text}: {error:?}");
                assert!(error.is_none_or(|error| error.to_string().contains("`http.host`")), "{text}");
            }
            if !text.contains("null") {
                assert!(resolve(&settings).is_ok(), "{text}: others may connect in production");
            }
        }
    }

    #[test]
    fn a_file_that_removes_a_guard_is_found_out() {
        let built_in: Value = serde_yaml_ng::from_str(DEFAULT).expect("it is valid");
        let removed = |changes: Value| {
            let mut config = built_in.clone();
            merge(&mut config, changes);
            removed_guards(&built_in, &config).collect::<Vec<_>>()
        };

        for pointer in GUARDS {
            assert!(built_in.pointer(pointer).is_some(), "{pointer}");
        }
        assert!(removed(json!({ "cors": { "enabled": true } })).is_empty());
        assert_eq!(removed(json!({ "jwt": { "enabled": false } })), ["/jwt/enabled"]);
        assert_eq!(
            removed(json!({ "limits": { "max_depth": null, "max_request_body_size": null } })),
            ["/limits/max_depth", "/limits/max_request_body_size"],
        );
        assert_eq!(removed(json!({ "limits": null })).len(), 5);
        assert_eq!(removed(json!({ "limits": { "max_depth": { "n": 1_000_000 } } })), ["/limits/max_depth"]);
        for (weaker, stronger) in [("1GB", "900KiB"), ("1025KiB", "1MB"), ("10MB", "4kB")] {
            let of = |size: &str| removed(json!({ "limits": { "max_request_body_size": size } }));
            assert_eq!(of(weaker), ["/limits/max_request_body_size"]);
            assert!(of(stronger).is_empty(), "{stronger}");
        }
        for (weaker, stronger) in [("1h", "20000ms"), ("21s", "19s"), ("1m", "1s 5ms")] {
            let of =
                |timeout: &str| removed(json!({ "traffic_shaping": { "router": { "request_timeout": timeout } } }));
            assert_eq!(of(weaker), ["/traffic_shaping/router/request_timeout"]);
            assert!(of(stronger).is_empty(), "{stronger}");
        }
        assert!(removed(json!({ "limits": { "max_depth": { "n": 2 } } })).is_empty());
        assert_eq!(
            removed(json!({ "jwt": { "allowed_algorithms": ["EdDSA", "HS256"] } })),
            ["/jwt/allowed_algorithms"]
        );
        assert_eq!(removed(json!({ "error_masking": { "enabled": false } })), ["/error_masking/enabled"]);
    }

    #[test]
    fn a_misspelt_setting_is_rejected() {
        let supergraph = supergraph();
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(&file, "htpp: {}").expect("it can be written");
        let settings = Settings { config: Some(file.path().to_owned()), ..Settings::default() };

        let error = resolve(&settings, supergraph.path(), 0, &subscription_proxy()).expect_err("it is misspelt");

        assert!(format!("{error:#}").contains("htpp"));
    }
}
