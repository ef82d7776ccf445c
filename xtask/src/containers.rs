//! `cargo xtask containers`: `compose.yml` as an operator uses it, from nothing to a purchase and back.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use embedded_postgres::Installation;
use serde_json::{Value, json};
use subgraph_testing::Client;
use tempfile::TempDir;
use tokio::{process::Command, time::sleep};

use crate::{
    debian,
    process::{self, Running},
    terminal,
    workspace::{home, root, subgraphs},
};

const PROJECT: &str = "lyceum-containers";
const TIMEOUT: Duration = Duration::from_mins(3);
const PASSWORD: &str = "a password for containers";
const TEACHER: &str = "teacher@containers.example";
const STUDENT: &str = "student@containers.example";

const IMAGE: &str = "lyceum:local";
const DATABASE_IMAGE: &str = "postgres:16-alpine";
const NATS_IMAGE: &str = "nats:2-alpine";

/// What the image and `compose.yml` build on.
const BASES: [&str; 4] =
    ["rust:1.95-bookworm", "node:20-bookworm-slim", "gcr.io/distroless/cc-debian12:nonroot", DATABASE_IMAGE];

/// How to go about it.
#[derive(Args)]
pub struct Options {
    /// The build profile of the image's binary; `dev` takes half the time of `release`.
    #[arg(long, default_value = "release")]
    profile: String,

    /// Deliver events through NATS.
    #[arg(long)]
    nats: bool,

    /// Keep the containers running at the end.
    #[arg(long)]
    keep: bool,
}

pub async fn run(options: &Options) -> Result<()> {
    let engine = Engine::find_or_start().await?;
    let compose = Compose::find().await?;
    let nats = options.nats.then_some(NATS_IMAGE);
    engine.ensure_images(BASES.into_iter().chain(nats)).await?;
    engine.build(&options.profile).await?;
    let system = System::prepare(compose, options.nats).await?;
    let checked = system.check().await;
    if checked.is_err() {
        // The reason is in there.
        let _ = process::run(system.compose().args(["logs", "--tail", "30"])).await;
    }
    if options.keep {
        terminal::note(&format!("left running: {}", system.url));
        if engine.started.is_none() {
            system.leave();
            return checked;
        }
        if let Err(error) = &checked {
            terminal::failure(error);
        }
        terminal::note("the engine was started by this command; Ctrl-C stops both");
        return std::future::pending().await;
    }
    let removed = process::run(system.compose().args(["down", "--volumes", "--timeout", "45"])).await;
    checked.and(removed)
}

/// A Docker engine that answers; the one that we started ends with us.
struct Engine {
    started: Option<Running>,
}

impl Engine {
    async fn find_or_start() -> Result<Self> {
        let Err(reason) = version().await else { return Ok(Self { started: None }) };
        ensure!(
            nix::unistd::geteuid().is_root(),
            "no Docker engine answers, so nothing of the image and of compose.yml can be checked: start one that you \
             may use, or run this as root, and it starts one of its own ({reason:#})"
        );
        debian::ensure_docker().await?;
        // Not every file system can be laid over another one.
        for driver in ["overlay2", "vfs"] {
            let started = start(driver)?;
            if is_soon(Duration::from_secs(20), async || version().await.is_ok()).await {
                return Ok(Self { started: Some(started) });
            }
        }
        bail!("the Docker engine that was started does not respond: see {}", log()?.display())
    }

    /// Pulls what is not there; where nothing can be pulled, stand-ins are made.
    async fn ensure_images(&self, images: impl Iterator<Item = &str>) -> Result<()> {
        for image in images {
            if output(&mut docker(&["image", "inspect", image])).await.is_ok() {
                continue;
            }
            terminal::note(&format!("pulling {image}"));
            let Err(reason) = output(&mut docker(&["pull", "--quiet", image])).await else { continue };
            ensure!(
                debian::can_install(),
                "{image} is not present and cannot be pulled ({reason:#}); only root on Debian can build a substitute"
            );
            terminal::note(&format!("cannot pull {image} ({reason:#}): building substitutes"));
            return make_stand_ins().await;
        }
        Ok(())
    }

    async fn build(&self, profile: &str) -> Result<()> {
        let profile = format!("PROFILE={profile}");
        let mut build = docker(&["build", "--network", "host", "--tag", IMAGE, "--build-arg", &profile]);
        let status = process::run(build.arg(root())).await;
        status.context("no image was built: its build downloads packages of Debian, Rust and npm")?;
        let bytes = output(&mut docker(&["image", "inspect", "--format", "{{.Size}}", IMAGE])).await?;
        terminal::success(&format!("the image has {} MB", bytes.parse::<u64>()? / 1_000_000));
        Ok(())
    }
}

