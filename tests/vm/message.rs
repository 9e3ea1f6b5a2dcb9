//! What the guest says over the control channel, a line each (lib.sh is the other end).
//! A line that begins with `| ` belongs to the message before it: the output of what was run, or a file.

#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The guest has unpacked its test and begins.
    Ready,
    Check {
        name: String,
        passed: bool,
    },
    Say(String),
    Step(String),
    /// A command whose output follows, or a file.
    Show(String),
    Metric {
        name: String,
        value: String,
    },
    Output(String),
    Host(String),
    /// The guest is about to reboot because its test wants that.
    Rebooting,
    /// The test got to its end.
    Done,
    /// The test's shell has ended, with this status.
    Ended(String),
    /// Not from lib.sh.
    Stray(String),
}

impl Message {
    pub fn parse(line: &str) -> Self {
        let line = &plain(line);
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let text = rest.to_owned();
        match word {
            "ready" => Message::Ready,
            "pass" | "fail" => Message::Check {
                name: text,
                passed: word == "pass",
            },
            "say" => Message::Say(text),
            "step" => Message::Step(text),
            "show" => Message::Show(text),
            "metric" => {
                let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
                Message::Metric {
                    name: name.to_owned(),
                    value: value.to_owned(),
                }
            }
            "|" => Message::Output(text),
            "host" => Message::Host(text),
            "rebooting" => Message::Rebooting,
            "done" => Message::Done,
            "ended" => Message::Ended(text),
            _ => Message::Stray(line.clone()),
        }
    }
}

/// Nothing that a guest prints may steer the terminal.
pub fn plain(text: &str) -> String {
    let visible = |c: &char| !c.is_control() || *c == '\t';
    text.chars().filter(visible).collect()
}
