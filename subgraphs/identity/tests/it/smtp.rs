//! A real SMTP server: aiosmtpd, of Debian's package `python3-aiosmtpd`.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/smtp_server.py");
const TIMEOUT: Duration = Duration::from_mins(1);

/// Percent-encoded.
const PASSWORD: &str = "a%20password%20of%20mail%20%2F%20%40";

/// A server of a test's own, which comes and goes, always at the same port.
pub struct SmtpServer {
    process: Option<Child>,
    directory: TempDir,
    mode: &'static str,
    port: u16,
}

impl SmtpServer {
    /// Starts one: `plain`, `starttls` or `tls`. With TLS, its certificate is of an authority of its own.
    pub fn start(mode: &'static str) -> Self {
        let mut server = Self::stopped(mode);
        server.run();
        server
    }

    /// Prepares one that does not run yet.
    pub fn stopped(mode: &'static str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
        let directory = TempDir::new().expect("a temporary directory");
        if mode != "plain" {
            issue_certificate(directory.path());
        }
        Self { process: None, directory, mode, port }
    }

    pub fn run(&mut self) {
        let python = env::var("SMTP_PYTHON").unwrap_or_else(|_| "/usr/bin/python3".to_owned());
        let process = Command::new(python)
            .args([SCRIPT, self.directory.path().to_str().expect("a path"), &self.port.to_string(), self.mode])
            .stdin(Stdio::piped())
            .spawn()
            .expect("Python starts");
        self.process = Some(process);
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(start.elapsed() < TIMEOUT, "no SMTP server: is python3-aiosmtpd installed?");
            sleep(Duration::from_millis(20));
        }
    }

    pub fn url(&self) -> String {
        let port = self.port;
        match self.mode {
            "plain" => format!("smtp://127.0.0.1:{port}?tls=none"),
            "starttls" => format!("smtp://lyceum:{PASSWORD}@localhost:{port}"),
            _ => format!("smtps://lyceum:{PASSWORD}@localhost:{port}"),
        }
    }

    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// Has the next message answered with 451.
    pub fn refuse_once(&self) {
        fs::write(self.directory.path().join("busy"), "").expect("a file");
    }

    /// Has it accept messages, and never say goodbye.
    pub fn omit_goodbye(&self) {
        fs::write(self.directory.path().join("no-goodbye"), "").expect("a file");
    }

    /// Has it accept addresses in ASCII only.
    pub fn accept_ascii_only(&self) {
        fs::write(self.directory.path().join("ascii"), "").expect("a file");
    }

    pub fn has_refused(&self) -> bool {
        !self.directory.path().join("busy").exists()
    }

    /// The messages that it has accepted, in their order, with the envelope's recipients before the headers.
    pub fn messages(&self) -> Vec<String> {
        let message = |number| fs::read_to_string(self.directory.path().join(format!("{number}.eml"))).ok();
        (1..).map_while(message).collect()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill().expect("it can be killed");
            process.wait().expect("it ends");
        }
    }
}

fn issue_certificate(directory: &Path) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").current_dir(directory).args(arguments).output().expect("openssl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let authority = ["-subj", "/CN=Authority", "-keyout", "authority.key", "-out", "authority.pem", "-days", "2"];
    openssl(&[&["req", "-x509"], &ec[..], &authority].concat());
    openssl(&[&["req"], &ec[..], &["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"]].concat());
    fs::write(directory.join("names"), "subjectAltName=DNS:localhost\n").expect("a file");
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "authority.pem",
        "-CAkey",
        "authority.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.pem",
    ]);
}
