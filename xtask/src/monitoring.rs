//! `cargo xtask monitoring`: whatever `deploy/monitoring` asks for, asked of a real Prometheus about a real system.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};
use subgraph_testing::{Client, Events};
use tempfile::TempDir;
use tokio::{net::TcpStream, process::Command, time::sleep};

use crate::{
    dashboards::{self, Dashboard},
    debian, docs_coverage, npm,
    process::{self, Running},
    terminal::{self, Waiting},
    workspace::{compile, root, subgraphs},
};

const TIMEOUT: Duration = Duration::from_mins(2);
/// The port of a process in its container.
const METRICS_PORT: u16 = 9464;
/// How often compose.yml's Prometheus asks.
const INTERVAL: &str = "15s";
/// What each alert says to whoever gets it.
const ANNOTATIONS: [&str; 3] = ["summary", "description", "runbook"];

/// Of the sample data.
const STUDENT: &str = "student1@lyceum.example";
const TEACHER: &str = "teacher1@lyceum.example";
const PASSWORD: &str = "lyceum-sample";

const LOGIN: &str =
    "mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } userErrors { code } } }";
const FORGOTTEN: &str =
    "mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { userErrors { code } } }";
const CREATE: &str = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
const BUY: &str = "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) { payment { status } } }";
/// By which the system and its payment provider know each other.
const PROVIDER_SECRETS: [(&str, &str); 2] = [
    ("LYCEUM_PAYMENT_PROVIDER_SECRET", "known to a provider that charges nobody"),
    ("LYCEUM_PAYMENT_WEBHOOK_SECRET", "known to a provider that charges nobody, too"),
];
const FOLLOW: &str = "subscription { notificationAdded(after: null) { id } }";

pub async fn run() -> Result<()> {
    debian::ensure_prometheus().await?;
    let files = root().join("deploy/monitoring");
    process::run(Command::new("promtool").args(["check", "config"]).arg(files.join("prometheus.yml"))).await?;
    process::run(Command::new("promtool").args(["test", "rules"]).arg(files.join("alerts.test.yml"))).await?;
    let dashboards = dashboards::read()?;
    dashboards::validate().await?;

    npm::build_pages().await?;
    process::run(compile("build").args(["--bin", "lyceum", "--bin", "fake-payment-provider", "--locked"])).await?;

    let directory = TempDir::new()?;
    let system = System::start(directory.path()).await?;
    let watched = watch(&system, directory.path(), &dashboards).await;
    let stopped = system.process.stop(TIMEOUT).await.context("cannot stop `lyceum up`");
    watched.and(stopped)
}

/// Lets Prometheus watch the system, and people use it, until everything has an answer.
async fn watch(system: &System, directory: &Path, dashboards: &[Dashboard]) -> Result<()> {
    let prometheus = Prometheus::start(directory, system.metrics).await?;
    let people = system.sign_in().await?;
    let waiting = Waiting::for_("every panel and every alert gets an answer");
    let deadline = Instant::now() + TIMEOUT;
    loop {
        people.do_something().await?;
        // A rate needs two scrapes with something between them.
        match prometheus.ask_everything(dashboards).await {
            Ok(alerts) => {
                waiting.done();
                report(dashboards, alerts);
                return Ok(());
            }
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => sleep(Duration::from_millis(500)).await,
        }
    }
}

fn report(dashboards: &[Dashboard], alerts: usize) {
    for dashboard in dashboards {
        let (panels, questions) = (dashboard.panels.len(), dashboard.questions());
        terminal::success(&format!("{}: {panels} panels, {questions} queries, each with series", dashboard.title));
    }
    terminal::success(&format!("alerts: {alerts} rules; their metrics exist, and none is firing"));
}

