//! Did it help? The numbers behind the verdict, without a statistics library.

mod binomial;
mod bursts;
mod mmpp;
mod prior;

pub use binomial::{ALPHA, Exposure, at_most, weigh_two};
pub use bursts::{BURST_GAP, BURST_MAX, Cutter, bursts};

/// "Likely fixed" and "fewer" from this chance on.
pub const CHANCE: f64 = 0.03;
/// A configuration that was in force for less than this (days of exposure), and without an
/// incident, is passed over: it says nothing, and nobody waited for it to.
const GLIMPSE: f64 = BURST_GAP;
/// What came before the last so many bursts is left out, which takes evidence away, and time.
const MOST_BURSTS: usize = 500;
/// Bursts within so many days may be one spell.
const SPELL: f64 = 8.0;
/// No longer period and no longer wait than this (days) is told from forever.
const LONGEST: f64 = 1e5;
/// What "fewer" may mean: so many times as many bursts as before.
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
    /// The longest quiet before, in days.
    pub longest_quiet: f64,
    /// Days of further quiet until "likely fixed"; 0 if it is so now. `None`: there was an
    /// incident after, or none before, or no quiet would do.
    pub needed: Option<f64>,
}

impl Comparison {
    /// No incident since, and by all that is said above that is no chance.
    pub fn likely_fixed(&self) -> bool {
        self.needed == Some(0.0)
    }

    /// There are incidents since, but too few for chance.
    pub fn fewer(&self) -> bool {
        self.bursts_after > 0 && self.careful <= CHANCE
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
            comparison
        })
        .collect()
}

/// Bursts, days, longest quiet and time from the first to the last burst under `configuration`.
fn count(steps: &[Step], configuration: usize) -> (usize, f64, f64, f64) {
    let (mut bursts, mut days, mut longest, mut last, mut first) = (0, 0.0, 0.0_f64, 0.0, None);
    for step in steps
        .iter()
        .filter(|s| s.configuration == Some(configuration))
    {
        days += step.days;
        if step.burst {
            bursts += 1;
            longest = longest.max(days - last);
            last = days;
            first = first.or(Some(days));
        }
    }
    (bursts, days, longest, last - first.unwrap_or(last))
}

fn compare(periods: &[Period], (from, to): (usize, usize), looks: usize) -> Comparison {
    let steps = steps(periods);
    let (bursts_before, days_before, longest_quiet, spread) = count(&steps, from);
    let (bursts_after, days_after, ..) = count(&steps, to);
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
        longest_quiet,
        ..Comparison::default()
    };
    let bursts = steps
        .iter()
        .rev()
        .enumerate()
        .filter(|(_, step)| step.burst);
    let left_out = bursts.map(|(back, _)| steps.len() - back).nth(MOST_BURSTS);
    let steps = &steps[left_out.unwrap_or(0)..];
    if days_before <= 0.0 || count(steps, from).0 == 0 {
        return comparison;
    }
    let share = days_after / (days_after + days_before);
    comparison.plain = at_most(
        bursts_after as u64,
        (bursts_after + bursts_before) as u64,
        share,
    );
    let unchanged = seen(steps, from, to, 1.0);
    let looks = (looks as f64).ln();
    let ln_better = if bursts_after == 0 {
        seen(steps, from, to, 0.0).ln_probability()
    } else {
        let each = FEWER.map(|factor| seen(steps, from, to, factor).ln_probability());
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

/// What it looks like if the bursts under `to` come `factor` times as often.
fn seen(steps: &[Step], from: usize, to: usize, factor: f64) -> mmpp::Nics {
    let mut nics = prior::nics();
    for step in steps {
        match step.configuration {
            Some(now) if now == to => nics.see(step.days, step.burst, factor),
            Some(now) if now == from => nics.see(step.days, step.burst, 1.0),
            _ => nics.see_state(step.days, step.burst),
        }
    }
    nics
}
