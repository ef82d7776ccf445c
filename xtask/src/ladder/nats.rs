//! One NATS server, or a cluster of three, each with a store of its own.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use subgraph_testing::free_port;
use tokio::time::sleep;

use super::{certificates::Authority, engine::Engine};

const USER: &str = "lyceum";
const PASSWORD: &str = "ladder";
/// How long a cluster may take to notice that a server is back.
const CATCH_UP: Duration = Duration::from_secs(3);

pub struct Nats {
    pub servers: Vec<Engine>,
    stores: Vec<PathBuf>,
}

impl Nats {
    /// Servers with TLS, and a user with a password.
    pub async fn start(directory: &Path, count: usize, authority: &Authority) -> Result<Self> {
        let program = std::env::var("NATS_SERVER").unwrap_or_else(|_| "/usr/sbin/nats-server".to_owned());
        let certificate = authority.issue()?;
        let (chain, key) = (directory.join("nats.crt"), directory.join("nats.key"));
        fs::write(&chain, &certificate.chain)?;
        fs::write(&key, &certificate.key)?;
        let routes = (0..count).map(|_| free_port()).collect::<Vec<_>>();
        let mut nats = Self { servers: Vec::new(), stores: Vec::new() };
        for (index, route) in routes.iter().enumerate() {
            let name = format!("nats-{}", index + 1);
            let (port, store) = (free_port(), directory.join(&name));
            let mut configuration = format!(
                "server_name: {name}\nlisten: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{}\" }}\n\
                 tls {{ cert_file: \"{}\", key_file: \"{}\" }}\n\
                 authorization {{ users = [{{ user: {USER}, password: {PASSWORD} }}] }}\n",
                store.display(),
                chain.display(),
                key.display(),
            );
            if count > 1 {
                let routes: Vec<_> = routes.iter().map(|route| format!("nats://127.0.0.1:{route}")).collect();
                let routes = routes.join(", ");
                writeln!(
                    configuration,
                    "cluster {{ name: lyceum, listen: \"127.0.0.1:{route}\", routes: [{routes}] }}"
                )?;
            }
            let file = directory.join(format!("{name}.conf"));
            fs::write(&file, configuration)?;
            let log = directory.join(format!("{name}.log"));
            let arguments = ["-c", &*file.to_string_lossy()].map(str::to_owned);
            let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
            nats.servers.push(Engine::new(&name, Path::new(&program), &arguments, port, log));
            nats.stores.push(store);
        }
        for server in &mut nats.servers {
            server.start().await?;
        }
        Ok(nats)
    }

    /// What the subgraphs are given.
    pub fn variables(&self, authority: &Authority) -> Vec<(String, String)> {
        let url = |server: &Engine| format!("tls://{USER}:{PASSWORD}@127.0.0.1:{}", server.port);
        let bus = self.servers.iter().map(url).collect::<Vec<_>>().join(",");
        [
            ("LYCEUM_EVENT_BUS", bus),
            ("LYCEUM_NATS_CA_FILE", authority.file().display().to_string()),
            ("LYCEUM_NATS_REPLICAS", self.servers.len().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Kills each server in turn, so also the one that leads, and starts it again. The last one has lost its disk.
    pub async fn kill_each(&mut self, away: Duration) -> Result<()> {
        let last = self.servers.len() - 1;
        for index in 0..self.servers.len() {
            self.servers[index].kill().await?;
            if index == last {
                fs::remove_dir_all(&self.stores[index])?;
            }
            sleep(away).await;
            self.servers[index].start().await?;
            sleep(CATCH_UP).await;
        }
        Ok(())
    }
}
