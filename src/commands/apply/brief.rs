//! `unhang apply --brief`: what was found and done, in one line: `2 NICs: eno1 I219-LM (7): tso gso gro off; enp3s0: no rule`.

use crate::apply::{Outcome, Summary};
use crate::discover::Found;
use crate::features::on_off;
use crate::log::{Event, Line, Part, ValuePart};
use crate::nic::Nic;
use crate::text::printable;

/// The line for the machine's NICs, of which some have an outcome and some are left alone.
pub fn line(found: &[Found], outcomes: &[Outcome], left: &[Nic]) -> String {
    let mut said = Vec::new();
    for Found { nic, physical, .. } in found {
        let of_nic = |outcome: &&Outcome| outcome.nic.ifindex == nic.ifindex;
        let what = if left.contains(nic) {
            "skipped: reverted".to_owned()
        } else {
            match outcomes.iter().find(of_nic) {
                Some(outcome) if outcome.summary() != Summary::NoRule => in_short(outcome),
                _ if *physical => "no rule".to_owned(),
                _ => continue,
            }
        };
        let chip = nic.chip().map(|chip| format!(" {}", chip.name));
        said.push(format!("{}{}: {what}", nic.name, chip.unwrap_or_default()));
    }
    let count = match said.len() {
        0 => return "no NIC\n".into(),
        1 => "1 NIC".to_owned(),
        more => format!("{more} NICs"),
    };
    format!("{count}: {}\n", printable(&said.join("; ")))
}

fn in_short(outcome: &Outcome) -> String {
    let parts = Line::new(outcome, &Event::manual()).map_or(Vec::new(), |(_, line)| line.parts);
    let mut so: Vec<(bool, Vec<String>)> = Vec::new();
    let mut values = Vec::new();
    let mut not_so = Vec::new();
    for part in parts {
        match part {
            Part::Changed(keys, on) | Part::Already(keys, on) | Part::Secured(keys, on) => {
                match so.iter_mut().find(|(state, _)| *state == on) {
                    Some((_, others)) => others.extend(keys),
                    None => so.push((on, keys)),
                }
            }
            Part::Value(ValuePart::Changed(name, value, _) | ValuePart::Already(name, value)) => {
                values.push(format!("{name} {value}"));
            }
            other => not_so.push(other.to_string()),
        }
    }
    let so = so
        .iter()
        .map(|(on, keys)| format!("{} {}", keys.join(" "), on_off(*on)));
    so.chain(values)
        .chain(not_so)
        .collect::<Vec<_>>()
        .join(", ")
}
