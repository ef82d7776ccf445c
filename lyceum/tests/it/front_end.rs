//! `lyceum up` for those who develop a front end beside it.

use std::{collections::BTreeMap, fs};

use apollo_compiler::Schema;
use reqwest::{StatusCode, blocking};
use serde_json::json;

use crate::system::{System, command, lyceum, workspace};

/// The definitions of a schema, each with its lines in one order.
fn definitions(sdl: &str) -> BTreeMap<String, Vec<String>> {
    let schema = Schema::parse_and_validate(sdl, "schema.graphql").expect("it is valid");
    let types = schema.types.iter().filter(|(_, definition)| !definition.is_built_in());
    let sorted = |text: String| {
        let mut lines: Vec<_> = text.lines().map(str::trim).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    types.map(|(name, definition)| (name.to_string(), sorted(definition.to_string()))).collect()
}

#[test]
fn the_schema_that_is_served_is_the_one_that_is_documented() {
    let system = System::shared();
    let served = blocking::get(format!("{}/schema.graphql", system.addresses.router)).expect("the router answers");
    assert_eq!(served.status(), StatusCode::OK);
    let documented = fs::read_to_string(workspace().join("api.graphql")).expect("it is there");

    let (served, documented) = (definitions(&served.text().expect("text")), definitions(&documented));
    assert_eq!(served.keys().collect::<Vec<_>>(), documented.keys().collect::<Vec<_>>());
    for (name, definition) in documented {
        assert_eq!(served[&name], definition, "{name}");
    }
    assert!(system.output().contains(&format!("{}/schema.graphql", system.addresses.router)));
    assert!(system.output().contains("`lyceum up --client-config`"));
}

#[test]
fn the_storefront_is_served_and_links_of_mails_lead_to_it() {
    let system = System::shared();
    let store = format!("{}/store", system.addresses.router);
    let page = blocking::get(format!("{store}/verify-email")).expect("the router answers");

    assert_eq!(page.status(), StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.headers()[name], value);
    }
    let policy = page.headers()["content-security-policy"].to_str().expect("ASCII").to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    let html = page.text().expect("text");
    assert!(html.contains("<title>Lyceum</title>"), "{html}");
    let (_, script) = html.split_once("src=\"/store/assets/").expect("a script");
    let script = format!("{store}/assets/{}", script.split('"').next().expect("its name"));
    let script =
        blocking::Client::new().get(script).header("accept-encoding", "br").send().expect("the router answers");
    assert_eq!(script.headers()["content-encoding"], "br");
    assert_eq!(script.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(
        blocking::get(format!("{store}/missing.js")).expect("the router answers").status(),
        StatusCode::NOT_FOUND
    );
    assert!(system.output().contains(&format!("Storefront   {store}")), "{}", system.output());

    let document = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }";
    let input = json!({ "email": "links@store.example", "password": "a good long password", "name": "Linda" });
    assert_eq!(system.anonymous().data(document, json!({ "input": input }))["register"]["userErrors"], json!([]));
    let mails = blocking::get(format!("{}/playground/mail.json", system.addresses.router)).expect("the router answers");
    let mails = mails.text().expect("text");
    assert!(mails.contains(&format!("{store}/verify-email#token=")), "{mails}");
}

#[test]
fn a_page_of_a_development_server_may_read() {
    let router = &System::shared().addresses.router;
    let client = blocking::Client::new();
    for (origin, is_allowed) in [
        ("http://localhost:5173", true),
        ("http://127.0.0.1:3000", true),
        ("http://localhost.evil.example", false),
        ("http://127.0.0.1.nip.io", false),
        ("null", false),
    ] {
        let request = client.post(format!("{router}/graphql")).header("origin", origin);
        let answer = request.json(&json!({ "query": "{ __typename }" })).send().expect("the router answers");

        let allowed = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().expect("ASCII"));
        assert_eq!(allowed, is_allowed.then_some(origin));
    }
}

#[test]
fn a_codegen_configuration_is_printed_and_nothing_is_started() {
    let output = lyceum()
        .args(["up", "--port", "4321", "--data-dir", "/nonexistent/nowhere", "--client-config"])
        .output()
        .expect("`lyceum` runs");

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("schema: \"http://localhost:4321/schema.graphql\""), "{text}");
    assert!(text.trim_end().ends_with("export default config;"), "{text}");
}

#[test]
fn a_codegen_configuration_is_not_for_a_port_that_nobody_knows() {
    let output = lyceum().args(["up", "--free-ports", "--client-config"]).output().expect("`lyceum` runs");

    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("'--free-ports' cannot be used with '--client-config'"), "{error}");
}

#[test]
fn a_configuration_file_changes_the_router_of_the_whole_system() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("router.yaml");
    fs::write(&file, "introspection: false\nlimits: { max_aliases: null }\n").expect("it can be written");
    let mut up = command(&["--temporary", "--empty"]);
    up.env("LYCEUM_ROUTER_CONFIG", &file);
    let system = System::launch(up);

    let schema = blocking::get(format!("{}/schema.graphql", system.addresses.router)).expect("the router answers");
    assert_eq!(schema.status(), StatusCode::FORBIDDEN);
    assert!(!system.output().contains("/schema.graphql"), "{}", system.output());
    let introspection = system.anonymous().send("{ __schema { queryType { name } } }", json!({}));
    assert_eq!(introspection.error(), Some("FORBIDDEN"));
    // What the file does not name stays: a wrong token is recognized.
    let rubbish = system.anonymous().with_token("rubbish").send("{ me { id } }", json!({}));
    assert_eq!(rubbish.error(), Some("UNAUTHENTICATED"));
    assert!(system.log().contains("the router's configuration file removes a guard"), "{}", system.log());
    assert!(system.log().contains("/limits/max_aliases"), "{}", system.log());
}

#[test]
fn a_configuration_file_that_is_not_there_stops_the_start() {
    let mut up = command(&["--temporary", "--empty", "--router-config", "no/such/file.yaml"]);
    let output = up.output().expect("`lyceum` runs");

    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("cannot read the router's configuration no/such/file.yaml"), "{error}");
}
