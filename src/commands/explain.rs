//! `unhang explain`: which rules were looked at for a NIC, and what they would do.

mod json;

use std::fs;
use std::path::Path;

use super::{Output, Status, all_nics, load_rules, plan_view, style, width};
use crate::cli::{Common, ExplainArgs};
use crate::features::KernelError;
use crate::nic::Nic;
use crate::plan::Plan;
use crate::rules::{Decision, Exhausted, Looked, Mismatch, Rule, RuleSet, Stall, decide};
use crate::running_kernel::{read_nics, read_plans};
use crate::settings::Family;
use crate::text::{printable, wrap};
use crate::tips::{Read, Tip, Verdict, has_pcie_link, judged};
use crate::watch::NET;
use crate::watch::bond::other_port;

pub fn run(args: &ExplainArgs, common: &Common) -> anyhow::Result<Output> {
    let (rules, mut output) = load_rules(common, &common.root);
    let (nic, plan) = match (&args.as_nic, &args.nic) {
        (Some(text), _) => match text.parse::<Nic>() {
            Ok(nic) => (nic, None),
            Err(problem) => {
                output.error(&format!("--as: {problem}"));
                output.status = Status::Usage;
                return Ok(output);
            }
        },
        (None, name) => {
            let found = all_nics(common)?;
            let Some(nic) = output.named(name.as_slice(), &found).pop() else {
                return Ok(output);
            };
            let decision = decide(rules.rules(), &nic);
            let plan = read_plans([(&nic, &decision)].into_iter()).pop();
            (nic, plan)
        }
    };
    let decision = decide(rules.rules(), &nic);
    let tips = tips(&nic, &common.root);
    let explanation = Explanation {
        nic: &nic,
        decision: &decision,
        rules: &rules,
        plan: plan.as_ref(),
        tips,
        width: width(),
    };
    output.result = if args.json {
        json::document(&explanation)
    } else {
        explanation.text()
    };
    Ok(output)
}

struct Explanation<'a> {
    nic: &'a Nic,
    decision: &'a Decision<'a>,
    rules: &'a RuleSet,
    /// `None` for a NIC that is not there.
    plan: Option<&'a Result<Plan, KernelError>>,
    /// None for a NIC of another driver.
    tips: Vec<Tip>,
    /// Of a line, if that is known.
    width: Option<usize>,
}

/// The tips that go round, judged by what the machine says. Of a NIC that is not there, the chip
/// tells some.
fn tips(nic: &Nic, root: &Path) -> Vec<Tip> {
    if nic.driver.as_deref() != Some("e1000e") {
        return Vec::new();
    }
    let mut now = None;
    let mut pcie_link = None;
    if nic.ifindex != 0 {
        let asked = (nic.clone(), vec![Family::Eee, Family::Ring]);
        now = read_nics([asked].into_iter()).pop().and_then(Result::ok);
        let device = root.join("sys/class/net").join(&nic.name).join("device");
        let config = fs::read(device.join("config")).unwrap_or_default();
        // Where it has one that the kernel may change, its folder has files.
        let files = fs::read_dir(device.join("link"));
        let has_files = files.is_ok_and(|mut files| files.next().is_some());
        pcie_link = has_pcie_link(&config).or(has_files.then_some(true));
    }
    judged(&Read::new(nic, now.as_ref(), pcie_link))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Applies => "applies",
        Verdict::Void => "void",
        Verdict::Unknown => "unknown",
    }
}

