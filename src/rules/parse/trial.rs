//! `[rule.trial]`, which 'unhang try' writes: when one will know whether a setting helps.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::{Parser, in_order};
use crate::rules::Criterion;

const KEYS: [&str; 2] = ["since", "needed-days"];
const HELP: &str = "'unhang try' writes it, and 'unhang try --stop' removes its file";

impl Parser {
    pub(super) fn trial(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        heading: &Range<usize>,
    ) -> Option<Criterion> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(value, "trial", "a table", HELP);
            return None;
        };
        let (mut since, mut tenths) = (None, None);
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "since" => {
                    let at = value.get_ref().as_datetime();
                    let at = at.filter(|at| at.date.is_some() && at.offset.is_some());
                    since = at.map(ToString::to_string);
                    if since.is_none() {
                        let wanted = "a date and time such as 2026-11-24T22:00:00Z";
                        self.wrong_type(value, "since", wanted, HELP);
                    }
                }
                "needed-days" => {
                    tenths = value
                        .get_ref()
                        .as_float()
                        .and_then(|days| in_tenths(days.as_str()));
                    if tenths.is_none() {
                        let wanted = "a number of days such as 5.8";
                        self.wrong_type(value, "needed-days", wanted, HELP);
                    }
                }
                _ => self.unknown_key(key, "[rule.trial]", &KEYS),
            }
        }
        let there = |word: &str| table.iter().any(|(key, _)| key.get_ref() == word);
        for missing in KEYS.into_iter().filter(|key| !there(key)) {
            let message = format!("[rule.trial] has no '{missing}'");
            self.error(heading.clone(), message, HELP);
        }
        Some(Criterion {
            since: since?,
            tenths: tenths?,
        })
    }
}

/// A length such as 5.8, in tenths.
fn in_tenths(text: &str) -> Option<u32> {
    let (whole, tenth) = text.split_once('.')?;
    let whole: u32 = whole.parse().ok()?;
    let tenth: u32 = tenth.parse().ok().filter(|tenth| *tenth < 10)?;
    whole.checked_mul(10)?.checked_add(tenth)
}

#[cfg(test)]
mod tests {
    use crate::rules::{Criterion, parse};

    fn trial(wants: &str, trial: &str) -> Result<Option<Criterion>, Vec<String>> {
        let text = format!(
            "[[rule]]\nname = \"a\"\nmatch.driver = \"e1000e\"\n{wants}\n[rule.trial]\n{trial}\n"
        );
        match parse(&text) {
            Ok(rules) => Ok(rules[0].trial.clone()),
            Err(errors) => Err(errors.into_iter().map(|error| error.message).collect()),
        }
    }

    const SINCE: &str = "since = 2026-11-24T22:00:00Z";

    #[test]
    fn a_rule_on_trial_has_its_criterion() {
        let criterion = Criterion {
            since: "2026-11-24T22:00:00Z".into(),
            tenths: 58,
        };
        let good = format!("{SINCE}\nneeded-days = 5.8");
        assert_eq!(trial("eee.enabled = false", &good), Ok(Some(criterion)));
    }

    #[test]
    fn what_is_no_criterion_is_a_mistake() {
        let eee = "eee.enabled = false";
        for (wants, text, mistake) in [
            (eee, SINCE, "[rule.trial] has no 'needed-days'"),
            (eee, "needed-days = 5.8", "[rule.trial] has no 'since'"),
            (
                eee,
                "since = 2026-11-24\nneeded-days = 5.8",
                "'since' must be",
            ),
            (
                eee,
                &format!("{SINCE}\nneeded-days = 5.85"),
                "'needed-days' must be",
            ),
            (
                eee,
                &format!("{SINCE}\nneeded-days = -0.5"),
                "'needed-days' must be",
            ),
            (
                "offload.tso = false\noffload.gso = false",
                &format!("{SINCE}\nneeded-days = 5.8"),
                "a rule on trial sets one thing",
            ),
        ] {
            let errors = trial(wants, text).unwrap_err();
            assert!(
                errors.len() == 1 && errors[0].starts_with(mistake),
                "{errors:?}"
            );
        }
    }
}