/// Of Debian's packages, and of the `PostgreSQL` that `lyceum up` uses.
async fn make_stand_ins() -> Result<()> {
    let servers = Installation::find_or_fetch(&home()?, None, &terminal::note).await?;
    let mut script = Command::new(root().join("deploy/test/base-images.sh"));
    let made = process::run(script.env("LYCEUM_TEST_POSTGRES", servers.bin().join(".."))).await;
    made.context("cannot build substitutes for the base images")
}

fn log() -> Result<PathBuf> {
    Ok(home()?.join("dockerd.log"))
}

fn start(driver: &str) -> Result<Running> {
    std::fs::create_dir_all(home()?)?;
    let log = std::fs::File::create(log()?)?;
    let mut dockerd = Command::new("dockerd");
    dockerd.args(["--storage-driver", driver, "--data-root"]).arg(home()?.join("docker"));
    Running::start(dockerd.stdout(log.try_clone()?).stderr(log))
}

/// The engine's, if one answers.
async fn version() -> Result<String> {
    output(&mut docker(&["version", "--format", "{{.Server.Version}}"])).await
}

fn docker(arguments: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(arguments);
    command
}

async fn is_soon(patience: Duration, is_true: impl AsyncFn() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if is_true().await {
            return true;
        }
        sleep(Duration::from_millis(500)).await;
    }
    false
}

/// A part of `docker`, or a program of its own.
#[derive(Clone, Copy)]
enum Compose {
    Part,
    Program,
}

impl Compose {
    async fn find() -> Result<Self> {
        if output(&mut docker(&["compose", "version"])).await.is_ok() {
            return Ok(Self::Part);
        }
        debian::ensure_compose().await?;
        Ok(Self::Program)
    }

