//! `unhang try` alone: what is worth trying.

use super::{Output, history};
use crate::cli::{Common, TryArgs};
use crate::commands::{all_nics, load_rules};
use crate::discover::Found;
use crate::nic::Nic;
use crate::plan::Now;
use crate::report::history::History;
use crate::report::verdict;
use crate::running_kernel::read_nics;
use crate::settings::Family;
use crate::style;
use crate::text::printable;
use crate::trial::worth::{WORTH, Worth};
use crate::trial::{Setting, Trial, criterion, tenths};

pub(super) fn run(args: &TryArgs, common: &Common) -> anyhow::Result<Output> {
    let (rules, mut output) = load_rules(common, &common.root);
    let found = all_nics(common)?;
    let e1000e = |found: &&Found| found.nic.driver.as_deref() == Some("e1000e");
    let nics: Vec<&Nic> = found
        .iter()
        .filter(e1000e)
        .map(|found| &found.nic)
        .collect();
    if nics.is_empty() {
        output.result = "no e1000e NIC: nothing here is worth a trial\n".into();
        return Ok(output);
    }
    let history = history(args, &nics);
    let families = || vec![Family::Eee];
    let now = read_nics(nics.iter().map(|nic| ((*nic).clone(), families())));
    for (nic, now) in nics.iter().zip(now) {
        let name = printable(&nic.name);
        let identity = nic.identity();
        output.result += &style::strong(&format!("{name}: {}", printable(&identity)));
        output.result += "\n";
        let now = match now {
            Ok(now) => now,
            Err(error) => {
                output.result += &format!("  it can't be read: {error}\n");
                continue;
            }
        };
        if let Some(trial) = Trial::on(&rules, nic) {
            output.result += &format!(
                "  on trial: {}; 'unhang status' says how far it is\n",
                trial.setting
            );
        }
        output.result += &match &history {
            Ok(history) => so_far(history, nic),
            Err(why) => format!("  {}\n", printable(why)),
        };
        output.result += &worth(nic, &now, history.as_ref().ok());
        output.result += &format!(
            "'unhang explain {name}' says which of the tips that go round are void here\n"
        );
    }
    Ok(output)
}

/// What the machine's own log says.
fn so_far(history: &History, nic: &Nic) -> String {
    match criterion::find(history, nic) {
        Some(index) => format!(
            "  so far: {}\n",
            printable(&verdict::on_nic(history, index).text)
        ),
        None => "  so far: no incident in the log\n".into(),
    }
}

/// The table for this NIC: what makes no difference comes last.
fn worth(nic: &Nic, now: &Now, history: Option<&History>) -> String {
    let (mut text, mut void) = (String::new(), String::new());
    for Worth {
        setting: word,
        evidence,
        cost,
    } in &WORTH
    {
        let Ok(setting) = word.parse::<Setting>() else {
            continue;
        };
        if let Some(why) = setting.void(nic, now) {
            void += &format!("  {}  {why}\n", style::dim(&format!("{word:<8}")));
            continue;
        }
        text += &format!("  {word:<8}  {evidence}\n            cost: {cost}\n");
        let asked = history.map(|h| criterion::ask(h, criterion::find(h, nic), &setting));
        text += &match asked {
            Some(Ok(asked)) => format!(
                "            takes {} days of up-time without an incident\n",
                tenths(asked.tenths)
            ),
            Some(Err(why)) => format!("            no trial: {}\n", printable(&why)),
            None => String::new(),
        };
    }
    if text.is_empty() {
        text = "  nothing that has helped anybody is left\n".into();
    }
    let void = if void.is_empty() {
        void
    } else {
        format!("Void on this NIC:\n{void}")
    };
    format!("Worth trying, in this order, one at a time ('unhang try eee=off'):\n{text}{void}")
}
