//! Whether to use colours, and which. Nothing else writes escape sequences for colours.

use clap::ValueEnum;
use std::{env, ffi::OsString};

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// The colours of one stream; without any, every text stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Palette {
    enabled: bool,
}

impl Palette {
    /// For a stream that is a terminal or not.
    pub(crate) fn new(when: ColorWhen, terminal: bool) -> Self {
        Self { enabled: decide(when, terminal, |name| env::var_os(name)) }
    }

    /// Whether every text stays as it is.
    pub(crate) fn is_plain(self) -> bool {
        !self.enabled
    }

    /// The name of a member.
    pub(crate) fn key(self, text: &str) -> String {
        self.paint("34;1", text)
    }

    /// A text within a value.
    pub(crate) fn text(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Something that was not so a moment ago.
    pub(crate) fn changed(self, text: &str) -> String {
        self.paint("7", text)
    }

    /// A heading.
    pub(crate) fn heading(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.enabled { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `--color` before NO_COLOR before CLICOLOR_FORCE before CLICOLOR before what the stream is.
fn decide(when: ColorWhen, terminal: bool, var: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name: &str| var(name).is_some_and(|value| !value.is_empty());
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if is_set("NO_COLOR") => false,
        ColorWhen::Auto if is_set("CLICOLOR_FORCE") && var("CLICOLOR_FORCE") != Some("0".into()) => true,
        ColorWhen::Auto => terminal && var("CLICOLOR") != Some("0".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence() {
        use ColorWhen::{Always, Auto, Never};
        for (when, terminal, vars, enabled) in [
            (Auto, true, &[][..], true),
            (Auto, false, &[], false),
            (Auto, true, &[("CLICOLOR", "0")], false),
            (Auto, false, &[("CLICOLOR", "1")], false),
            (Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Auto, true, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], true),
            (Auto, true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
            (Auto, true, &[("NO_COLOR", "")], true),
            (Always, false, &[("NO_COLOR", "1")], true),
            (Never, true, &[("CLICOLOR_FORCE", "1")], false),
        ] {
            let var =
                |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            assert_eq!(decide(when, terminal, var), enabled, "{when:?} {terminal} {vars:?}");
        }
    }

    #[test]
    fn without_colours_texts_stay() {
        assert_eq!(Palette { enabled: false }.changed("x"), "x");
        assert_eq!(Palette { enabled: true }.changed("x"), "\x1b[7mx\x1b[0m");
    }
}
