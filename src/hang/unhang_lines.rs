//! Our own log lines (syslog tag `unhang`) as far as the evidence needs them: what is in
//! force from here on, which is what the rules set, whatever that is, and whether the watcher
//! brought a wedged NIC back. The lines' grammar is [`crate::log::Line`], which also writes
//! them.

use super::Settings;
use crate::log::{Line, Part};

/// What one of our lines says about a NIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// All is as the rules want it.
    InForce {
        /// Some of it had been otherwise until now.
        changed: bool,
    },
    /// Only partly done, or put back.
    NotInForce,
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
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnhangLine {
    pub interface: String,
    pub said: Said,
    /// What is in force, if it is.
    pub settings: Settings,
    pub cause: Cause,
}

impl UnhangLine {
    /// `eno1: tso gso gro off (were on); rule e1000e-tx-hang; …; event add`
    pub fn parse(message: &str) -> Option<UnhangLine> {
        let line = Line::parse(message.trim_end())?;
        // IFNAMSIZ, with its zero.
        let fits = (1..=15).contains(&line.interface.len()) && !line.interface.contains(' ');
        if !fits {
            return None;
        }
        // Lines of older versions call a revert by its rule only.
        let reverted = line.event == "revert" || line.rules == ["revert"];
        Some(UnhangLine {
            said: match said(&line.parts)? {
                Said::InForce { .. } if reverted => Said::NotInForce,
                said => said,
            },
            settings: Settings::of(&line.parts),
            cause: cause(&line.event),
            interface: line.interface,
        })
    }
}

/// What all the parts come to; `None` if that is nothing about settings or a hang.
fn said(parts: &[Part]) -> Option<Said> {
    let restarted = parts
        .iter()
        .any(|part| matches!(part, Part::Recovery(_, what) if !what.starts_with("failed")));
    let mut said = None;
    for part in parts {
        match part {
            Part::Wedged { in_force, .. } | Part::Storm { in_force, .. } => {
                return Some(Said::Wedged {
                    restarted,
                    in_force: *in_force,
                });
            }
            Part::Back { .. } => return Some(Said::Recovered),
            Part::Still { .. } => return Some(Said::NotInForce),
            Part::Failed(_) => return Some(Said::Failed),
            Part::Changed(..) | Part::Already(..) | Part::Secured(..) => {
                let before = said == Some(Said::InForce { changed: true });
                let changed = before || matches!(part, Part::Changed(..));
                said = Some(Said::InForce { changed });
            }
            // What a kernel doesn't have is nothing to compare.
            Part::Unknown(_)
            | Part::Also(..)
            | Part::Unsaved(_)
            | Part::Recovery(..)
            | Part::Left(_)
            | Part::Exhausted(_) => {}
        }
    }
    said
}

fn cause(event: &str) -> Cause {
    match event {
        "add" | "move" => Cause::Add,
        "manual" => Cause::Manual,
        "link-up" => Cause::LinkUp,
        "drift" => Cause::Drift,
        _ => Cause::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(what: &str, event: &str) -> Option<(Said, Cause)> {
        let rest = "rule e1000e-tx-hang; e1000e 8086:10d3 82574L";
        let line = UnhangLine::parse(&format!("enp1s0: {what}; {rest}; event {event}"))?;
        assert_eq!(line.interface, "enp1s0");
        Some((line.said, line.cause))
    }

    #[test]
    fn what_was_done_says_whether_it_is_in_force() {
        let on = Some((Said::InForce { changed: true }, Cause::Add));
        assert_eq!(parse("tso gso gro off (were on)", "add"), on);
        let mixed = "tso off (was on), gso gro already off, ufo unknown to this kernel";
        assert_eq!(parse(mixed, "move"), on);
        let already = Some((Said::InForce { changed: false }, Cause::LinkUp));
        assert_eq!(parse("tso gso gro already off", "link-up"), already);
        let stays = Some((Said::InForce { changed: false }, Cause::Drift));
        assert_eq!(parse("tso stays off (on was requested)", "drift"), stays);
        // Whatever the rules say is what is in force.
        let said = Some((Said::InForce { changed: true }, Cause::Manual));
        assert_eq!(parse("tso gso gro on (were off)", "manual"), said);
        assert_eq!(parse("rx on (was off)", "add"), on);
        let not = Some((Said::NotInForce, Cause::Other));
        assert_eq!(parse("tso gso gro on (were off)", "revert"), not);
        let still = "gso gro off (were on), tso still on (fixed: tx-tcp6-segmentation)";
        assert_eq!(parse(still, "rules"), not);
        let failed = Some((Said::Failed, Cause::Manual));
        assert_eq!(
            parse("not changed: the kernel said EPERM", "manual"),
            failed
        );
        assert_eq!(parse("ufo unknown to this kernel", "add"), None);
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
