//! The settings of mail.

use std::{
    fmt::{self, Debug, Display, Formatter},
    fs,
    str::FromStr,
    sync::{Arc, OnceLock},
};

use axum::http::Uri;
use clap::{Args, value_parser};
use lettre::{
    message::Mailbox,
    transport::smtp::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT, authentication::Credentials, client::Certificate},
};
use percent_encoding::percent_decode_str;

const PUBLIC_URL: &str = "http://localhost:4000";

/// Settings of mail to users. Not `Debug`: it may hold a password.
#[derive(Clone, Args)]
pub struct MailSettings {
    /// The server that sends mail: `smtps://USER:PASSWORD@HOST:PORT`, or `smtp://…` for a server with STARTTLS, which is
    /// required; after `smtp://…?tls=none`, mail is sent unencrypted. Without this setting, mail is only stored, and
    /// `lyceum admin mail` shows it.
    #[arg(long, env = "LYCEUM_SMTP_URL", hide_env_values = true, value_name = "URL", requires = "mail_from")]
    pub smtp_url: Option<SmtpUrl>,

    /// A file in PEM form with the certificate of an authority, for an SMTP server whose certificate none of this
    /// machine's authorities has issued.
    #[arg(long, env = "LYCEUM_SMTP_CA", value_name = "FILE", value_parser = read_certificate)]
    pub smtp_ca: Option<Certificate>,

    /// The sender of mail: `Lyceum <noreply@school.example>`.
    #[arg(long, env = "LYCEUM_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<Mailbox>,

    /// The URL of the front end, to which the links in mails lead: `/reset-password`, `/verify-email` and
    /// `/confirm-email-change` below it, each with `#token=…`. Default: `http://localhost:4000`; of `lyceum up`, its
    /// storefront, `http://localhost:PORT/store`.
    #[arg(long, env = "LYCEUM_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,

    /// The number of days for which mails are kept after they were sent. Those that an SMTP server has accepted are kept
    /// without their text.
    #[arg(long, env = "LYCEUM_MAIL_RETENTION_DAYS", default_value_t = 7, value_parser = value_parser!(u32).range(1..=3_650))]
    pub mail_retention_days: u32,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self { smtp_url: None, smtp_ca: None, mail_from: None, public_url: None, mail_retention_days: 7 }
    }
}

/// The address of an SMTP server.
#[derive(Clone)]
pub struct SmtpUrl {
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Option<Credentials>,
    pub(super) encryption: Encryption,
}

/// How the connection to an SMTP server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    /// From the beginning.
    Tls,
    /// After `STARTTLS`.
    StartTls,
    None,
}

impl Debug for SmtpUrl {
    // It may hold a password.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("smtp")
    }
}

impl FromStr for SmtpUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must have the form smtps://USER:PASSWORD@HOST:PORT or smtp://USER:PASSWORD@HOST:PORT, with special characters of user and password percent-encoded";
        let uri: Uri = text.parse().map_err(|_| FORM)?;
        let authority = uri.authority().ok_or(FORM)?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let (encryption, default_port) = match (uri.scheme_str(), uri.query()) {
            (Some("smtps"), None) => (Encryption::Tls, SUBMISSIONS_PORT),
            (Some("smtp"), None | Some("tls=required")) => (Encryption::StartTls, SUBMISSION_PORT),
            (Some("smtp"), Some("tls=none")) => (Encryption::None, SMTP_PORT),
            (Some("smtp" | "smtps"), Some(_)) => return Err("has an unknown option after `?`: only tls=none is one"),
            _ => return Err(FORM),
        };
        let user_info = authority.as_str().rsplit_once('@').map(|(user_info, _)| user_info);
        let is_here = ["localhost", "127.0.0.1", "::1"].contains(&host.as_str());
        if encryption == Encryption::None && user_info.is_some() && !is_here {
            return Err("would send the password unencrypted: leave tls=none out, or the password");
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8().map_err(|_| FORM).map(String::from);
        let credentials = match user_info.and_then(|user_info| user_info.split_once(':')) {
            Some((user, password)) => Some(Credentials::new(decode(user)?, decode(password)?)),
            None => None,
        };
        let is_port_left_out = authority.as_str().ends_with(authority.host());
        let port = if is_port_left_out { default_port } else { authority.port_u16().ok_or(FORM)? };
        Ok(Self { host, port, credentials, encryption })
    }
}

/// The URL of the front end, without a slash at its end. Clones share it, so that it can be set when its port is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicUrl(Arc<OnceLock<String>>);

impl PublicUrl {
    /// Sets a URL that is not set yet.
    pub fn set(&self, url: String) {
        _ = self.0.set(url);
    }
}

impl Display for PublicUrl {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.get().map_or(PUBLIC_URL, String::as_str))
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| "is not a URL")?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        if !is_web || uri.query().is_some() || text.contains('#') {
            return Err("must begin with http:// or https://, and have neither `?` nor `#`");
        }
        Ok(Self(Arc::new(text.trim_end_matches('/').to_owned().into())))
    }
}

fn read_certificate(path: &str) -> Result<Certificate, String> {
    let pem = fs::read(path).map_err(|error| error.to_string())?;
    Certificate::from_pem(&pem).map_err(|_| "has no certificate in PEM form".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Server = (String, u16, Encryption, Option<Credentials>);

    fn smtp(text: &str) -> Result<Server, &'static str> {
        text.parse::<SmtpUrl>().map(|url| (url.host, url.port, url.encryption, url.credentials))
    }

    #[test]
    fn an_smtp_server_is_reached_by_tls_unless_the_url_says_otherwise() {
        let bob = |password: &str| Some(Credentials::new("bob@school.example".to_owned(), password.to_owned()));
        let server = |host: &str, port, encryption, credentials| Ok((host.to_owned(), port, encryption, credentials));
        for (text, expected) in [
            (
                "smtps://bob%40school.example:x%40y%2F@mail.example",
                server("mail.example", 465, Encryption::Tls, bob("x@y/")),
            ),
            ("smtp://mail.example:2587", server("mail.example", 2587, Encryption::StartTls, None)),
            ("smtp://mail.example?tls=required", server("mail.example", 587, Encryption::StartTls, None)),
            ("smtp://mail.example?tls=none", server("mail.example", 25, Encryption::None, None)),
            ("smtps://[2001:db8::1]:8465", server("2001:db8::1", 8465, Encryption::Tls, None)),
            ("smtp://bob%40school.example:x@[::1]:25?tls=none", server("::1", 25, Encryption::None, bob("x"))),
        ] {
            assert_eq!(smtp(text), expected, "{text}");
        }
        for bad in [
            "",
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://mail.example?tls=opportunistic",
            "smtps://mail.example?tls=none",
            "smtp://bob:x@mail.example?tls=none",
            "smtps://bob:%ff@mail.example",
            "smtps://bob:x@mail.example:port",
            "smtp://mail.example:70000",
        ] {
            assert!(smtp(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_url_does_not_show_its_password() {
        let url: SmtpUrl = "smtps://bob:hidden@mail.example".parse().expect("a URL");

        assert_eq!(format!("{url:?}"), "smtp");
    }

    #[test]
    fn a_public_url_can_be_continued() {
        for (text, url) in [("https://school.example", "https://school.example"), ("http://a.b/c/", "http://a.b/c")] {
            assert_eq!(text.parse::<PublicUrl>().map(|url| url.to_string()), Ok(url.to_owned()));
        }
        for bad in ["", "school.example", "ftp://school.example", "https://a.b/?c", "https://a.b/#c", "javascript:x"] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }
}
