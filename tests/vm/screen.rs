//! What happens, as it happens, for a person to watch.

use std::io::{IsTerminal, stdout};

use crate::message::Message;

/// The terminal; colours only if it is one.
pub struct Screen {
    colour: bool,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "1;31";

impl Screen {
    pub fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Screen {
            colour: wanted && stdout().is_terminal(),
        }
    }

    pub fn show(&self, message: &Message) {
        match message {
            Message::Step(text) => println!("\n{}", self.paint(BOLD, text)),
            Message::Say(text) => println!("{text}"),
            Message::Show(text) => println!("  {}", self.paint(BOLD, text)),
            Message::Output(line) => println!("  {line}"),
            Message::Metric { name, value } => println!("  {name}: {value}"),
            Message::Host(request) => self.machine(&format!("the host: {request}")),
            Message::Check { name, passed: true } => {
                println!("  {} {name}", self.paint(GREEN, "✓"));
            }
            Message::Check { name, .. } => println!("  {} {name}", self.paint(RED, "✗")),
            Message::Rebooting => self.machine("the guest reboots …"),
            _ => {}
        }
    }

    /// What happens to the machine, not in it.
    pub fn machine(&self, text: &str) {
        println!("  {}", self.paint(DIM, text));
    }

    pub fn bold(&self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
