//! What a log line says of a trial.

use std::fmt;

/// `trial eee off started (5.8 days)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialPart {
    /// `eee off`
    pub setting: String,
    pub step: TrialStep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialStep {
    Started {
        /// Tenths of days of up-time without an incident that it takes.
        tenths: u32,
    },
    /// It is compared with those that have the setting: nothing is changed on it.
    Control {
        /// As long as with them.
        tenths: u32,
    },
    /// The NIC hung.
    Refuted,
    /// It is an ordinary rule now.
    Kept,
    /// Its owner ended it.
    Stopped,
}

const ENDS: [(&str, TrialStep); 3] = [
    (" refuted", TrialStep::Refuted),
    (" kept", TrialStep::Kept),
    (" stopped", TrialStep::Stopped),
];

impl TrialStep {
    /// What is asked for where one begins: tenths of days of up-time.
    pub fn asked(self) -> Option<u32> {
        match self {
            TrialStep::Started { tenths } | TrialStep::Control { tenths } => Some(tenths),
            TrialStep::Refuted | TrialStep::Kept | TrialStep::Stopped => None,
        }
    }

    /// Whether what it had set is no longer wanted by it.
    pub fn is_over(self) -> bool {
        matches!(self, TrialStep::Refuted | TrialStep::Stopped)
    }
}

impl TrialPart {
    pub(super) fn parse(text: &str) -> Option<TrialPart> {
        let text = text.strip_prefix("trial ")?;
        let part = |setting: &str, step| {
            let setting = setting.to_owned();
            TrialPart { setting, step }
        };
        let ended = |(word, step)| Some(part(text.strip_suffix(word)?, step));
        if let Some(part) = ENDS.into_iter().find_map(ended) {
            return Some(part);
        }
        let (rest, days) = text.rsplit_once(" (")?;
        let (whole, tenth) = days.strip_suffix(" days)")?.split_once('.')?;
        let (whole, tenth) = (whole.parse::<u32>().ok()?, tenth.parse::<u32>().ok()?);
        let tenths = whole.checked_mul(10)?.checked_add(tenth)?;
        match rest.rsplit_once(' ')? {
            (setting, "started") => Some(part(setting, TrialStep::Started { tenths })),
            (setting, "control") => Some(part(setting, TrialStep::Control { tenths })),
            _ => None,
        }
    }
}

impl fmt::Display for TrialPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.step {
            TrialStep::Started { .. } => "started",
            TrialStep::Control { .. } => "control",
            TrialStep::Refuted => "refuted",
            TrialStep::Kept => "kept",
            TrialStep::Stopped => "stopped",
        };
        write!(f, "trial {} {word}", self.setting)?;
        match self.step.asked() {
            Some(tenths) => write!(f, " ({}.{} days)", tenths / 10, tenths % 10),
            None => Ok(()),
        }
    }
}
