//! What the log does not tell, a sentence each.

use super::history::History;
use super::in_force::MAX_OWN;
use super::{plural, span};
use crate::hang::incidents::{MAX_LISTED, MAX_NICS};
use crate::kernel_log::SECOND;

impl History {
    pub(super) fn say_what_is_missing(&mut self) {
        let boots = &self.boots.list;
        let mut notes = Vec::new();
        if let Some(first) = boots.first().filter(|b| !b.has_beginning()) {
            match first.first.uptime {
                Some(up) => notes.push(format!(
                    "The log begins {} after the machine had started: what was before is gone.",
                    span(up)
                )),
                None if !first.first.is_empty() => notes.push(
                    "The log begins in the middle of a boot: what was before is not known.".into(),
                ),
                _ => {}
            }
        }
        let cut = boots
            .iter()
            .skip(1)
            .filter(|b| b.first.uptime.is_some() && !b.has_beginning());
        match cut.count() {
            0 => {}
            n => notes.push(format!(
                "The beginning of {} is not in the log.",
                plural(n, "boot")
            )),
        }
        let (mut off, mut backwards) = (0, 0);
        for pair in boots.windows(2) {
            match (pair[0].last.wall, pair[1].first.wall) {
                (Some(a), Some(b)) if b >= a => off += b - a,
                (Some(_), Some(_)) => backwards += 1,
                _ => {}
            }
        }
        if off > 3600 * SECOND {
            notes.push(format!(
                "For {} in all the machine was off or its log is missing; that time counts neither way.",
                span(off)
            ));
        }
        if backwards > 0 {
            notes.push(format!(
                "The clock went back between boots ({}): dates are as logged, lengths by the boot clock.",
                plural(backwards, "time")
            ));
        }
        for jump in boots.iter().filter_map(|b| b.jump).take(3) {
            let way = if jump > 0 { "forward" } else { "back" };
            notes.push(format!(
                "The clock was set {way} by {} while the machine ran: lengths are by the boot clock.",
                span(jump.abs())
            ));
        }
        let timeless = self.incidents.list.iter().filter(|i| i.start.is_empty());
        match timeless.count() {
            0 => {}
            1 => notes.push("1 incident bears no time: it cannot be weighed.".into()),
            n => notes.push(format!(
                "{n} incidents bear no time: they cannot be weighed."
            )),
        }
        if self.incidents.list.iter().any(|i| i.times > 1) {
            notes.push(format!(
                "More than {MAX_LISTED} incidents: all are counted, but later ones that began within an hour are listed as one."
            ));
        }
        if self.incidents.left_out > 0 {
            notes.push(format!(
                "More than {MAX_NICS} NICs: {} of further NICs count nowhere; read the log of one machine at a time.",
                plural(self.incidents.left_out, "line")
            ));
        }
        if self.own.are_lost() {
            notes.push(format!(
                "More than {MAX_OWN} changes of settings: what was in force after them is not known."
            ));
        }
        self.notes.extend(notes);
    }
}