/// Starts a payment provider for the payment subgraph, and waits until it can charge.
async fn start_provider(address: &str, payment: &str) -> Result<Running> {
    let webhooks = payment.replace("/graphql", "/webhooks/payment-provider");
    let mut command = built("fake-payment-provider")?;
    command.args(["--listen", address, "--webhook-url", &webhooks]).envs(PROVIDER_SECRETS).stdout(Stdio::null());
    let provider = Running::start(&mut command)?;
    let deadline = Instant::now() + TIMEOUT;
    while TcpStream::connect(address).await.is_err() {
        ensure!(Instant::now() < deadline, "the payment provider does not listen on {address}");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(provider)
}

/// A program of the workspace, which was built beside us.
fn built(name: &str) -> Result<Command> {
    Ok(Command::new(std::env::current_exe()?.with_file_name(name)))
}

/// A port that is free.
fn port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// `lyceum up`, which counts.
struct System {
    router: String,
    metrics: u16,
    process: Running,
    /// Its webhooks are counted.
    _provider: Running,
}

/// What `--addresses` writes.
#[derive(Deserialize)]
struct Addresses {
    router: String,
    subgraphs: BTreeMap<String, String>,
}

impl System {
    async fn start(directory: &Path) -> Result<Self> {
        let (metrics, file, log) = (port()?, directory.join("addresses.json"), directory.join("lyceum.log"));
        let waiting = Waiting::for_("lyceum up");
        let provider = format!("127.0.0.1:{}", port()?);
        let mut command = built("lyceum")?;
        // As between containers: so the router counts its requests to subgraphs, too.
        command.args(["up", "--free-ports", "--temporary", "--transport", "http", "--event-bus", "local"]);
        command.args(["--metrics-listen", &format!("127.0.0.1:{metrics}"), "--addresses"]).arg(&file);
        for name in subgraphs()? {
            command.env_remove(format!("{}_DATABASE_URL", name.to_uppercase()));
        }
        command.env("LYCEUM_PAYMENT_PROVIDER_URL", format!("http://{provider}")).envs(PROVIDER_SECRETS);
        command.current_dir(root()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let process = Running::start(&mut command)?;
        let deadline = Instant::now() + TIMEOUT;
        let addresses: Addresses = loop {
            if let Ok(text) = std::fs::read(&file) {
                break serde_json::from_slice(&text)?;
            }
            ensure!(Instant::now() < deadline, "`lyceum up` is not ready:\n{}", std::fs::read_to_string(&log)?);
            sleep(Duration::from_millis(100)).await;
        };
        waiting.done();
        let provider = start_provider(&provider, &addresses.subgraphs["payment"]).await?;
        Ok(Self { router: addresses.router, metrics, process, _provider: provider })
    }

    async fn sign_in(&self) -> Result<People> {
        let anonymous = Client::new(&self.router);
        let student = anonymous.try_sign_in(STUDENT, PASSWORD).await?;
        let teacher = anonymous.try_sign_in(TEACHER, PASSWORD).await?;
        let live = student.try_subscribe(FOLLOW, &json!({})).await?;
        Ok(People { anonymous, student, teacher, _live: live })
    }
}

/// Those who use it meanwhile.
struct People {
    anonymous: Client,
    student: Client,
    teacher: Client,
    /// A subscription is open for as long as nobody drops it.
    _live: Events,
}

impl People {
    /// A bit of everything that is counted.
    async fn do_something(&self) -> Result<()> {
        self.anonymous.try_data("{ courses(first: 3) { nodes { id title enrollmentCount } } }", &json!({})).await?;

        let wrong = json!({ "input": { "email": STUDENT, "password": "not the password" } });
        self.anonymous.try_send(LOGIN, &wrong).await?;

        // A mail. Only the first few are sent.
        self.anonymous.try_send(FORGOTTEN, &json!({ "input": { "email": STUDENT } })).await?;

        let forbidden = self.student.try_send("{ payments(first: 1) { nodes { id } } }", &json!({})).await?;
        ensure!(forbidden.error() == Some("FORBIDDEN"), "{forbidden}");

        let course = json!({ "input": { "title": "Watched", "isFree": false, "price": "19.90" } });
        let course = self.teacher.try_data(CREATE, &course).await?;
        let course = &course["createCourse"]["course"]["id"];
        let purchase = json!({ "input": { "courseId": course, "idempotencyKey": course } });
        let bought = self.student.try_data(BUY, &purchase).await?;
        ensure!(bought["purchaseCourse"]["payment"]["status"] == "COMPLETED", "{bought}");
        Ok(())
    }
}

/// One with the alerts of compose.yml's, and this system behind each of its targets.
struct Prometheus {
    http: reqwest::Client,
    url: String,
    _process: Running,
}

/// An alert, as Prometheus has understood it.
#[derive(Deserialize)]
struct Alert {
    name: String,
    query: String,
    health: String,
    state: String,
    labels: Value,
    annotations: Value,
}

impl Prometheus {
    async fn start(directory: &Path, metrics: u16) -> Result<Self> {
        let config = directory.join("prometheus.yml");
        std::fs::write(&config, config_for(metrics)?)?;
        let (port, log) = (port()?, directory.join("prometheus.log"));
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.join("prometheus").display()));
        command.arg(format!("--web.listen-address={address}"));
        command.stdout(Stdio::null()).stderr(File::create(&log)?);
        let process = Running::start(&mut command)?;
        let prometheus = Self { http: reqwest::Client::new(), url: format!("http://{address}"), _process: process };
        let (deadline, targets) = (Instant::now() + TIMEOUT, processes()?.len().to_string());
        while prometheus.value(r#"sum(up{job="lyceum"})"#).await.ok().flatten().as_ref() != Some(&targets) {
            ensure!(
                Instant::now() < deadline,
                "Prometheus does not reach all {targets} targets:\n{}",
                std::fs::read_to_string(&log)?
            );
            sleep(Duration::from_millis(200)).await;
        }
        terminal::success(&format!("Prometheus scrapes {targets} targets"));
        Ok(prometheus)
    }

    /// Whatever panels and alerts ask; says how many alerts there are.
    async fn ask_everything(&self, dashboards: &[Dashboard]) -> Result<usize> {
        let known = self.metrics().await?;
        for dashboard in dashboards {
            for panel in &dashboard.panels {
                for question in panel.questions() {
                    let place = || format!("{}, panel \"{}\": {question}", dashboard.title, panel.title);
                    expect_known(&question, &known).with_context(place)?;
                    let values = self.values(&question).await.with_context(place)?;
                    ensure!(!values.is_empty(), "{}: no series", place());
                    ensure!(values.iter().any(|value| value != "NaN"), "{}: no number", place());
                }
            }
        }
        docs_coverage::expect_metrics(&known)?;
        let alerts = self.alerts().await?;
        ensure!(!alerts.is_empty(), "Prometheus has no alerts");
        for alert in &alerts {
            let place = || format!("alert {}: {}", alert.name, alert.query);
            alert.check(&known).with_context(place)?;
            self.values(&alert.query).await.with_context(place)?;
        }
        Ok(alerts.len())
    }

    /// Of each series of the answer, the value.
    async fn values(&self, question: &str) -> Result<Vec<String>> {
        let data = self.get("query", &[("query", question)]).await?;
        let series = data["result"].as_array().context("no series in the answer")?;
        series.iter().map(|one| Ok(one["value"][1].as_str().context("no value in a series")?.to_owned())).collect()
    }

    /// Of an answer that is one number.
    async fn value(&self, question: &str) -> Result<Option<String>> {
        Ok(self.values(question).await?.into_iter().next())
    }

    /// The names of all metrics that were scraped.
    async fn metrics(&self) -> Result<BTreeSet<String>> {
        Ok(serde_json::from_value(self.get("label/__name__/values", &[]).await?)?)
    }

    async fn alerts(&self) -> Result<Vec<Alert>> {
        let data = self.get("rules", &[("type", "alert")]).await?;
        let groups = data["groups"].as_array().context("no groups of rules")?;
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
        rules.map(|rule| Ok(serde_json::from_value(rule.clone())?)).collect()
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let request = self.http.get(format!("{}/api/v1/{path}", self.url)).query(parameters);
        let mut answer: Value = request.send().await?.json().await?;
        ensure!(answer["status"] == "success", "Prometheus answers: {}", answer["error"]);
        Ok(answer["data"].take())
    }
}