    fn command(self) -> Command {
        match self {
            Self::Part => docker(&["compose"]),
            Self::Program => Command::new("docker-compose"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Part => "docker compose",
            Self::Program => "docker-compose",
        }
    }
}

/// What of `compose.yml` is other than usual.
fn settings(port: u16, has_nats: bool) -> Result<Vec<(String, String)>> {
    let mut settings = vec![("LYCEUM_PORT".to_owned(), port.to_string())];
    // Any that is free, so that `lyceum up` can run beside it.
    settings.extend(subgraphs()?.iter().map(|name| (format!("{}_DB_PORT", name.to_uppercase()), "0".to_owned())));
    if has_nats {
        let nats = [("COMPOSE_PROFILES", "nats"), ("LYCEUM_EVENT_BUS", "nats://nats:4222")];
        settings.extend(nats.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    Ok(settings)
}

/// The containers of `compose.yml`.
struct System {
    compose: Compose,
    directory: TempDir,
    settings: Vec<(String, String)>,
    url: String,
    /// Nobody signed in.
    anonymous: Client,
}

impl System {
    /// With secrets as an operator makes them who has no Rust: by the image itself.
    async fn prepare(compose: Compose, has_nats: bool) -> Result<Self> {
        let directory = TempDir::new()?;
        let user = nix::unistd::geteuid().to_string();
        let mut init = docker(&["run", "--rm", "--user", &user, "--volume"]);
        init.arg(format!("{}:/out", directory.path().display()));
        process::run(init.args([IMAGE, "admin", "init-env", "--file", "/out/.env"])).await?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let settings = settings(port, has_nats)?;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        let url = format!("http://127.0.0.1:{port}");
        let anonymous = Client::with_http(http, &url);
        Ok(Self { compose, directory, settings, url, anonymous })
    }

    fn compose(&self) -> Command {
        let mut command = self.compose.command();
        command.args(["--project-name", PROJECT, "--file"]).arg(root().join("compose.yml"));
        command.arg("--env-file").arg(self.directory.path().join(".env"));
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Lets everything run on, and its secrets be: without them it cannot be stopped.
    fn leave(mut self) {
        self.directory.disable_cleanup(true);
        let secrets = self.directory.path().join(".env");
        terminal::note(&format!(
            "its end: COMPOSE_PROFILES=nats {} --project-name {PROJECT} --env-file {} down --volumes",
            self.compose.name(),
            secrets.display()
        ));
    }

    async fn check(&self) -> Result<()> {
        // What an earlier run may have left has other secrets.
        process::run(self.compose().args(["down", "--volumes", "--timeout", "45"])).await?;
        let since = Instant::now();
        self.up().await?;
        terminal::success(&format!(
            "from start to the first federated response: {:.1} s",
            since.elapsed().as_secs_f32()
        ));
        self.expect_health().await?;
        terminal::success("every process and every database is healthy");

        let course = self.publish_a_course().await?;
        let student = self.buy(&course).await?;
        terminal::success("a student bought a course, was enrolled and notified: StudentHome shows it");

        self.lose("enrollment").await?;
        self.expect_home(&student, &course).await?;
        terminal::success("enrollment was killed: only its own fields failed, and it recovered automatically");

        process::run(self.compose().args(["down", "--timeout", "45"])).await?;
        self.up().await?;
        self.expect_home(&student, &course).await?;
        terminal::success("down and up again: all data is still there");
        Ok(())
    }

    async fn up(&self) -> Result<()> {
        process::run(self.compose().args(["up", "--detach", "--no-build"])).await?;
        self.wait_for_everything().await
    }

    /// Each container that has a health check passes it.
    async fn expect_health(&self) -> Result<()> {
        let containers = output(self.compose().args(["ps", "--quiet"])).await?;
        let format = "{{.Name}}{{with .State.Health}} {{.Status}}{{else}} healthy{{end}}";
        let mut inspect = docker(&["inspect", "--format", format]);
        inspect.args(containers.split_whitespace());
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let states = output(&mut inspect).await?;
            if states.lines().all(|state| state.ends_with(" healthy")) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "not every container is healthy:\n{states}");
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn wait_for_everything(&self) -> Result<()> {
        let probe = "{ me { id } courses(first: 1) { nodes { id enrollmentCount } } }";
        let is_up = is_soon(TIMEOUT, async || self.anonymous.try_data(probe, &json!({})).await.is_ok()).await;
        ensure!(is_up, "the graph does not respond within {} s", TIMEOUT.as_secs());
        Ok(())
    }

    async fn publish_a_course(&self) -> Result<String> {
        self.register(TEACHER, "TEACHER").await?;
        let verify = ["exec", "-T", "identity", "/usr/local/bin/lyceum", "admin", "verify-teacher", TEACHER];
        process::run(self.compose().args(verify)).await?;
        let teacher = self.anonymous.try_sign_in(TEACHER, PASSWORD).await?;
        let create = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
        let input = json!({ "input": { "title": "Containers", "isFree": false, "price": "19.90" } });
        text(&teacher.try_data(create, &input).await?, "/createCourse/course/id")
    }

    /// Who has bought it.
    async fn buy(&self, course: &str) -> Result<Client> {
        let student = self.register(STUDENT, "STUDENT").await?;
        let purchase =
            "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) { payment { status } } }";
        let input = json!({ "input": { "courseId": course, "idempotencyKey": "once" } });
        let data = student.try_data(purchase, &input).await?;
        ensure!(data["purchaseCourse"]["payment"]["status"] == "COMPLETED", "{data}");
        self.expect_home(&student, course).await?;
        Ok(student)
    }

    /// The first page of a student shows course, payment and notification, soon.
    async fn expect_home(&self, student: &Client, course: &str) -> Result<()> {
        let document = std::fs::read_to_string(root().join("operations/StudentHome.graphql"))?;
        let shows = async || {
            let Ok(data) = student.try_data(&document, &json!({})).await else { return false };
            let enrollment = &data["me"]["enrollments"]["nodes"][0];
            enrollment["course"]["id"] == course
                && enrollment["payment"]["status"] == "COMPLETED"
                && data["me"]["notifications"]["nodes"].as_array().is_some_and(|told| told.len() >= 3)
        };
        ensure!(is_soon(TIMEOUT, shows).await, "the purchase does not show in StudentHome");
        Ok(())
    }

    /// `kill -9` of a container's process, after which the engine starts it again.
    async fn lose(&self, service: &str) -> Result<()> {
        let container = output(self.compose().args(["ps", "--quiet", service])).await?;
        let pid = output(&mut docker(&["inspect", "--format", "{{.State.Pid}}", &container])).await?;
        // `docker kill` would be an order not to start it again, and the process is another user's, or another machine's.
        let kill = format!("kill -9 {pid}");
        let killer = ["run", "--rm", "--pid", "host", "--entrypoint", "sh", DATABASE_IMAGE, "-c", &kill];
        process::run(&mut docker(&killer)).await?;
        let without = "{ courses(first: 1) { nodes { title viewerEnrollment { id } } } }";
        let answer = self.anonymous.try_send(without, &json!({})).await?;
        ensure!(answer["data"]["courses"]["nodes"][0]["title"] == "Containers", "{answer}");
        self.wait_for_everything().await?;
        let restarts = output(&mut docker(&["inspect", "--format", "{{.RestartCount}}", &container])).await?;
        ensure!(restarts == "1", "{service} was restarted {restarts} times");
        Ok(())
    }

    async fn register(&self, email: &str, role: &str) -> Result<Client> {
        let document = "mutation ($input: RegisterInput!) { register(input: $input) { session { accessToken } } }";
        let input = json!({ "input": { "email": email, "password": PASSWORD, "name": "Somebody", "role": role } });
        let token = text(&self.anonymous.try_data(document, &input).await?, "/register/session/accessToken")?;
        Ok(self.anonymous.with_token(&token))
    }
}

fn text(data: &Value, pointer: &str) -> Result<String> {
    Ok(data.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer} in {data}"))?.to_owned())
}

/// What `command` prints; where it fails, the error is what it says.
async fn output(command: &mut Command) -> Result<String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let output = command.output().await.with_context(|| format!("cannot run {name}: is it installed?"))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
