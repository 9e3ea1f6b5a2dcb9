//! Whether a scenario passed, from what its guest said, and the text for the person who has to find out why not.

use std::fmt::Write;

use crate::message::Message;

#[derive(Default)]
pub struct Verdict {
    passed: usize,
    failed: Vec<String>,
    done: bool,
    status: String,
    pub metrics: Vec<(String, String)>,
    /// The last message was a failed check: output that follows is part of it.
    failing: bool,
}

impl Verdict {
    pub fn hear(&mut self, message: &Message) {
        if let Message::Output(line) = message {
            if let (true, Some(text)) = (self.failing, self.failed.last_mut()) {
                let _ = write!(text, "\n    {line}");
            }
            return;
        }
        self.failing = false;
        match message {
            Message::Check { passed: true, .. } => self.passed += 1,
            Message::Check { name, .. } => {
                self.failing = true;
                self.failed.push(name.clone());
            }
            Message::Metric { name, value } => {
                self.metrics.push((name.clone(), value.clone()));
            }
            Message::Done => self.done = true,
            Message::Ended(status) => self.status.clone_from(status),
            Message::Stray(line) => self.failed.push(format!("not understood: {line}")),
            _ => {}
        }
    }

    /// `broken` is why the guest did not get to the end of its script, if so.
    pub fn failure(&self, broken: Option<&str>) -> Option<String> {
        let mut text = String::new();
        for check in &self.failed {
            let _ = writeln!(text, "failed: {check}");
        }
        if let Some(reason) = broken {
            let _ = writeln!(text, "{reason}");
        } else if !self.done {
            let status = &self.status;
            let _ = writeln!(
                text,
                "the script ended with status {status} and without `finish`"
            );
        } else if self.passed + self.failed.len() == 0 {
            let _ = writeln!(text, "not one check ran");
        }
        if text.is_empty() {
            return None;
        }
        let _ = writeln!(
            text,
            "{} checks passed, {} failed",
            self.passed,
            self.failed.len()
        );
        Some(text)
    }
}
