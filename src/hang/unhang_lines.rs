//! Our own log lines (syslog tag `unhang`) as far as the evidence needs them: what is in
//! force from here on, which is what the rules set, whatever that is, and whether the watcher
//! brought a wedged NIC back. The lines' grammar is [`crate::log::Line`], which also writes
//! them.

use super::Settings;
use crate::log::{Line, Part, TrialPart, ValuePart};

/// What one of our lines says about a NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The line's settings are in force; without any, the defaults are.
    InForce {
        /// Some of it had been otherwise until now.
        changed: bool,
        /// That is all that the rules want.
        whole: bool,
    },
    /// Somebody changed something, and it stays changed.
    Drifted,
    /// Nothing could be changed: they stay as they were.
    Failed,
    /// Hang blocks without a reset, or resets in quick turns.
    Wedged {
        /// Whether the watcher restarted the NIC.
        restarted: bool,
        /// Whether the offloads were as the rule wants them when it hung.
        in_force: bool,
    },
    /// The link is back after that.
    Recovered,
    /// A trial began, or is kept.
    Trial,
}

/// Why the line was written: its `event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A new netdev: nothing had been set on it before.
    Add,
    /// A person's command, or the package's installation.
    Manual,
    LinkUp,
    /// Somebody had changed a feature a moment ago: the watcher is told at once.
    Drift,
    /// A person had the original settings restored.
    Revert,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnhangLine {
    pub interface: String,
    pub said: Said,
    /// What is in force, if it is.
    pub settings: Settings,
    /// What the rules want and is not so.
    pub lost: Vec<String>,
    pub cause: Cause,
    /// What it says of a trial.
    pub trial: Option<TrialPart>,
}

impl UnhangLine {
    /// `eno1: tso gso gro off (were on); rule e1000e-tx-hang; …; event add`
    pub fn parse(message: &str) -> Option<UnhangLine> {
        UnhangLine::of(Line::parse(message.trim_end())?)
    }

    pub fn of(line: Line) -> Option<UnhangLine> {
        // IFNAMSIZ, with its zero.
        let fits = (1..=15).contains(&line.interface.len()) && !line.interface.contains(' ');
        if !fits {
            return None;
        }
        // Lines of older versions call a revert by its rule only.
        let cause = if line.rules == ["revert"] {
            Cause::Revert
        } else {
            cause(&line.event)
        };
        let mut said = said(&line.parts, cause)?;
        let mut settings = Settings::of(&line.parts);
        if cause == Cause::Revert {
            settings = Settings::default();
            if let Said::InForce { whole, .. } = &mut said {
                *whole = false;
            }
        }
        let mut lost = Vec::new();
        let mut trial = None;
        for part in line.parts {
            match part {
                Part::Trial(part) => {
                    // What was restored is nothing of unhang's.
                    if part.step.is_over() {
                        settings = Settings::default();
                        lost.extend(part.setting.rsplit_once(' ').map(|(key, _)| key.to_owned()));
                    }
                    trial = Some(part);
                }
                Part::Still { keys, .. } | Part::Unknown(keys) => lost.extend(keys),
                Part::Value(ValuePart::Still(name, ..)) => lost.push(name.to_string()),
                _ => {}
            }
        }
        Some(UnhangLine {
            interface: line.interface,
            said,
            settings,
            lost,
            cause,
            trial,
        })
    }
}

/// What all the parts come to; `None` if that is nothing about settings or a hang.
fn said(parts: &[Part], cause: Cause) -> Option<Said> {
    let restarted = parts
        .iter()
        .any(|part| matches!(part, Part::Recovery(_, what) if !what.starts_with("failed")));
    let (mut says, mut changed, mut whole) = (false, false, true);
    for part in parts {
        match part {
            Part::Wedged { in_force, .. } | Part::Storm { in_force, .. } => {
                return Some(Said::Wedged {
                    restarted,
                    in_force: *in_force,
                });
            }
            Part::Back { .. } => return Some(Said::Recovered),
            Part::Still { .. } | Part::Value(ValuePart::Still(..)) if cause == Cause::Drift => {
                return Some(Said::Drifted);
            }
            Part::Trial(trial) if !trial.step.is_over() => return Some(Said::Trial),
            Part::Trial(_) => (says, changed) = (true, true),
            Part::Failed(_) => return Some(Said::Failed),
            Part::Still { .. } | Part::Value(ValuePart::Still(..)) => (says, whole) = (true, false),
            Part::Unknown(_) => whole = false,
            Part::Value(value) if !value.is_right() => whole = false,
            Part::Changed(..) | Part::Value(ValuePart::Changed(..)) => {
                (says, changed) = (true, true);
            }
            Part::Already(..) | Part::Secured(..) | Part::Value(_) => says = true,
            Part::Also(..)
            | Part::Unsaved(_)
            | Part::Recovery(..)
            | Part::Stalled { .. }
            | Part::Sent(_)
            | Part::Left(_)
            | Part::Exhausted(_) => {}
        }
    }
    says.then_some(Said::InForce { changed, whole })
}

