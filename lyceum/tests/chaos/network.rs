//! The connections between two processes, which can be cut.

use std::{io, net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::sleep,
};

/// What happens to everything on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// It passes.
    Fair,
    /// It waits, in both directions.
    Stalled,
    /// Connections break, new ones too.
    Reset,
    /// Each piece takes so long.
    Slow(Duration),
    /// Nothing passes any more on the connections that there are; new ones are as ever.
    Dead,
}

/// A port that stands for another one, or for several.
pub struct Link {
    pub name: String,
    pub port: u16,
    weather: watch::Sender<Weather>,
    targets: Targets,
}

/// Where connections go, one after the other.
#[derive(Clone)]
struct Targets {
    all: Arc<[u16]>,
    /// Those that can serve.
    ready: watch::Receiver<Vec<u16>>,
}

/// How often processes are asked whether they can serve.
const PROBE_TIMEOUT: Duration = Duration::from_millis(300);

impl Link {
    /// A link to a port on this machine, where nobody needs to listen yet.
    pub async fn to(name: impl Into<String>, target: u16) -> io::Result<Self> {
        let targets = Targets { all: [target].into(), ready: watch::channel(vec![target]).1 };
        Self::over(name.into(), targets).await
    }

    /// A link to several processes that do the same: it asks them whether they can serve, and chooses in turn, as any
    /// load balancer does.
    pub async fn among(name: impl Into<String>, targets: &[u16]) -> io::Result<Self> {
        let (found, ready) = watch::channel(Vec::new());
        tokio::spawn(probe(targets.to_vec(), found));
        Self::over(name.into(), Targets { all: targets.into(), ready }).await
    }

    async fn over(name: String, targets: Targets) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (weather, seen) = watch::channel(Weather::Fair);
        tokio::spawn(accept(listener, targets.clone(), seen));
        Ok(Self { name, port, weather, targets })
    }

    /// Waits until so many of those behind it can serve.
    pub async fn wait_for(&self, number: usize) {
        let _ = self.targets.ready.clone().wait_for(|ready| ready.len() == number).await;
    }

    /// How many there are behind it.
    pub fn size(&self) -> usize {
        self.targets.all.len()
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn accept(listener: TcpListener, targets: Targets, weather: watch::Receiver<Weather>) {
    let mut turn = 0;
    while let Ok((from, _)) = listener.accept().await {
        let (targets, weather) = (targets.in_turn(turn), weather.clone());
        turn += 1;
        tokio::spawn(async move {
            // A connection that ends is what this is about.
            let _ = join(from, &targets, weather).await;
        });
    }
}

impl Targets {
    fn in_turn(&self, turn: usize) -> Vec<u16> {
        let ready = self.ready.borrow();
        let mut targets = if ready.is_empty() { self.all.to_vec() } else { ready.clone() };
        let first = turn % targets.len();
        targets.rotate_left(first);
        targets
    }
}

async fn probe(targets: Vec<u16>, found: watch::Sender<Vec<u16>>) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).pool_max_idle_per_host(0).build();
    let http = http.expect("a client");
    while !found.is_closed() {
        let mut ready = Vec::new();
        for port in &targets {
            let answer = http.get(format!("http://127.0.0.1:{port}/ready")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                ready.push(*port);
            }
        }
        found.send_replace(ready);
        sleep(PROBE_TIMEOUT).await;
    }
}

/// The first that takes the connection.
async fn connect(targets: &[u16]) -> io::Result<TcpStream> {
    let mut refused = io::ErrorKind::ConnectionRefused.into();
    for target in targets {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, *target)).await {
            Ok(to) => return Ok(to),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

async fn join(from: TcpStream, targets: &[u16], mut weather: watch::Receiver<Weather>) -> io::Result<()> {
    let to = connect(targets).await?;
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let ((mut from_read, mut from_write), (mut to_read, mut to_write)) = (from.into_split(), to.into_split());
    // What is dead was there before.
    weather.mark_unchanged();
    let mut dying = weather.clone();
    tokio::select! {
        ended = pump(&mut from_read, &mut to_write, weather.clone()) => return ended,
        ended = pump(&mut to_read, &mut from_write, weather) => return ended,
        () = dies(&mut dying) => {}
    }
    // Neither end hears of it: both halves stay open.
    std::future::pending().await
}

async fn dies(weather: &mut watch::Receiver<Weather>) {
    while weather.changed().await.is_ok() {
        if *weather.borrow_and_update() == Weather::Dead {
            return;
        }
    }
    std::future::pending::<()>().await;
}

async fn pump(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = tokio::select! {
            length = from.read(&mut piece) => length?,
            _ = weather.wait_for(|weather| *weather == Weather::Reset) => return Ok(()),
        };
        if length == 0 {
            return Ok(());
        }
        pass(&mut weather).await?;
        to.write_all(&piece[..length]).await?;
    }
}

async fn pass(weather: &mut watch::Receiver<Weather>) -> io::Result<()> {
    let now = *weather.wait_for(|weather| *weather != Weather::Stalled).await.map_err(io::Error::other)?;
    match now {
        Weather::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        Weather::Slow(delay) => {
            tokio::time::sleep(delay).await;
            Ok(())
        }
        Weather::Fair | Weather::Stalled | Weather::Dead => Ok(()),
    }
}
