//! `cargo xtask containers`: `compose.yml` as an operator uses it, from nothing to a purchase and back.

use std::{
    fs::Permissions,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Command, time::sleep};

use crate::{
    debian,
    process::{self, Running},
    terminal,
    workspace::{find_program, home, root},
};

const PROJECT: &str = "lyceum-containers";
const PATIENCE: Duration = Duration::from_mins(3);
const PASSWORD: &str = "a password for containers";
const TEACHER: &str = "teacher@containers.example";
const STUDENT: &str = "student@containers.example";

/// What the image and `compose.yml` build on.
const BASES: [&str; 4] =
    ["rust:1.95-bookworm", "node:20-bookworm-slim", "gcr.io/distroless/cc-debian12:nonroot", "postgres:16-alpine"];

/// How to go about it.
#[derive(Args)]
pub struct Options {
    /// The profile that the image's binary is built with; `dev` takes half the time of `release`.
    #[arg(long, default_value = "release")]
    profile: String,

    /// Leave everything running at the end.
    #[arg(long)]
    keep: bool,
}

pub async fn run(options: &Options) -> Result<()> {
    let engine = Engine::find_or_start().await?;
    engine.ensure_bases().await?;
    engine.build(&options.profile).await?;
    let system = System::prepare(engine).await?;
    let checked = system.check().await;
    if checked.is_err() {
        // The reason is in there.
        let _ = process::run(system.compose().args(["logs", "--tail", "30"])).await;
    }
    if options.keep {
        terminal::note(&format!("left running: {}", system.url));
    } else {
        process::run(system.compose().args(["down", "--volumes", "--timeout", "45"])).await?;
    }
    checked
}

/// A Docker engine that answers; the one that we started ends with us.
struct Engine {
    _started: Option<Running>,
}

impl Engine {
    async fn find_or_start() -> Result<Self> {
        if answers().await {
            return Ok(Self { _started: None });
        }
        if !nix::unistd::geteuid().is_root() || find_program("apt-get").is_none() {
            bail!(
                "no Docker engine answers, so nothing of the image and of compose.yml can be checked: start one, or, on \
                 Debian, run this as root"
            );
        }
        debian::ensure_docker().await?;
        // Not every file system can be laid over another one.
        for driver in ["overlay2", "vfs"] {
            let started = start(driver)?;
            if is_soon(Duration::from_secs(20), answers).await {
                return Ok(Self { _started: Some(started) });
            }
        }
        bail!("dockerd does not start: its log is {}", log()?.display())
    }

    /// Pulls what is not there; where nothing can be pulled, stand-ins are made.
    async fn ensure_bases(&self) -> Result<()> {
        for image in BASES {
            let is_here = quiet(Command::new("docker").args(["image", "inspect", image])).await;
            if !is_here && !quiet(Command::new("docker").args(["pull", image])).await {
                terminal::note(&format!("{image} cannot be pulled: making stand-ins"));
                let servers = home()?.join("postgres");
                let installed = servers.read_dir().context("start `cargo lyceum up` once: it fetches PostgreSQL")?;
                let newest = installed.flatten().map(|entry| entry.path()).max().context("no PostgreSQL is there")?;
                let mut script = Command::new(root().join("deploy/test/base-images.sh"));
                return process::run(script.env("LYCEUM_TEST_POSTGRES", newest)).await;
            }
        }
        Ok(())
    }

    async fn build(&self, profile: &str) -> Result<()> {
        let mut build = Command::new("docker");
        build.args(["build", "--network", "host", "--tag", "lyceum:local", "--build-arg"]);
        process::run(build.arg(format!("PROFILE={profile}")).arg(root())).await
    }
}

fn log() -> Result<PathBuf> {
    Ok(home()?.join("dockerd.log"))
}

fn start(driver: &str) -> Result<Running> {
    let log = std::fs::File::create(log()?)?;
    let mut dockerd = Command::new("dockerd");
    dockerd.args(["--storage-driver", driver, "--data-root"]).arg(home()?.join("docker"));
    Running::start(dockerd.stdout(log.try_clone()?).stderr(log))
}

async fn answers() -> bool {
    quiet(Command::new("docker").arg("info")).await
}

async fn quiet(command: &mut Command) -> bool {
    command.output().await.is_ok_and(|output| output.status.success())
}

async fn is_soon<F: Future<Output = bool>>(patience: Duration, is_true: impl Fn() -> F) -> bool {
    let deadline = Instant::now() + patience;
    while Instant::now() < deadline {
        if is_true().await {
            return true;
        }
        sleep(Duration::from_millis(500)).await;
    }
    false
}

/// The containers of `compose.yml`.
struct System {
    _engine: Engine,
    directory: TempDir,
    port: u16,
    url: String,
    http: reqwest::Client,
}

impl System {
    /// With secrets as an operator makes them who has no Rust: by the image itself.
    async fn prepare(engine: Engine) -> Result<Self> {
        let directory = tempfile::Builder::new().permissions(Permissions::from_mode(0o777)).tempdir()?;
        let mut init = Command::new("docker");
        init.args(["run", "--rm", "--volume"]).arg(format!("{}:/secrets", directory.path().display()));
        process::run(init.args(["lyceum:local", "admin", "init-env", "--file", "/secrets/.env"])).await?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        Ok(Self { _engine: engine, directory, port, url: format!("http://127.0.0.1:{port}"), http })
    }

