//! Did it help? The numbers behind the verdict, without a statistics library.
//!
//! # What is asked
//!
//! Time is exposure: days of up-time (or of load, where that is known), and incidents count
//! as bursts (`bursts`). A change of configuration is weighed by the chance of what came after
//! it, had nothing changed, given what came before. If bursts came independently at a
//! constant rate, that would be a binomial (`plain`). They do not: people change something at
//! the end of a bad week, and bad weeks end by themselves.
//!
//! # Calm and spell
//!
//! So a NIC has two states, a *calm* in which bursts are rare and a *spell* in which they are
//! frequent, which take turns by chance: a Markov-modulated Poisson process (Fischer,
//! Meier-Hellstern: The MMPP cookbook, Performance Evaluation 18, 1993; its Bayesian use:
//! Scott, Smyth: The Markov modulated Poisson process and Markov Poisson cascade, Bayesian
//! Statistics 7, 2003). Which NIC it is is not known: `prior` says what NICs there are, and
//! the history before the change gives each of them its weight and the state that it is in
//! when the change comes (`mmpp`). That state is what "at the end of a bad week" does, and by
//! the likelihood principle nothing else follows from why they chose this moment. The chance
//! of the quiet since is the mean over all these NICs (posterior predictive).
//!
//! 1. "Likely fixed" is said of a change with no burst after it whose quiet has a chance of at
//!    most 3 in 100. This chance only falls while the quiet lasts: there is one moment, known
//!    from the history before, from which on the answer is yes. To ask every day brings it no
//!    nearer.
//! 2. "Fewer" has no such moment, since the count goes up and down. It is the ratio of two
//!    probabilities of all that came after: with the rates as they were, and with a half to a
//!    sixteenth of them. Had nothing changed, such a ratio would ever fall to 3/1000 in three of a
//!    thousand histories at most, however often one looks (Ville's inequality; Robbins: Statistical
//!    methods related to the law of the iterated logarithm, Annals of Mathematical Statistics
//!    41, 1970). The same ratio with no bursts at all in place of fewer is the chance in 1. It
//!    takes 3 in 1000 (at 1 in 100, load that goes away after the change would make 8 in 100 read
//!    "fewer"), and half the bursts a day at most.
//! 3. *Several changes*: the chance for the k-th different change counts k times (Bonferroni's
//!    inequality for those made up to then, so that a later one takes nothing back: Dunn,
//!    Multiple comparisons among means, Journal of the American Statistical Association 56,
//!    1961). What is compared is all time in either configuration, since a configuration
//!    that comes back is not new; in the time of others, only the state is carried on.
//!
//! # What that is worth
//!
//! `tests/verdict_calibration.rs` simulates what people do, without knowing this; the table is
//! in unhang(8). The price is waiting: where bursts come evenly, one and a half times as long as
//! the bare test would take if the log is long, a month if it has ten of them in ten days, which
//! may be one spell; half a year where bad spells are rare. A log in which all is one spell proves
//! nothing for long (`one_spell`). What is neither even nor a spell of at most some weeks, such
//! as a season, is beyond the model, and is seen right only on the clock of load.

mod binomial;
pub mod bursts;
pub mod mmpp;
pub mod pooled;
mod prior;
pub mod randomised;

use mmpp::Nics;

pub use binomial::at_most;
pub use bursts::bursts;
use bursts::{BURST_GAP, Cutter};

/// "Likely fixed" from this chance on …
const CHANCE: f64 = 0.03;
/// … and "fewer" from this.
const CHANCE_FEWER: f64 = 0.003;
/// A configuration that was in force for less than this (days of exposure), and without an
/// incident, is passed over: it says nothing, and nobody waited for it to.
const GLIMPSE: f64 = BURST_GAP;
/// What came before the last so many bursts is left out, which takes evidence away, and time.
const MOST_BURSTS: usize = 500;
/// Bursts within so many days may be one spell.
const SPELL: f64 = 8.0;
/// No longer period and no longer wait than this (days) is told from forever.
const LONGEST: f64 = 1e5;
/// What "fewer" may mean: so many times as many bursts a day as before, and at most the first.
const FEWER: [f64; 4] = [0.5, 0.25, 0.125, 0.0625];

/// A stretch of exposure during which one configuration was in force, in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Period {
    /// Which configuration, as a number of the caller's: periods with the same number are of
    /// the same one. `None`: not known, or changed by somebody: counts for neither side, but
    /// carries the state on.
    pub configuration: Option<usize>,
    /// Its length on the clock of exposure, in days (of up-time, or of the load of a mean day).
    pub days: f64,
    /// When incidents came in it, in days from its beginning, ascending.
    pub incidents: Vec<f64>,
}

