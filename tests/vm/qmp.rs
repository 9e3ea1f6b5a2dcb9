//! QEMU's machine protocol: one command, one answer; events that come in between are kept until somebody asks.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lines::{Got, Lines};

/// QEMU itself answers at once; this bounds a QEMU that is stuck.
const ANSWER: Duration = Duration::from_secs(20);

pub struct Qmp {
    lines: Lines,
    events: Vec<Value>,
}

impl Qmp {
    pub fn new(lines: Lines) -> Result<Self, String> {
        let mut qmp = Qmp {
            lines,
            events: Vec::new(),
        };
        qmp.read(Instant::now() + ANSWER)?
            .ok_or("QEMU says nothing")?;
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    pub fn execute(&mut self, command: &str, arguments: impl Into<Value>) -> Result<Value, String> {
        self.raw(&json!({ "execute": command, "arguments": arguments.into() }))
    }

    pub fn raw(&mut self, command: &Value) -> Result<Value, String> {
        self.lines
            .write(&command.to_string())
            .map_err(|error| format!("QEMU does not listen: {error}"))?;
        let deadline = Instant::now() + ANSWER;
        loop {
            let message = self
                .read(deadline)?
                .ok_or_else(|| format!("QEMU does not answer {command}"))?;
            if let Some(result) = message.get("return") {
                return Ok(result.clone());
            }
            if let Some(text) = message.pointer("/error/desc") {
                return Err(text.as_str().unwrap_or_default().to_owned());
            }
            self.events.push(message);
        }
    }

    /// Waits for an event with this name that fits. Older events count too, each once.
    pub fn event(
        &mut self,
        name: &str,
        fits: impl Fn(&Value) -> bool,
        within: Duration,
    ) -> Result<Value, String> {
        let deadline = Instant::now() + within;
        loop {
            let found = self
                .events
                .iter()
                .position(|event| event["event"] == name && fits(&event["data"]));
            if let Some(index) = found {
                return Ok(self.events.swap_remove(index));
            }
            let message = self
                .read(deadline)?
                .ok_or_else(|| format!("no {name} within {within:?}"))?;
            self.events.push(message);
        }
    }

    fn read(&mut self, deadline: Instant) -> Result<Option<Value>, String> {
        match self.lines.read(deadline) {
            Ok(Got::Line(line)) => serde_json::from_str(&line)
                .map(Some)
                .map_err(|error| format!("QEMU speaks no JSON ({error}): {line}")),
            Ok(Got::Late) => Ok(None),
            Ok(Got::Closed) => Err("QEMU has ended".to_owned()),
            Err(error) => Err(format!("cannot read from QEMU: {error}")),
        }
    }
}
