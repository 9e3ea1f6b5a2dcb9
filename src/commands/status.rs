//! `unhang status`: every NIC, and whether its rule is in force.

mod brief;
mod nic_history;

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Output, SCHEMA, Status, all_nics, load_rules, plan_view, style};
use crate::cli::{Common, StatusArgs};
use crate::discover::Found;
use crate::features::KernelError;
use crate::generate::stale::stale;
use crate::nic::Nic;
use crate::plan::Plan;
use crate::report::journal::Scope;
use crate::report::reading::Started;
use crate::rules::{Decision, decide};
use crate::running_kernel::read_plans;
use crate::saved_state::SavedState;
use crate::text::printable;
use crate::trial::Trial;
use brief::State;
use nic_history::{NicHistories, NicHistory};

struct Row {
    nic: Nic,
    rules: Vec<String>,
    plan: Result<Plan, KernelError>,
    /// 'unhang revert' restored it.
    reverted: bool,
    history: NicHistory,
}

impl Row {
    fn new(
        nic: &Nic,
        decision: &Decision<'_>,
        plan: Result<Plan, KernelError>,
        reverted: bool,
    ) -> Row {
        Row {
            nic: nic.clone(),
            rules: decision.rules(),
            plan,
            reverted,
            history: NicHistory::default(),
        }
    }

    fn is_e1000e(&self) -> bool {
        self.nic.driver.as_deref() == Some("e1000e")
    }

    /// Not as the rules want it, an e1000e NIC without a rule, or one that hangs now.
    fn is_bad(&self) -> bool {
        self.state().is_some_and(|state| state != State::InForce)
    }

    /// Whether all that the rules want is so; `None` if there is no rule.
    fn in_force(&self) -> Option<bool> {
        (!self.rules.is_empty()).then(|| self.plan.as_ref().is_ok_and(Plan::is_right))
    }

    /// In a word; `None` for what unhang has nothing to do with.
    fn state(&self) -> Option<State> {
        let hangs = self.history.wedged == Some(true);
        Some(match self.in_force() {
            _ if hangs => State::Hangs,
            None if self.is_e1000e() => State::NoRule,
            None => return None,
            Some(true) => State::InForce,
            Some(false) if self.reverted => State::Reverted,
            Some(false) => State::NotInForce,
        })
    }

    fn reasons(&self) -> Vec<String> {
        match &self.plan {
            Ok(plan) => plan_view::reasons(plan),
            Err(error) if self.rules.is_empty() => vec![error.to_string()],
            Err(error) => vec![format!("the features can't be read: {error}")],
        }
    }

    fn cells(&self) -> [String; 7] {
        let or_dash =
            |text: Option<String>| text.filter(|t| !t.is_empty()).unwrap_or_else(|| "-".into());
        [
            printable(&self.nic.name).into_owned(),
            or_dash(self.nic.driver.clone()),
            or_dash(self.nic.pci.map(|pci| pci.to_string())),
            or_dash(self.nic.chip().map(|chip| chip.name.to_owned())),
            or_dash(Some(self.rules.join(", "))),
            or_dash(self.plan.as_ref().ok().map(plan_view::now)),
            match self.in_force() {
                None => style::dim("no rule"),
                Some(true) => style::good("in force"),
                Some(false) if self.reverted => style::bad("NOT in force (reverted)"),
                Some(false) => style::bad("NOT in force"),
            },
        ]
    }
}