    fn compose(&self) -> Command {
        let mut command = Command::new("docker-compose");
        if find_program("docker-compose").is_none() {
            command = Command::new("docker");
            command.arg("compose");
        }
        command.args(["--project-name", PROJECT, "--file"]).arg(root().join("compose.yml"));
        command.arg("--env-file").arg(self.directory.path().join(".env"));
        command.env("LYCEUM_PORT", self.port.to_string());
        command
    }

    async fn check(&self) -> Result<()> {
        let since = Instant::now();
        process::run(self.compose().args(["up", "--detach", "--no-build"])).await?;
        self.wait_for_everything().await?;
        terminal::success(&format!(
            "from nothing to the first federated answer: {:.1} s",
            since.elapsed().as_secs_f32()
        ));

        let course = self.publish_a_course().await?;
        let student = self.buy(&course).await?;
        terminal::success("a student has bought a course, is enrolled and was told so: StudentHome shows it");

        self.lose("enrollment").await?;
        terminal::success("enrollment was killed: it cost its own fields only, and came back by itself");

        process::run(self.compose().args(["down", "--timeout", "45"])).await?;
        process::run(self.compose().args(["up", "--detach", "--no-build"])).await?;
        self.wait_for_everything().await?;
        self.expect_home(&student, &course).await?;
        terminal::success("down and up again: everything is still there");
        Ok(())
    }

    async fn wait_for_everything(&self) -> Result<()> {
        let probe = "{ me { id } courses(first: 1) { nodes { id enrollmentCount } } }";
        let is_up = is_soon(PATIENCE, || async { self.data(None, probe, json!({})).await.is_ok() }).await;
        ensure!(is_up, "the graph does not answer within {} s", PATIENCE.as_secs());
        Ok(())
    }

    async fn publish_a_course(&self) -> Result<String> {
        self.register(TEACHER, "TEACHER").await?;
        let verify = ["exec", "-T", "identity", "/usr/local/bin/lyceum", "admin", "verify-teacher", TEACHER];
        process::run(self.compose().args(verify)).await?;
        let sign_in = "mutation ($input: LoginInput!) { login(input: $input) { session { accessToken } } }";
        let input = json!({ "input": { "email": TEACHER, "password": PASSWORD } });
        let token = text(&self.data(None, sign_in, input).await?, "/login/session/accessToken")?;
        let create = "mutation ($input: CreateCourseInput!) { createCourse(input: $input) { course { id } } }";
        let input = json!({ "input": { "title": "Containers", "isFree": false, "price": "19.90" } });
        text(&self.data(Some(&token), create, input).await?, "/createCourse/course/id")
    }

    /// The token of who has bought it.
    async fn buy(&self, course: &str) -> Result<String> {
        let student = self.register(STUDENT, "STUDENT").await?;
        let purchase =
            "mutation ($input: PurchaseCourseInput!) { purchaseCourse(input: $input) { payment { status } } }";
        let input = json!({ "input": { "courseId": course, "idempotencyKey": "once" } });
        let data = self.data(Some(&student), purchase, input).await?;
        ensure!(data["purchaseCourse"]["payment"]["status"] == "COMPLETED", "{data}");
        self.expect_home(&student, course).await?;
        Ok(student)
    }

    /// The first page of a student shows course, payment and notification, soon.
    async fn expect_home(&self, student: &str, course: &str) -> Result<()> {
        let document = std::fs::read_to_string(root().join("operations/StudentHome.graphql"))?;
        let shows = || async {
            let Ok(data) = self.data(Some(student), &document, json!({})).await else { return false };
            let enrollment = &data["me"]["enrollments"]["nodes"][0];
            enrollment["course"]["id"] == course
                && enrollment["payment"]["status"] == "COMPLETED"
                && data["me"]["notifications"]["nodes"].as_array().is_some_and(|told| told.len() >= 3)
        };
        ensure!(is_soon(PATIENCE, shows).await, "the purchase does not show in StudentHome");
        Ok(())
    }

    /// `kill -9` of a container's process.
    async fn lose(&self, service: &str) -> Result<()> {
        let container = output(self.compose().args(["ps", "--quiet", service])).await?;
        let pid = output(Command::new("docker").args(["inspect", "--format", "{{.State.Pid}}", &container])).await?;
        process::run(Command::new("kill").args(["-9", &pid])).await?;
        let without = "{ courses(first: 1) { nodes { title viewerEnrollment { id } } } }";
        let answer = self.ask(None, without, json!({})).await?;
        ensure!(answer["data"]["courses"]["nodes"][0]["title"] == "Containers", "{answer}");
        self.wait_for_everything().await
    }

    async fn register(&self, email: &str, role: &str) -> Result<String> {
        let document = "mutation ($input: RegisterInput!) { register(input: $input) { session { accessToken } } }";
        let input = json!({ "input": { "email": email, "password": PASSWORD, "name": "Somebody", "role": role } });
        text(&self.data(None, document, input).await?, "/register/session/accessToken")
    }

    /// The data of an answer without errors.
    async fn data(&self, token: Option<&str>, document: &str, variables: Value) -> Result<Value> {
        let answer = self.ask(token, document, variables).await?;
        ensure!(answer.get("errors").is_none(), "{answer}");
        Ok(answer["data"].clone())
    }

    async fn ask(&self, token: Option<&str>, document: &str, variables: Value) -> Result<Value> {
        let mut request = self.http.post(format!("{}/graphql", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Ok(request.json(&json!({ "query": document, "variables": variables })).send().await?.json().await?)
    }
}

fn text(data: &Value, pointer: &str) -> Result<String> {
    Ok(data.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer} in {data}"))?.to_owned())
}

async fn output(command: &mut Command) -> Result<String> {
    let output = command.output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
