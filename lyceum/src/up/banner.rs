//! The banner of `lyceum up`, printed when it is ready.

use std::{path::Path, time::Duration};

use console::style;
use router::SampleSignIn;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

use super::addresses::Addresses;
use crate::terminal::line;

const RETRY_DELAY: Duration = Duration::from_millis(20);

/// Waits until the router is ready. Its port accepts connections before that.
pub async fn wait_until_ready(port: u16) {
    while !responds_ok(port, "/ready").await.unwrap_or(false) {
        sleep(RETRY_DELAY).await;
    }
}

/// Whether everybody may read the router's schema.
pub async fn is_schema_public(port: u16) -> bool {
    responds_ok(port, "/schema.graphql").await.unwrap_or(false)
}

async fn responds_ok(port: u16, path: &str) -> std::io::Result<bool> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut status = [0; b"HTTP/1.1 200".len()];
    connection.read_exact(&mut status).await?;
    Ok(status.ends_with(b"200"))
}

/// What the router serves beside the graph.
pub struct BannerOptions<'a> {
    pub playground: bool,
    pub storefront: bool,
    pub schema: bool,
    /// The manifest of the only operations.
    pub safelist: Option<&'a Path>,
}

/// Prints addresses, sample accounts and a first query; none of the latter with a safelist.
pub fn show(addresses: &Addresses, people: &[SampleSignIn], options: &BannerOptions<'_>) {
    let BannerOptions { playground, storefront, schema, safelist } = *options;
    line(format_args!("\n{}  {}", style("Lyceum is up.").green().bold(), style("Ctrl-C stops it.").dim()));
    line("");
    if playground {
        line(format_args!("  Playground   {}", style(&addresses.router).cyan().underlined()));
    }
    if storefront {
        line(format_args!("  Storefront   {}", style(format_args!("{}/store", addresses.router)).cyan().underlined()));
    }
    line(format_args!("  GraphQL      {}/graphql", addresses.router));
    if schema {
        line(format_args!("  Schema       {}/schema.graphql", addresses.router));
        line(format_args!(
            "  Front end    {}",
            style("on any port of localhost; `lyceum up --client-config` prints its codegen.ts").dim()
        ));
    }
    if let Some(metrics) = &addresses.metrics {
        line(format_args!("  Metrics      {metrics}"));
    }
    line(format_args!("  Data         {}", addresses.data.display()));
    if let Some(manifest) = safelist {
        line(format_args!("\n  Only the stored operations of {} are served, by their ids:", manifest.display()));
        line("  the playground, and any client that sends its own queries, is rejected.\n");
        return;
    }
    if let Some(first) = people.first() {
        line(format_args!("\n  Sign in with the password {} as", style(&first.password).bold()));
        for SampleSignIn { label, email, .. } in people {
            line(format_args!("    {label:20} {email}"));
        }
        if playground {
            line("\n  Try: open the playground, sign in as the student, and run StudentHome.\n");
        }
    } else if playground {
        line("\n  There are no users yet. Try: open the playground and register.\n");
    }
}
