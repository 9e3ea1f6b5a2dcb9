//! `unhang status --brief`: what is wrong, in one line that is short enough for programs that
//! cut what a check says, as node-problem-detector does: `eno1: hangs now; eno2: not in force`.

use crate::text::printable;

/// In bytes, without the line's end.
const WIDTH: usize = 80;
/// Of a name: control characters have long escapes.
const NAME: usize = 40;

/// What there is to say, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Hangs,
    NotInForce,
    Reverted,
    NoRule,
    InForce,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Hangs => "hangs now",
            State::NotInForce => "not in force",
            State::Reverted => "reverted",
            State::NoRule => "no rule",
            State::InForce => "in force",
        }
    }
}

/// The line for some NICs, so many generated files that are out of date, and a journal that
/// can be read or not.
pub fn line(mut nics: Vec<(State, &str)>, outdated: usize, unread: bool) -> String {
    nics.sort_by_key(|(state, _)| *state);
    let well = nics.partition_point(|(state, _)| *state < State::InForce);
    let mut said: Vec<String> = nics
        .iter()
        .map(|(state, name)| {
            let name: String = printable(name).chars().take(NAME).collect();
            format!("{name}: {}", state.word())
        })
        .collect();
    if said.is_empty() {
        said.push("no rule matches a NIC of this machine".into());
    }
    // Before the NICs that are well.
    if unread {
        said.insert(well, "incidents unknown".into());
    }
    if outdated > 0 {
        said.insert(well, format!("generated files out of date: {outdated}"));
    }
    let shown = |count: usize| {
        let more = match said.len() - count {
            0 => String::new(),
            more => format!("; {more} more"),
        };
        said[..count].join("; ") + &more
    };
    let fits = |line: &String| line.len() <= WIDTH;
    let line = (1..=said.len()).rev().map(shown).find(fits);
    line.unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first() {
        let nics = vec![
            (State::InForce, "eno1"),
            (State::NoRule, "eno2"),
            (State::Hangs, "eno3"),
        ];
        let said = "eno3: hangs now; eno2: no rule; eno1: in force\n";
        assert_eq!(line(nics.clone(), 0, false), said);
        let said = "eno3: hangs now; eno2: no rule; generated files out of date: 2; 2 more\n";
        assert_eq!(line(nics, 2, true), said);
        let said = "incidents unknown; eno1: in force\n";
        assert_eq!(line(vec![(State::InForce, "eno1")], 0, true), said);
        let said = "no rule matches a NIC of this machine\n";
        assert_eq!(line(Vec::new(), 0, false), said);
    }

    #[test]
    fn it_never_has_more_than_eighty_characters() {
        for name in [
            "eno1",
            "enp128s31f6np15",
            "\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}",
            "ééééééé",
        ] {
            for count in [1, 2, 5, 6, 500] {
                let nics = vec![(State::NotInForce, name); count];
                let said = line(nics, count, true);
                assert!(said.len() <= WIDTH + 1, "{said}");
                assert!(said.contains(": not in force"), "{said}");
                assert!(count < 5 || said.contains(" more\n"), "{said}");
            }
        }
    }
}
