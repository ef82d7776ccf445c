//! Parses the command line and the environment. What is wrong with a setting is said without its value if that may hold
//! a password.

use clap::{
    Command, Error, Parser,
    error::{ContextKind, ContextValue},
};

/// What is shown in place of a value.
const HIDDEN: &str = "…";

/// The settings. Ends the process with a message if they are wrong, or if help was asked for.
pub fn parse<T: Parser>() -> T {
    T::try_parse().unwrap_or_else(|error| without_secrets(error, T::command()).exit())
}

fn without_secrets(mut error: Error, mut command: Command) -> Error {
    command.build();
    let argument = error.get(ContextKind::InvalidArg).map(ToString::to_string);
    let is_secret = argument.is_some_and(|argument| is_secret(&command, &argument));
    let context: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in context {
        let text = value.to_string();
        let is_value = kind == ContextKind::InvalidValue && !text.is_empty();
        if !(is_value && is_secret || has_user(&text)) {
            continue;
        }
        match value {
            ContextValue::String(_) => error.insert(kind, ContextValue::String(HIDDEN.to_owned())),
            // Tips that repeat it.
            _ => error.remove(kind),
        };
    }
    error
}

/// Whether `--help` does not show the value that an option has in the environment.
fn is_secret(command: &Command, argument: &str) -> bool {
    command.get_arguments().any(|known| known.is_hide_env_values_set() && known.to_string() == argument)
        || command.get_subcommands().any(|command| is_secret(command, argument))
}

/// Whether the text is, or contains, a URL with a user, perhaps a malformed one.
fn has_user(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

#[cfg(test)]
mod tests {
    use clap::Args;

    use super::*;

    const VALUE: &str = "nats://ada:s3cret@host:port";

    #[derive(Parser)]
    struct Settings {
        #[command(subcommand)]
        command: Subcommand,
    }

    #[derive(clap::Subcommand)]
    enum Subcommand {
        Run(Run),
    }

    #[derive(Args)]
    struct Run {
        #[arg(long, env = "LYCEUM_TEST_SECRET", hide_env_values = true)]
        secret: Option<u8>,
        #[arg(long)]
        open: Option<u8>,
        #[arg(long, value_parser = ["one", "two"])]
        listed: Option<String>,
    }

    fn message(arguments: &[&str]) -> String {
        let given = ["lyceum"].iter().chain(arguments);
        let error = Settings::try_parse_from(given).err().expect("it is wrong");
        without_secrets(error, <Settings as clap::CommandFactory>::command()).render().to_string()
    }

    #[test]
    fn a_message_has_no_value_that_may_hold_a_password() {
        for arguments in [
            &["run", "--secret", "s3cret"][..],
            &["run", "--secret=s3cret"],
            &["run", "--secret", VALUE],
            &["run", "--open", VALUE],
            &["run", "--listed", VALUE],
            &["run", VALUE],
            &["run", "--opem", VALUE],
            &["run", &format!("--opem={VALUE}")],
            &[VALUE],
        ] {
            let message = message(arguments);
            assert!(!message.contains("s3cret"), "{arguments:?}: {message}");
            assert!(message.starts_with("error:"), "{message}");
        }
        let message = message(&["run", "--secret", "s3cret"]);
        assert!(message.contains("--secret <SECRET>") && message.contains("invalid digit"), "{message}");
    }

    #[test]
    fn other_values_are_shown() {
        for (arguments, value) in [
            (&["run", "--open", "many"][..], "'many'"),
            (&["run", "--listed", "three"], "'three'"),
            (&["run", "more"], "'more'"),
            (&["run", "--open", "https://host/path"], "'https://host/path'"),
        ] {
            let message = message(arguments);
            assert!(message.contains(value), "{message}");
        }
    }
}
