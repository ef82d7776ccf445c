//! Sends mails to an SMTP server.

use std::time::Duration;

use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::DEFAULT_MECHANISMS,
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use tokio::time::timeout;

use super::{
    settings::{Encryption, MailSettings, SmtpUrl},
    store::PendingMail,
};

pub(crate) use lettre::transport::smtp::Error as SmtpError;

/// The timeout of one mail.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// How long a server may take to say goodbye after it has accepted a mail.
pub(super) const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Replies that concern this one mail, so that another attempt is of no use (RFC 5321, 4.2.3). Others, such as of a failed
/// authentication, concern the server.
const REJECTIONS: [&str; 5] = ["501", "550", "551", "553", "556"];

/// Sends mails to an SMTP server.
pub struct Smtp {
    server: SmtpUrl,
    /// None if the connection is not encrypted.
    tls: Option<TlsParameters>,
    /// What this client calls itself.
    name: ClientId,
    from: Mailbox,
}

/// Why a mail was not sent. The reason has neither addresses nor what the server has said.
#[derive(Debug, PartialEq, Eq)]
pub enum SendError {
    /// The server does not accept this mail.
    Rejected(String),
    /// To be retried.
    Unavailable(String),
}

impl Smtp {
    /// Prepares for the server of the settings, if they have one.
    pub fn new(settings: &MailSettings) -> Result<Option<Self>, SmtpError> {
        let (Some(server), Some(from)) = (&settings.smtp_url, &settings.mail_from) else { return Ok(None) };
        let mut tls = TlsParameters::builder(server.host.clone());
        if let Some(authority) = &settings.smtp_ca {
            tls = tls.add_root_certificate(authority.clone());
        }
        let tls = if server.encryption == Encryption::None { None } else { Some(tls.build_rustls()?) };
        Ok(Some(Self { server: server.clone(), tls, name: ClientId::default(), from: from.clone() }))
    }

    /// Sends a mail. Each attempt has the same `Message-ID`.
    pub async fn send(&self, mail: &PendingMail) -> Result<(), SendError> {
        let message = self.message(mail)?;
        let sent = timeout(TIMEOUT, self.deliver(&message)).await;
        let mut connection = match sent {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(SendError::of(&error)),
            Err(_) => return Err(SendError::Unavailable("no reply in time".to_owned())),
        };
        // The mail is the server's now, even if it does not say goodbye: another attempt would send it twice.
        _ = timeout(QUIT_TIMEOUT, connection.quit()).await;
        Ok(())
    }

    /// Returns the connection once the server has accepted the message.
    async fn deliver(&self, message: &Message) -> Result<AsyncSmtpConnection, SmtpError> {
        let SmtpUrl { host, port, credentials, encryption } = &self.server;
        let from_the_beginning = self.tls.clone().filter(|_| *encryption == Encryption::Tls);
        let server = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(TIMEOUT), &self.name, from_the_beginning, None).await?;
        if let Some(tls) = self.tls.clone().filter(|_| *encryption == Encryption::StartTls) {
            connection.starttls(tls, &self.name).await?;
        }
        if let Some(credentials) = credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        connection.send(message.envelope(), &message.formatted()).await?;
        Ok(connection)
    }

    fn message(&self, mail: &PendingMail) -> Result<Message, SendError> {
        let rejected = |reason: &str| SendError::Rejected(reason.to_owned());
        let address: Address = mail.recipient.parse().map_err(|_| rejected("the recipient's is no address"))?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(mail.subject.clone())
            .date(mail.created_at.into())
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.clone())
            .map_err(|_| rejected("the mail cannot be composed"))
    }
}

impl SendError {
    fn of(error: &SmtpError) -> Self {
        match error.status().map(|status| status.to_string()) {
            Some(status) if REJECTIONS.contains(&&*status) => Self::Rejected(format!("the server replied {status}")),
            Some(status) => Self::Unavailable(format!("the server replied {status}")),
            None if error.is_response() => Self::Unavailable("the server's reply is malformed".to_owned()),
            // Of the library, of TLS, or of the operating system.
            None => {
                let reason = error.to_string();
                // It never will, for this recipient.
                if reason.contains("SMTPUTF8") { Self::Rejected(reason) } else { Self::Unavailable(reason) }
            }
        }
    }
}
