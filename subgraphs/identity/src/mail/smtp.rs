//! Sends mails to an SMTP server.

use std::time::Duration;

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::client::{Tls, TlsParameters},
};
use tokio::time::timeout;

use super::{
    settings::{Encryption, MailSettings},
    store::PendingMail,
};

pub(crate) use lettre::transport::smtp::Error as SmtpError;

/// The timeout of one mail.
pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

/// Replies that concern this one mail, so that another attempt is of no use (RFC 5321, 4.2.3). Others, such as of a failed
/// authentication, concern the server.
const REJECTIONS: [&str; 5] = ["501", "550", "551", "553", "556"];

/// Sends mails to an SMTP server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
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
        let tls = match server.encryption {
            Encryption::Tls => Tls::Wrapper(tls.build_rustls()?),
            Encryption::StartTls => Tls::Required(tls.build_rustls()?),
            Encryption::None => Tls::None,
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&server.url)?.tls(tls).timeout(Some(TIMEOUT));
        Ok(Some(Self { transport: transport.build(), from: from.clone() }))
    }

    /// Sends a mail. Each attempt has the same `Message-ID`.
    pub async fn send(&self, mail: &PendingMail) -> Result<(), SendError> {
        let message = self.message(mail)?;
        match timeout(TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(SendError::of(&error)),
            Err(_) => Err(SendError::Unavailable("no reply in time".to_owned())),
        }
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
            None => Self::Unavailable(error.to_string()),
        }
    }
}