impl Explanation<'_> {
    /// Sentences that begin a line after `lead`, and no line of a terminal is too short for.
    fn item(&self, lead: &str, text: &str) -> String {
        let line = format!("{lead}{text}");
        let Some(width) = self.width else {
            return line + "\n";
        };
        let mut wrapped = String::new();
        wrap(&mut wrapped, &line, width, &" ".repeat(lead.len()));
        wrapped
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", style::strong(&self.heading()));
        text += "\nRules looked at, in this order (the later one wins, feature by feature):\n";
        if self.decision.looked.is_empty() {
            text += "  none: there are no rule files\n";
        }
        for looked in &self.decision.looked {
            text += &self.looked(looked);
        }
        let matched = self.decision.looked.iter().filter(|l| l.matched());
        let evidence = matched.filter_map(|l| Some((&l.rule.name, l.rule.evidence.as_ref()?)));
        let evidence: Vec<String> = evidence
            .map(|(name, text)| self.item("  ", &format!("{name}: {}", printable(text))))
            .collect();
        if !evidence.is_empty() {
            text += &format!("\nWhere this is known from:\n{}", evidence.concat());
        }
        if let Some((chip, seen)) = self.seen() {
            text += &format!("\nSeen of the {chip} elsewhere:\n{}", self.item("  ", seen));
        }
        text += &format!("\nWhat would be done:\n{}", self.work());
        if let Some(end) = self.end() {
            text += &format!("\nIf it hangs and can't be brought back:\n  {end}\n");
        }
        if self.decision.stall() == Stall::Report {
            text +=
                "\nIf nothing leaves its queue for more than 10 s and its driver says nothing:\n";
            text += "  it is logged and told to the hooks\n";
        }
        let costs: Vec<String> = self
            .costs()
            .iter()
            .map(|cost| self.item("  ", cost))
            .collect();
        if !costs.is_empty() {
            text += &format!("\nWhat it costs:\n{}", costs.concat());
        }
        let tip = |tip: &Tip| {
            let verdict = format!("  {:7}  ", word(tip.verdict));
            let line = self.item(&verdict, &format!("{}: {}", tip.tip, tip.reason));
            let blank = " ".repeat(verdict.len());
            let evidence = tip
                .evidence
                .map(|seen| self.item(&blank, &format!("seen: {seen}")));
            line + &evidence.unwrap_or_default()
        };
        // Of a NIC that is not there, what its chip does not tell is not worth a line.
        let worth = |tip: &&Tip| self.plan.is_some() || tip.verdict != Verdict::Unknown;
        let tips: Vec<String> = self.tips.iter().filter(worth).map(tip).collect();
        if !tips.is_empty() {
            text += &format!(
                "\nTips that go round, and what they are worth here:\n{}",
                tips.concat()
            );
        }
        text
    }

    /// The chip, and what was seen of it elsewhere.
    fn seen(&self) -> Option<(&'static str, &'static str)> {
        let chip = self.nic.chip()?;
        Some((chip.name, chip.seen()?))
    }

    fn heading(&self) -> String {
        let name = if self.nic.name.is_empty() {
            "a NIC"
        } else {
            &self.nic.name
        };
        let mut heading = format!("{name}: {}", self.nic.identity());
        for more in [&self.nic.path, &self.nic.mac].into_iter().flatten() {
            heading += &format!(", {more}");
        }
        printable(&heading).into_owned()
    }

    fn looked(&self, looked: &Looked<'_>) -> String {
        let place = self.rules.place_of(looked.rule);
        let place = printable(&place);
        let name = &looked.rule.name;
        if !looked.matched() {
            let why = looked.mismatches.iter().map(|m| mismatch(looked.rule, m));
            let why: Vec<String> = why.collect();
            return format!(
                "  {}  {name}  {}\n        {}\n",
                style::dim("no"),
                style::dim(&place),
                why.join("; ")
            );
        }
        let wanted = self
            .decision
            .settings
            .iter()
            .filter(|s| std::ptr::eq(s.rule, looked.rule));
        let mut wanted: Vec<String> = wanted.map(ToString::to_string).collect();
        let values = looked.rule.values.iter();
        wanted.extend(values.map(|wanted| format!("{} {}", wanted.name, wanted.value)));
        let sets = if wanted.is_empty() {
            "changes nothing, notes what is known".into()
        } else {
            format!("sets {}", wanted.join(", "))
        };
        format!(
            "  {} {name}  {}\n        {sets}\n",
            style::good("yes"),
            style::dim(&place)
        )
    }

    fn work(&self) -> String {
        match self.plan {
            _ if self.decision.is_empty() => {
                "  nothing: no rule sets anything for this NIC\n".into()
            }
            Some(Ok(plan)) => plan_view::plan_lines(plan),
            Some(Err(error)) => format!("  unknown: {error}\n"),
            None => {
                let offloads = self
                    .decision
                    .effective()
                    .map(|setting| format!("  {setting} ({})\n", setting.key.pattern()));
                let values = self.decision.values.iter();
                let values = values.map(|value| format!("  {value}\n"));
                offloads.chain(values).collect()
            }
        }
    }

    /// What a rule has done then.
    fn end(&self) -> Option<String> {
        match self.decision.exhausted() {
            Exhausted::Nothing => None,
            Exhausted::Reboot => Some(
                "reboot, at most once a day, not within ten minutes after boot, only if no other NIC has a link"
                    .into(),
            ),
            Exhausted::LinkDown if self.plan.is_none() => Some("link-down, if it is a port of a bond".into()),
            Exhausted::LinkDown => Some(match other_port(Path::new(NET), &self.nic.name) {
                Ok((bond, other)) => format!("link-down: {bond} goes on with {other}"),
                Err(reason) => format!("link-down does nothing here now: {}", printable(&reason)),
            }),
        }
    }

    /// What the settings cost on this driver.
    fn costs(&self) -> Vec<String> {
        let mut costs = Vec::new();
        if self.decision.is_empty() || self.nic.driver.as_deref() != Some("e1000e") {
            return costs;
        }
        let offloads = self.decision.effective();
        let offloads = offloads.filter(|s| s.key.resets_e1000e());
        let offloads = offloads.map(|s| s.key.to_string());
        let values = self.decision.values.iter().map(|value| value.name);
        let values = values.filter(|name| name.drops_link());
        let resetting: Vec<String> = offloads.chain(values.map(ToString::to_string)).collect();
        costs.push(if resetting.is_empty() {
            "no link drop: changing these does not reset the adapter".into()
        } else {
            format!(
                "changing {} re-initialises the adapter: the link drops for seconds, once for all of them",
                resetting.join(", ")
            )
        });
        if let Some(Ok(plan)) = self.plan {
            costs.push(match plan_view::plan_cost(plan) {
                Some(cost) => format!("now: {cost}"),
                None => "now: no link drop".into(),
            });
        }
        if self
            .decision
            .effective()
            .any(|setting| !setting.on && setting.key.as_str() == "tso")
        {
            costs.push(match self.nic.chip().map(|chip| chip.family) {
                Some("pch_spt") => "none for tso: on this chip TSO on is the slower setting, and the driver keeps it off".into(),
                _ => "the CPU cuts packets itself: by its owners' estimates a few per cent of one core at 1 Gb/s".into(),
            });
        }
        for setting in self
            .decision
            .effective()
            .filter(|s| !s.on && s.key.carries_tso())
        {
            costs.push(format!(
                "with {} off tso goes off too: it depends on it",
                setting.key
            ));
        }
        costs
    }
}

fn mismatch(rule: &Rule, mismatch: &Mismatch) -> String {
    let Mismatch { key, found } = mismatch;
    let asked = rule.matches.asked(key);
    let asked = match asked.as_slice() {
        [first, .., last] if asked.len() > 4 => {
            format!("any of {} from {first} to {last}", asked.len())
        }
        several => several.join(" or "),
    };
    let text = match found {
        Some(found) => format!("{key} is {found}, not {asked}"),
        None => format!("no {key} known, the rule matches {asked}"),
    };
    printable(&text).into_owned()
}