/// What a change did: the configuration after it against the one before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Index of the first period of the run that began with the change.
    pub period: usize,
    /// Index of the first period after that run.
    pub end: usize,
    /// The configuration of the run before …
    pub from: usize,
    /// … and of this one.
    pub to: usize,
    /// Bursts and days under `from`, in the whole history up to the end of this run …
    pub bursts_before: usize,
    pub days_before: f64,
    /// … and under `to`.
    pub bursts_after: usize,
    pub days_after: f64,
    /// The bursts before are so near together that they may be one spell, which proves nothing.
    pub one_spell: bool,
    /// How many different changes there were so far, this one included.
    pub looks: usize,
    /// So few after, had nothing changed, if bursts came evenly: the bare test.
    pub plain: f64,
    /// The same as NICs are, and for that many looks: what counts.
    pub careful: f64,
    /// Days of further quiet until "likely fixed"; 0 if it is so now. `None`: there was an
    /// incident after, or none before, or no quiet would do.
    pub needed: Option<f64>,
    /// Bytes sent in a day of up-time before and after, if that was the clock.
    pub sent_per_day: Option<(f64, f64)>,
}

impl Comparison {
    /// No incident since, and by all that is said above that is no chance.
    pub fn likely_fixed(&self) -> bool {
        self.needed == Some(0.0)
    }

    /// There are incidents since, but too few for chance.
    pub fn fewer(&self) -> bool {
        self.bursts_after > 0 && self.careful <= CHANCE_FEWER
    }
}

/// A maximal run of one configuration: periods `first` to before `end`.
struct Run {
    configuration: usize,
    first: usize,
    end: usize,
    days: f64,
    incidents: usize,
}

fn length(period: &Period) -> f64 {
    if period.days > 0.0 {
        period.days.min(LONGEST)
    } else {
        0.0
    }
}

/// The runs that one can learn from, and the last.
fn runs(periods: &[Period]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let learnt = |run: &Run| run.days >= GLIMPSE || run.incidents > 0;
    for (index, period) in periods.iter().enumerate() {
        if let Some(configuration) = period.configuration {
            let passed_over = |run: &Run| run.configuration != configuration && !learnt(run);
            if runs.last().is_some_and(passed_over) {
                runs.pop();
            }
            if runs
                .last()
                .is_none_or(|last| last.configuration != configuration)
            {
                runs.push(Run {
                    configuration,
                    first: index,
                    end: index,
                    days: 0.0,
                    incidents: 0,
                });
            }
            if let Some(last) = runs.last_mut() {
                last.days += length(period);
                last.incidents += period.incidents.len();
            }
        }
        if let Some(last) = runs.last_mut() {
            last.end = index + 1;
        }
    }
    runs
}

/// A quiet and maybe a burst at its end, under one configuration.
struct Step {
    configuration: Option<usize>,
    days: f64,
    burst: bool,
}

fn steps(periods: &[Period]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut cutter = Cutter::default();
    let mut clock = 0.0;
    let mut now = None;
    for period in periods {
        let days = length(period);
        if period.configuration != now {
            now = period.configuration;
            cutter = Cutter::default();
        }
        let mut passed = 0.0;
        let mut step = |days: f64, burst: bool| match steps.last_mut() {
            Some(last) if last.configuration == now && !last.burst => {
                last.days += days;
                last.burst = burst;
            }
            _ => steps.push(Step {
                configuration: now,
                days,
                burst,
            }),
        };
        for at in &period.incidents {
            let at = at.max(passed).min(days);
            if cutter.begins(clock + at) {
                step(at - passed, true);
                passed = at;
            }
        }
        if days > passed {
            step(days - passed, false);
        }
        clock += days;
    }
    steps
}

/// One comparison for each change, i.e. for each maximal run of one configuration after the
/// first known one, in order.
pub fn weigh(periods: &[Period]) -> Vec<Comparison> {
    weigh_last(periods, usize::MAX)
}

