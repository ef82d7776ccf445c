//! The connections between two processes, which can be cut.

use std::{io, net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
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
}

/// A port that stands for another one.
pub struct Link {
    pub name: String,
    pub port: u16,
    weather: watch::Sender<Weather>,
}

impl Link {
    /// A link to a port on this machine, where nobody needs to listen yet.
    pub async fn to(name: impl Into<String>, target: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (weather, seen) = watch::channel(Weather::Fair);
        tokio::spawn(accept(listener, target, seen));
        Ok(Self { name: name.into(), port, weather })
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn accept(listener: TcpListener, target: u16, weather: watch::Receiver<Weather>) {
    while let Ok((from, _)) = listener.accept().await {
        let weather = weather.clone();
        tokio::spawn(async move {
            // A connection that ends is what this is about.
            let _ = join(from, target, weather).await;
        });
    }
}

async fn join(from: TcpStream, target: u16, weather: watch::Receiver<Weather>) -> io::Result<()> {
    let to = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await?;
    from.set_nodelay(true)?;
    to.set_nodelay(true)?;
    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
    tokio::select! {
        ended = pump(from_read, to_write, weather.clone()) => ended,
        ended = pump(to_read, from_write, weather) => ended,
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
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
        Weather::Fair | Weather::Stalled => Ok(()),
    }
}