impl Alert {
    fn check(&self, known: &BTreeSet<String>) -> Result<()> {
        ensure!(self.health == "ok", "Prometheus says it is {}", self.health);
        // This system is well.
        ensure!(self.state != "firing", "it fires");
        ensure!(self.labels["severity"].is_string(), "it has no severity");
        for name in ANNOTATIONS {
            ensure!(self.annotations[name].as_str().is_some_and(|text| !text.is_empty()), "it has no {name}");
        }
        expect_known(&self.query, known)
    }
}

/// The processes of compose.yml.
fn processes() -> Result<Vec<String>> {
    let mut processes = subgraphs()?;
    processes.push("router".to_owned());
    Ok(processes)
}

/// compose.yml's configuration, with one address in the place of all containers, and in a hurry.
fn config_for(metrics: u16) -> Result<String> {
    let files = root().join("deploy/monitoring");
    let mut config = std::fs::read_to_string(files.join("prometheus.yml"))?;
    for process in processes()? {
        let target = format!("[{process}:{METRICS_PORT}]");
        ensure!(config.matches(&target).count() == 1, "prometheus.yml must have the target {target} once");
        config = config.replace(&target, &format!("[127.0.0.1:{metrics}]"));
    }
    if let Some(left) = config.lines().find(|line| line.contains(&METRICS_PORT.to_string())) {
        bail!("prometheus.yml has a target without a process: {left}");
    }
    ensure!(config.contains(INTERVAL), "the scrape interval of prometheus.yml is not {INTERVAL}");
    Ok(config.replace(INTERVAL, "1s").replace("alerts.yml", &files.join("alerts.yml").display().to_string()))
}