/// The same for the last changes only, `most` of them: each takes a while.
pub fn weigh_last(periods: &[Period], most: usize) -> Vec<Comparison> {
    let runs = runs(periods);
    let mut seen: Vec<(usize, usize)> = Vec::new();
    let changes = runs.windows(2).map(|pair| {
        let change = (pair[0].configuration, pair[1].configuration);
        if !seen.contains(&change) {
            seen.push(change);
        }
        (change, seen.len(), &pair[1])
    });
    let changes: Vec<_> = changes.collect();
    let skipped = changes.len().saturating_sub(most);
    let compared = changes.into_iter().skip(skipped);
    compared
        .map(|(change, looks, run)| {
            let mut comparison = compare(&periods[..run.end], change, looks);
            comparison.period = run.first;
            comparison.end = run.end;
            comparison
        })
        .collect()
}

/// The same comparison on another clock of exposure: `periods` are those from which it is, in
/// days of that. What was counted stays as it is.
pub fn weigh_again(periods: &[Period], was: &Comparison) -> Comparison {
    let again = compare(&periods[..was.end], (was.from, was.to), was.looks);
    Comparison {
        one_spell: again.one_spell,
        plain: again.plain,
        careful: again.careful,
        needed: again.needed,
        ..was.clone()
    }
}

/// Bursts, days and time from the first to the last burst under `configuration`.
fn count(steps: &[Step], configuration: usize) -> (usize, f64, f64) {
    let (mut bursts, mut days, mut last, mut first) = (0, 0.0, 0.0, None);
    let of = |step: &&Step| step.configuration == Some(configuration);
    for step in steps.iter().filter(of) {
        days += step.days;
        if step.burst {
            bursts += 1;
            last = days;
            first = first.or(Some(days));
        }
    }
    (bursts, days, last - first.unwrap_or(last))
}

fn compare(periods: &[Period], (from, to): (usize, usize), looks: usize) -> Comparison {
    let steps = steps(periods);
    let (bursts_before, days_before, spread) = count(&steps, from);
    let (bursts_after, days_after, _) = count(&steps, to);
    let mut comparison = Comparison {
        from,
        to,
        bursts_before,
        days_before,
        bursts_after,
        days_after,
        one_spell: bursts_before > 0 && spread <= SPELL,
        looks,
        plain: 1.0,
        careful: 1.0,
        ..Comparison::default()
    };
    let steps = latest(&steps);
    if days_before <= 0.0 || count(steps, from).0 == 0 {
        return comparison;
    }
    let share = days_after / (days_after + days_before);
    comparison.plain = at_most(
        bursts_after as u64,
        (bursts_after + bursts_before) as u64,
        share,
    );
    let hardly_fewer =
        bursts_after as f64 * days_before > FEWER[0] * bursts_before as f64 * days_after;
    if bursts_after > 0 && hardly_fewer {
        return comparison;
    }
    let same = |step: &Step| step.configuration != Some(to);
    let (before, since) = steps.split_at(steps.iter().take_while(|s| same(s)).count());
    let before = seen(prior::nics(), before, (from, to), 1.0);
    let seen = |factor: f64| seen(before.clone(), since, (from, to), factor);
    let unchanged = seen(1.0);
    let looks = (looks as f64).ln();
    let ln_better = if bursts_after == 0 {
        seen(0.0).ln_probability()
    } else {
        let each = FEWER.map(|factor| seen(factor).ln_probability());
        let highest = each.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = each.iter().map(|ln| (ln - highest).exp()).sum();
        highest + (sum / FEWER.len() as f64).ln()
    };
    let ln_chance = unchanged.ln_probability() - ln_better + looks;
    comparison.careful = ln_chance.exp().min(1.0);
    if bursts_after == 0 {
        let days = unchanged.until(ln_better - looks + CHANCE.ln(), LONGEST);
        comparison.needed = (days < LONGEST).then_some(days);
    }
    comparison
}

/// Those with the last `MOST_BURSTS` bursts.
fn latest(steps: &[Step]) -> &[Step] {
    let bursts = steps
        .iter()
        .rev()
        .enumerate()
        .filter(|(_, step)| step.burst);
    let left_out = bursts.map(|(back, _)| steps.len() - back).nth(MOST_BURSTS);
    &steps[left_out.unwrap_or(0)..]
}

/// What the NIC may be, if bursts come `factor` times as often under `to`.
fn seen(mut nics: Nics, steps: &[Step], (from, to): (usize, usize), factor: f64) -> Nics {
    for step in steps {
        match step.configuration {
            Some(now) if now == to => nics.see(step.days, step.burst, factor),
            Some(now) if now == from => nics.see(step.days, step.burst, 1.0),
            _ => nics.see_state(step.days, step.burst),
        }
    }
    nics
}
