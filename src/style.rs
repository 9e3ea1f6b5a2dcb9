//! Colours. They are written always and taken out again where the output is no terminal.

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default();
const DIM: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// As it should be.
pub fn good(text: &str) -> String {
    styled(GOOD, text)
}

/// Not as it should be.
pub fn bad(text: &str) -> String {
    styled(BAD, text)
}

/// Not known, or not yet.
pub fn open(text: &str) -> String {
    styled(OPEN, text)
}

/// Of less interest.
pub fn dim(text: &str) -> String {
    styled(DIM, text)
}

/// A heading.
pub fn strong(text: &str) -> String {
    styled(STRONG, text)
}