fn expect_known(question: &str, known: &BTreeSet<String>) -> Result<()> {
    let unknown: Vec<_> = metrics_in(question).into_iter().filter(|name| !known.contains(name)).collect();
    ensure!(unknown.is_empty(), "no process has {}", unknown.join(", "));
    Ok(())
}

/// The names of the metrics in a question. Names in braces and in lists of labels are none.
fn metrics_in(question: &str) -> BTreeSet<String> {
    let expression = |text: &str| Regex::new(text).expect("a valid expression");
    let texts = expression(r#""(?:[^"\\]|\\.)*""#).replace_all(question, "");
    let selectors = expression(r"\{[^}]*\}|\[[^\]]*\]").replace_all(&texts, "");
    let lists = expression(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)");
    let plain = lists.replace_all(&selectors, "");
    // What a parenthesis follows is a function, and what a digit begins a duration.
    let words = expression(r"([a-zA-Z_:][\w:]*)\s*(\()?|\d\w*");
    let keywords = ["and", "bool", "by", "offset", "or", "unless", "without"];
    words
        .captures_iter(&plain)
        .filter(|found| found.get(2).is_none())
        .filter_map(|found| Some(found.get(1)?.as_str().to_owned()))
        .filter(|name| !keywords.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_asks_each_process_of_the_system() {
        let config = config_for(1234).expect("a configuration");

        assert_eq!(config.matches("[127.0.0.1:1234]").count(), 6);
        assert!(!config.contains(INTERVAL));
    }

    #[test]
    fn metrics_are_told_from_labels_and_functions() {
        for (question, metrics) in [
            ("up", &["up"][..]),
            (r#"up{job="or (rate)"} == 0"#, &["up"]),
            ("absent(up)", &["up"]),
            ("histogram_quantile(0.99, sum by (le, code) (rate(one_bucket[5m])))", &["one_bucket"]),
            ("sum(one) by (code) / sum(rate(two_count[1m])) or 0 * three", &["one", "three", "two_count"]),
            ("one >= on (process, instance) two_max", &["one", "two_max"]),
            (r#"increase(one[10m]) > 0 or (one unless one{a="b"} offset 10m)"#, &["one"]),
            (r#"label_replace(one, "a", "b", "c", "{d}")"#, &["one"]),
        ] {
            let expected: BTreeSet<_> = metrics.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(metrics_in(question), expected, "{question}");
        }
    }
}
