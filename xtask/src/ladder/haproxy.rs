//! `HAProxy` before the routers, and between them and the subgraphs.

use std::{fmt::Write as _, path::Path};

/// An address, and the processes behind it.
pub struct Frontend {
    pub name: String,
    pub port: u16,
    pub servers: Vec<u16>,
    /// Whether it tells the servers from which network address a request comes.
    pub forwards_address: bool,
}

const DEFAULTS: &str = "\
global
    maxconn 4000
    hard-stop-after 10s

defaults
    mode http
    timeout connect 2s
    timeout client 75s
    timeout server 75s
    timeout tunnel 1h
    # Only what has not reached a server is sent to another one.
    option redispatch
    retries 3
    default-server check inter 500ms fall 2 rise 1
";

/// With a certificate, clients speak TLS. The file has the chain, and then the key.
pub fn configuration(frontends: &[Frontend], certificate: Option<&Path>) -> String {
    let tls = certificate.map_or_else(String::new, |file| format!(" ssl crt {} alpn h2,http/1.1", file.display()));
    let mut text = DEFAULTS.to_owned();
    for Frontend { name, port, servers, forwards_address } in frontends {
        let address = if *forwards_address { "    http-request set-header x-forwarded-for %[src]\n" } else { "" };
        let _ = write!(
            text,
            "\nfrontend {name}\n    bind 127.0.0.1:{port}{tls}\n{address}    default_backend {name}\n\n\
             backend {name}\n    balance roundrobin\n    option httpchk\n    \
             http-check send meth GET uri /ready ver HTTP/1.1 hdr host localhost\n    http-check expect status 200\n"
        );
        for (number, server) in servers.iter().enumerate() {
            let _ = writeln!(text, "    server {name}-{} 127.0.0.1:{server}", number + 1);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clients_come_with_their_network_address() {
        let frontend = |name: &str, port, forwards_address| Frontend {
            name: name.to_owned(),
            port,
            servers: vec![1, 2],
            forwards_address,
        };
        let frontends = [frontend("routers", 4000, true), frontend("course", 8002, false)];

        let plain = configuration(&frontends, None);
        let encrypted = configuration(&frontends, Some(Path::new("/tls.pem")));

        assert_eq!(plain.matches("x-forwarded-for").count(), 1);
        assert_eq!(plain.matches("    server course-").count(), 2);
        assert!(!plain.contains("ssl"));
        assert_eq!(encrypted.matches("ssl crt /tls.pem").count(), 2);
    }
}
