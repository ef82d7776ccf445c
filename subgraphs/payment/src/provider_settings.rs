//! The settings of the payment provider.

use std::path::PathBuf;

use auth::{
    secret::{Secret, SecretError},
    webhook::WebhookKeys,
};
use clap::Args;
use reqwest::Url;
use service::peers;

use crate::http_provider::HttpProvider;

/// The payment provider, and the secrets that are shared with it. Without a URL every charge completes, and nothing is
/// charged.
#[derive(Clone, Debug, Default, Args)]
pub struct ProviderSettings {
    /// The URL of the payment provider's API, which charges and refunds. It has to be `https`, except on this machine.
    /// Without it every charge completes immediately, and no money moves.
    #[arg(long, env = "LYCEUM_PAYMENT_PROVIDER_URL", hide_env_values = true, value_name = "URL")]
    pub payment_provider_url: Option<String>,

    /// The secret that the payment provider knows this system by; it is sent with each request.
    #[arg(long, env = "LYCEUM_PAYMENT_PROVIDER_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub payment_provider_secret: Option<Secret>,

    /// A file that contains the secret, instead of the secret itself.
    #[arg(
        long,
        env = "LYCEUM_PAYMENT_PROVIDER_SECRET_FILE",
        value_name = "FILE",
        conflicts_with = "payment_provider_secret"
    )]
    pub payment_provider_secret_file: Option<PathBuf>,

    /// The secret that the payment provider signs its webhooks with, at least 32 bytes.
    #[arg(long, env = "LYCEUM_PAYMENT_WEBHOOK_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub payment_webhook_secret: Option<Secret>,

    /// A file that contains that secret.
    #[arg(
        long,
        env = "LYCEUM_PAYMENT_WEBHOOK_SECRET_FILE",
        value_name = "FILE",
        conflicts_with = "payment_webhook_secret"
    )]
    pub payment_webhook_secret_file: Option<PathBuf>,

    /// During a rotation of the secret of webhooks: the second one that is accepted.
    #[arg(long, env = "LYCEUM_PAYMENT_WEBHOOK_SECRET_PREVIOUS", hide_env_values = true, value_name = "SECRET")]
    pub payment_webhook_secret_previous: Option<Secret>,

    /// A file that contains the second secret.
    #[arg(
        long,
        env = "LYCEUM_PAYMENT_WEBHOOK_SECRET_PREVIOUS_FILE",
        value_name = "FILE",
        conflicts_with = "payment_webhook_secret_previous"
    )]
    pub payment_webhook_secret_previous_file: Option<PathBuf>,

    /// The currency of all prices, as an ISO 4217 code, which the payment provider charges in. Default: EUR.
    #[arg(long, env = "LYCEUM_PAYMENT_CURRENCY", value_name = "CODE")]
    pub payment_currency: Option<String>,
}

const DEFAULT_CURRENCY: &str = "EUR";

/// The reason why the settings of the payment provider are invalid. No message repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum ProviderSettingsError {
    /// Secrets without a provider: nobody wants to give courses away because of a missing setting.
    #[error(
        "a secret of the payment provider is set, but LYCEUM_PAYMENT_PROVIDER_URL is not: set all of them, or none"
    )]
    NoUrl,
    /// A URL without its secrets.
    #[error("LYCEUM_PAYMENT_PROVIDER_URL is set, but {0} is not")]
    NoSecret(&'static str),
    /// Not an absolute URL, or one that would send the secret unencrypted.
    #[error(
        "LYCEUM_PAYMENT_PROVIDER_URL must be a URL like https://payments.example/, without user, query and fragment; \
         http:// is for this machine only"
    )]
    Url,
    /// A secret that cannot be sent in a header.
    #[error("LYCEUM_PAYMENT_PROVIDER_SECRET must have visible ASCII characters only")]
    Unsendable,
    /// Not a currency.
    #[error("LYCEUM_PAYMENT_CURRENCY must be a code of three capital letters, such as EUR")]
    Currency,
    /// A secret that cannot be read or is too short.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl ProviderSettings {
    /// The configured provider, with the keys of its webhooks; none if there is none.
    ///
    /// # Errors
    /// [`ProviderSettingsError`] if a setting is invalid, or some are missing.
    pub fn open(&self) -> Result<Option<(HttpProvider, WebhookKeys)>, ProviderSettingsError> {
        let read = |secret: &Option<Secret>, file: &Option<PathBuf>| Secret::read(secret.as_ref(), file.as_ref());
        let secret = read(&self.payment_provider_secret, &self.payment_provider_secret_file)?;
        let keys = WebhookKeys::from_settings(
            "LYCEUM_PAYMENT_WEBHOOK_SECRET",
            read(&self.payment_webhook_secret, &self.payment_webhook_secret_file)?,
            read(&self.payment_webhook_secret_previous, &self.payment_webhook_secret_previous_file)?,
        )?;
        let Some(url) = self.payment_provider_url.as_deref().filter(|url| !url.is_empty()) else {
            return if secret.is_none() && keys.is_none() { Ok(None) } else { Err(ProviderSettingsError::NoUrl) };
        };
        let url = peers::address(url).filter(is_confidential).ok_or(ProviderSettingsError::Url)?;
        let secret = secret.filter(|secret| !secret.is_empty());
        let secret = secret.ok_or(ProviderSettingsError::NoSecret("LYCEUM_PAYMENT_PROVIDER_SECRET"))?;
        let keys = keys.ok_or(ProviderSettingsError::NoSecret("LYCEUM_PAYMENT_WEBHOOK_SECRET"))?;
        let provider =
            HttpProvider::try_new(url, &secret, self.currency()?).ok_or(ProviderSettingsError::Unsendable)?;
        Ok(Some((provider, keys)))
    }

    fn currency(&self) -> Result<String, ProviderSettingsError> {
        let code = self.payment_currency.as_deref().filter(|code| !code.is_empty()).unwrap_or(DEFAULT_CURRENCY);
        let is_code = code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase());
        if is_code { Ok(code.to_owned()) } else { Err(ProviderSettingsError::Currency) }
    }
}