fn cause(event: &str) -> Cause {
    match event {
        "add" | "move" => Cause::Add,
        "manual" => Cause::Manual,
        "link-up" => Cause::LinkUp,
        "drift" => Cause::Drift,
        "revert" => Cause::Revert,
        _ => Cause::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::TrialStep;

    fn parse(what: &str, event: &str) -> Option<(Said, Cause)> {
        let rest = "rule e1000e-tx-hang; e1000e 8086:10d3 82574L";
        let line = UnhangLine::parse(&format!("enp1s0: {what}; {rest}; event {event}"))?;
        assert_eq!(line.interface, "enp1s0");
        Some((line.said, line.cause))
    }

    #[test]
    fn what_was_done_says_what_is_in_force() {
        let in_force = |changed, whole, settings: &str, cause| {
            Some((Said::InForce { changed, whole }, settings.to_owned(), cause))
        };
        let read = |what: &str, event: &str| {
            let (said, cause) = parse(what, event)?;
            let rest = "rule e1000e-tx-hang; e1000e 8086:10d3 82574L";
            let line = UnhangLine::parse(&format!("enp1s0: {what}; {rest}; event {event}"))?;
            Some((said, line.settings.name(), cause))
        };
        let on = in_force(true, true, "tso gso gro off", Cause::Add);
        assert_eq!(read("tso gso gro off (were on)", "add"), on);
        let mixed = "tso off (was on), gso gro already off, ufo unknown to this kernel";
        let on = in_force(true, false, "tso gso gro off", Cause::Add);
        assert_eq!(read(mixed, "move"), on);
        let already = in_force(false, true, "tso gso gro off", Cause::LinkUp);
        assert_eq!(read("tso gso gro already off", "link-up"), already);
        let stays = in_force(false, true, "tso off", Cause::Drift);
        assert_eq!(read("tso stays off (on was requested)", "drift"), stays);
        // Whatever the rules say is what is in force.
        let said = in_force(true, true, "tso gso gro on", Cause::Manual);
        assert_eq!(read("tso gso gro on (were off)", "manual"), said);
        let rx = in_force(true, true, "rx on", Cause::Add);
        assert_eq!(read("rx on (was off)", "add"), rx);
        // A revert sets nothing of unhang's.
        let reverted = in_force(true, false, "", Cause::Revert);
        assert_eq!(read("tso gso gro on (were off)", "revert"), reverted);
        let still = "gso gro off (were on), tso still on (fixed: tx-tcp6-segmentation)";
        let partly = in_force(true, false, "gso gro off", Cause::Other);
        assert_eq!(read(still, "rules"), partly);
        let values =
            "eee off (was on), ring rx already 512, ring tx still 256 (refused: Invalid argument)";
        let partly = in_force(true, false, "eee off, ring rx 512", Cause::Add);
        assert_eq!(read(values, "add"), partly);
        let lacking = "tso off (was on), eee off (not supported by this NIC)";
        let on = in_force(true, true, "tso off", Cause::Add);
        assert_eq!(read(lacking, "add"), on);
        let failed = Some((Said::Failed, Cause::Manual));
        assert_eq!(
            parse("not changed: the kernel said EPERM", "manual"),
            failed
        );
        assert_eq!(parse("ufo unknown to this kernel", "add"), None);
    }

    #[test]
    fn drift_that_stays_is_somebodys_change() {
        let drifted = Some((Said::Drifted, Cause::Drift));
        let left = r#"tso still on (left as is by drift = "report": tx-tcp-segmentation)"#;
        assert_eq!(parse(left, "drift"), drifted);
        let refused = "gso off (was on), tso still on (refused: tx-tcp-segmentation)";
        assert_eq!(parse(refused, "drift"), drifted);
    }

    #[test]
    fn the_watchers_lines_say_how_a_hang_went_on() {
        let wedged = |restarted, in_force| {
            let said = Said::Wedged {
                restarted,
                in_force,
            };
            Some((said, Cause::Other))
        };
        let restart =
            "wedged after 2 hang blocks (offloads in force), recovery 1: autonegotiation restarted";
        assert_eq!(parse(restart, "wedge"), wedged(true, true));
        let failed = "wedged after 2 hang blocks (offloads not in force), recovery 1: failed (ResetPciFunction: No such file or directory (os error 2))";
        assert_eq!(parse(failed, "wedge"), wedged(false, false));
        let storm = "storm of 3 hangs within 24 s (offloads in force), recovery 1: autonegotiation restarted";
        assert_eq!(parse(storm, "wedge"), wedged(true, true));
        let back = parse("link up 0.6 s after recovery 1", "wedge");
        assert_eq!(back, Some((Said::Recovered, Cause::Other)));
        assert_eq!(
            parse("left alone: three recoveries did not help", "wedge"),
            None
        );
    }

    #[test]
    fn a_trial_that_is_over_leaves_nothing_of_its_own() {
        let read = |what: &str| {
            let rest = "rule trial-eee-off; e1000e 8086:10d3 82574L";
            let line = format!("enp1s0: {what}; {rest}; event trial");
            assert_eq!(Line::parse(&line).unwrap().to_string(), line);
            UnhangLine::parse(&line).unwrap()
        };
        let line = read("trial eee off started (5.8 days)");
        assert_eq!((line.said, line.lost.len()), (Said::Trial, 0));
        let step = TrialStep::Started { tenths: 58 };
        assert_eq!(line.trial.unwrap().step, step);
        let line = read("trial eee off refuted, eee on (was off)");
        assert_eq!(
            (line.lost, line.settings.is_empty()),
            (vec!["eee".into()], true)
        );
        let line = read("trial ring rx 512 stopped");
        assert_eq!(line.lost, ["ring rx"]);
        assert_eq!(read("trial eee off kept").said, Said::Trial);
    }

    #[test]
    fn other_words_are_nobodys() {
        for text in [
            "",
            ": ",
            "/etc/unhang/rules.d/60-mine.toml:3:1: no such key",
        ] {
            assert_eq!(UnhangLine::parse(text), None, "{text}");
        }
    }
}