pub fn run(args: &StatusArgs, common: &Common) -> anyhow::Result<Output> {
    let (rules, mut output) = load_rules(common, &common.root);
    let found = all_nics(common)?;
    let mut concerned = Vec::new();
    for Found { nic, physical, .. } in &found {
        let decision = decide(rules.rules(), nic);
        if *physical || !decision.is_empty() {
            concerned.push((nic, decision));
        }
    }
    let asked = Started::about(concerned.iter().map(|(nic, _)| *nic), Scope::Devices);
    let plans = read_plans(concerned.iter().map(|(nic, decision)| (*nic, decision)));
    let saved = SavedState::below(&common.root);
    let rows = concerned.iter().zip(plans);
    let mut rows: Vec<Row> = rows
        .map(|((nic, decision), plan)| Row::new(nic, decision, plan, saved.is_reverted(nic)))
        .collect();
    let outdated = stale(&common.root, &rules);
    let histories = NicHistories::read(asked);
    for row in &mut rows {
        row.history = histories.of(&row.nic, Trial::on(&rules, &row.nic).as_ref());
    }
    output.errors += &histories.talk;
    let bad = !outdated.is_empty() || rows.iter().any(Row::is_bad);
    if args.check && bad {
        output.status = Status::Failed;
    }
    output.result = if args.json {
        json(&rows, &outdated)
    } else if args.brief {
        let nics = rows
            .iter()
            .filter_map(|row| Some((row.state()?, &*row.nic.name)));
        brief::line(nics.collect(), outdated.len(), !histories.talk.is_empty())
    } else {
        let warning = |line: &String| format!("\n{}: {line}\n", style::bad("out of date"));
        table(&rows) + &outdated.iter().map(warning).collect::<String>()
    };
    Ok(output)
}

const HEADINGS: [&str; 7] = [
    "NIC", "DRIVER", "PCI ID", "CHIP", "RULE", "OFFLOADS", "STATE",
];

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "no NIC\n".into();
    }
    let cells: Vec<[String; 7]> = rows.iter().map(Row::cells).collect();
    let width = |column: usize| {
        let texts = cells.iter().map(|row| row[column].chars().count());
        texts.chain([HEADINGS[column].len()]).max().unwrap_or(0)
    };
    // The last column is not padded, so its colours don't count.
    let line = |row: &[String; 7]| {
        let padded = (0..6).map(|column| format!("{:1$}  ", row[column], width(column)));
        padded.collect::<String>() + &row[6] + "\n"
    };
    let mut text = style::strong(line(&HEADINGS.map(str::to_owned)).trim_end()) + "\n";
    for (row, cells) in rows.iter().zip(&cells) {
        text += &line(cells);
        if row.in_force() == Some(false) {
            for reason in row.reasons() {
                text += &format!("  {reason}\n");
            }
            text += &format!(
                "  'unhang apply {}' applies it, as root\n",
                printable(&row.nic.name)
            );
        }
        for said in row.history.lines() {
            text += &format!("  {said}\n");
        }
    }
    text
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    nics: Vec<Entry<'a>>,
    /// Generated files that are out of date, and why.
    out_of_date: Vec<String>,
}

#[derive(Serialize)]
struct Entry<'a> {
    interface: String,
    ifindex: u32,
    driver: Option<String>,
    pci: Option<String>,
    chip: Option<&'static str>,
    rules: Vec<String>,
    /// `null` without a rule.
    in_force: Option<bool>,
    reverted: bool,
    offloads: BTreeMap<String, plan_view::Offload>,
    /// Beside the offloads, by family.
    settings: plan_view::Settings,
    reasons: Vec<String>,
    #[serde(flatten)]
    history: &'a NicHistory,
}

fn json(rows: &[Row], stale: &[String]) -> String {
    super::to_json(&Document {
        schema: SCHEMA,
        nics: rows.iter().map(entry).collect(),
        out_of_date: stale.to_vec(),
    })
}

fn entry(row: &Row) -> Entry<'_> {
    Entry {
        interface: row.nic.name.clone(),
        ifindex: row.nic.ifindex,
        driver: row.nic.driver.clone(),
        pci: row.nic.pci.map(|pci| pci.to_string()),
        chip: row.nic.chip().map(|chip| chip.name),
        rules: row.rules.clone(),
        in_force: row.in_force(),
        reverted: row.reverted,
        offloads: row
            .plan
            .as_ref()
            .map(plan_view::offloads)
            .unwrap_or_default(),
        settings: row
            .plan
            .as_ref()
            .map(plan_view::settings)
            .unwrap_or_default(),
        reasons: row.reasons(),
        history: &row.history,
    }
}