/// Whether nobody else can read what is sent there. What is in front of a host or behind its path is no part of an address.
fn is_confidential(url: &Url) -> bool {
    let is_local = match url.host_str() {
        Some("localhost") => true,
        Some(host) => host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        None => false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    is_plain && url.fragment().is_none() && (url.scheme() == "https" || is_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of the payment provider";

    fn settings(url: &str) -> ProviderSettings {
        ProviderSettings {
            payment_provider_url: Some(url.to_owned()),
            payment_provider_secret: Some("key".into()),
            payment_webhook_secret: Some(SECRET.into()),
            ..ProviderSettings::default()
        }
    }

    fn message(settings: &ProviderSettings) -> String {
        settings.open().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn without_settings_there_is_no_provider() {
        let empty = ProviderSettings {
            payment_provider_url: Some(String::new()),
            payment_provider_secret: Some("".into()),
            payment_webhook_secret: Some("".into()),
            payment_currency: Some(String::new()),
            ..ProviderSettings::default()
        };
        for settings in [ProviderSettings::default(), empty] {
            assert!(settings.open().expect("they are valid").is_none());
        }
    }

    #[test]
    fn the_secret_is_sent_to_this_machine_or_encrypted() {
        for good in [
            "https://payments.example",
            "https://payments.example/api/",
            "http://localhost:1",
            "http://127.0.0.1:1",
            "http://[::1]:1",
        ] {
            assert!(settings(good).open().expect(good).is_some());
        }
        for bad in [
            "payments.example",
            "http://payments.example",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "http://192.0.2.1",
            "https://user:password@payments.example",
            "https://payments.example/?key=1",
            "https://payments.example/#part",
            "ftp://payments.example",
        ] {
            assert!(message(&settings(bad)).contains("LYCEUM_PAYMENT_PROVIDER_URL must be"), "{bad}");
        }
    }

    #[test]
    fn a_part_of_the_settings_is_named_and_never_shown() {
        let whole = settings("https://payments.example");
        let (short, unsendable) = ("hush, too short", "hush\nhush");
        for (settings, named) in [
            (ProviderSettings { payment_provider_url: None, ..whole.clone() }, "PROVIDER_URL is not"),
            (
                ProviderSettings { payment_provider_secret: None, ..whole.clone() },
                "LYCEUM_PAYMENT_PROVIDER_SECRET is not",
            ),
            (
                ProviderSettings { payment_webhook_secret: None, ..whole.clone() },
                "LYCEUM_PAYMENT_WEBHOOK_SECRET is not",
            ),
            (ProviderSettings { payment_webhook_secret: Some(short.into()), ..whole.clone() }, "at least 32 bytes"),
            (
                ProviderSettings {
                    payment_webhook_secret: None,
                    payment_webhook_secret_previous: Some(SECRET.into()),
                    ..whole.clone()
                },
                "LYCEUM_PAYMENT_WEBHOOK_SECRET_PREVIOUS",
            ),
            (ProviderSettings { payment_provider_secret: Some(unsendable.into()), ..whole.clone() }, "visible ASCII"),
            (
                ProviderSettings { payment_currency: Some("euro".to_owned()), ..whole.clone() },
                "LYCEUM_PAYMENT_CURRENCY",
            ),
        ] {
            let message = message(&settings);
            assert!(message.contains(named), "{named}: {message}");
            assert!(!message.contains("hush"), "{message}");
            assert!(!format!("{settings:?}").contains("hush"));
        }
    }
}
