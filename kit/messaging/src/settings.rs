//! Settings of the events between services.

use std::{fmt, str::FromStr};

/// Settings of the events between services.
#[derive(Clone, Debug, clap::Args)]
pub struct EventSettings {
    /// The transport of events between services: `local` for direct delivery, or the URL of a NATS server with
    /// `JetStream`, `nats://HOST:4222`. All processes need the same.
    #[arg(
        long,
        env = "LYCEUM_EVENT_BUS",
        hide_env_values = true,
        value_name = "local|nats://…",
        default_value = "local"
    )]
    pub event_bus: EventBusAddress,

    /// The system's name in NATS: the name of its stream, and the prefix of its subjects. Systems that share a NATS
    /// server need different names.
    #[arg(long, env = "LYCEUM_NATS_NAME", default_value = "lyceum")]
    pub nats_name: NatsName,

    /// The number of hours for which events are kept after they were delivered and handled.
    #[arg(long, env = "LYCEUM_EVENT_RETENTION_HOURS", default_value_t = 168, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub event_retention_hours: u32,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self { event_bus: EventBusAddress::Local, nats_name: NatsName("lyceum".to_owned()), event_retention_hours: 168 }
    }
}

/// The transport of events.
#[derive(Clone, PartialEq, Eq)]
pub enum EventBusAddress {
    /// Direct delivery, without a broker.
    Local,
    /// Delivery through the NATS server at this address.
    Nats(String),
}

impl fmt::Debug for EventBusAddress {
    // An address may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if *self == Self::Local { "local" } else { "nats" })
    }
}

impl FromStr for EventBusAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "local" => Ok(Self::Local),
            _ if ["nats://", "tls://"].iter().any(|scheme| text.starts_with(scheme)) => Ok(Self::Nats(text.to_owned())),
            _ => Err("must be `local` or a URL such as nats://127.0.0.1:4222"),
        }
    }
}

/// A system's name in NATS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsName(String);

impl fmt::Display for NatsName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for NatsName {
    type Err = &'static str;

    // Valid both as a stream's name and as a token of a subject.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if (1..=64).contains(&text.len()) && text.chars().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must have 1 to 64 letters, digits, `-` or `_`")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_nats_is_one_part_of_a_subject() {
        for good in ["lyceum", "Lyceum-2_b", &"x".repeat(64)] {
            assert!(good.parse::<NatsName>().is_ok(), "{good}");
        }
        for bad in ["", "a.b", "a b", "a*", ">", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<NatsName>().is_err(), "{bad}");
        }
    }
}
