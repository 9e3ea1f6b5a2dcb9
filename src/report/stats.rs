//! Did it help? The numbers behind the verdict, without a statistics library.
//!
//! # The test
//!
//! Time is exposure: up-time with the fix in force (`after`) and without it (`before`), in
//! days. If the fix changed nothing and incidents came independently at a constant rate,
//! then of all N incidents each falls into `after` with p = `T_after` / (`T_before` + `T_after)`:
//! the number after is binomial, and the probability of so few or fewer is exact, without
//! knowing the rate (`at_most`). With none after it is (`T_before` / (`T_before` + `T_after))^N`.
//!
//! # Why that alone lies, and what is done
//!
//! 1. *Incidents come in bursts.* A night's backup hangs the NIC ten times; that is one
//!    piece of evidence. Incidents less than six hours of up-time apart are one burst, but
//!    no burst is longer than a day (`bursts`): a NIC that hangs every ten minutes for a
//!    week counts as seven. Six hours, because what sets the hang off (backup, sync) lasts
//!    for hours and comes back daily; a day, because otherwise a chronically hanging NIC
//!    would count once, however long it did so. Merging only takes evidence away.
//! 2. *People install right after a bad spell*, and bad spells end by themselves. The burst
//!    that made them act is not independent of when they acted. So the test is done twice,
//!    with everything and without the last burst before the change and the time from that
//!    burst on, and the less favourable number counts. That is what the history would have
//!    been to somebody who looked just before the burst. With a single burst before there
//!    is nothing to leave out, and nothing need be: had they acted after exactly the k-th
//!    burst whenever it came, `T_before` would be gamma distributed, and the probability of a
//!    quiet longer than r · `T_before` is exactly (1 + r)^-k, which is the same formula.
//! 3. *The rate is not constant* (load comes and goes). "Likely fixed" is therefore said
//!    only when the quiet also is longer than the longest quiet before.
//! 4. *People ask every day until they like the answer.* "Likely fixed" needs no incident
//!    at all after the change. Then there is one moment, fixed by the history before, from
//!    which on the answer is yes; asking more often does not bring it nearer, and the
//!    chance of a wrong yes is that of one test.
//!
//! Simulated histories with all of this (`tests/verdict_calibration.rs`) come to at most 3.3 wrong
//! "likely fixed" in 100. The price is waiting: where the rate fell to zero, the answer
//! comes after 1.1 to 1.8 times the days that the bare test would ask for, and more than
//! 1.5 times only for those who acted because some days were unusually bad.

/// "Likely fixed" from this probability on: 1 in 20.
pub const ALPHA: f64 = 0.05;
/// Incidents less than this apart (days of up-time) are one burst …
pub const BURST_GAP: f64 = 0.25;
/// … but no burst is longer than this.
pub const BURST_MAX: f64 = 1.0;

/// Times of the first incidents of the bursts in `times` (days, ascending).
pub fn bursts(times: &[f64]) -> Vec<f64> {
    let mut out: Vec<f64> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for &t in times {
        let same = t - last < BURST_GAP && out.last().is_some_and(|first| t - first < BURST_MAX);
        if !same {
            out.push(t);
        }
        last = t;
    }
    out
}

/// P(X ≤ k) for X binomial (n, p): summed in log space, so that neither a large n nor a
/// tiny p underflows before it should.
pub fn at_most(k: u64, n: u64, p: f64) -> f64 {
    if k >= n || p <= 0.0 {
        return 1.0;
    }
    if p >= 1.0 {
        return 0.0;
    }
    let (log_p, log_q) = (p.ln(), (-p).ln_1p());
    // log of C(n, i) p^i q^(n-i), from i = 0 on
    let mut term = n as f64 * log_q;
    let mut sum = term;
    for i in 0..k {
        term += ((n - i) as f64).ln() - ((i + 1) as f64).ln() + log_p - log_q;
        let (high, low) = if sum > term { (sum, term) } else { (term, sum) };
        sum = high + (low - high).exp().ln_1p();
    }
    sum.exp().min(1.0)
}

/// What happened, in days of exposure.
#[derive(Clone, Debug, Default)]
pub struct Exposure {
    /// Incidents without the fix, on a clock that runs only while it is not in force.
    pub before: Vec<f64>,
    /// Up-time without the fix.
    pub before_days: f64,
    /// Where on that clock the fix first came into force.
    pub change: f64,
    /// Incidents with the fix, likewise.
    pub after: Vec<f64>,
    /// Up-time with the fix.
    pub after_days: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Bursts of incidents without the fix.
    pub bursts_before: usize,
    /// Bursts of incidents with the fix.
    pub bursts_after: usize,
    /// So few after, had nothing changed: the bare test.
    pub plain: f64,
    /// The same, less favourable of with and without the spell before the change.
    pub careful: f64,
    /// The longest quiet before, in days.
    pub longest_quiet: f64,
    /// Days of further quiet until "likely fixed"; 0 if it is so now. `None`: there was an
    /// incident after, or none before.
    pub needed: Option<f64>,
    /// Index of the first period of the run that began with the change.
    pub period: usize,
    /// The configuration of the run before …
    pub from: usize,
    /// … and of this one.
    pub to: usize,
    /// The bursts before may be one spell.
    pub one_spell: bool,
}

impl Comparison {
    /// No incident since, and by all that is said above that is no chance.
    pub fn likely_fixed(&self) -> bool {
        self.needed == Some(0.0)
    }

    /// There are incidents since, but too few for chance.
    pub fn fewer(&self) -> bool {
        self.bursts_after > 0 && self.careful <= ALPHA
    }
}

pub fn weigh_two(e: &Exposure) -> Comparison {
    let before = bursts(&e.before);
    let after = bursts(&e.after);
    let share = |days: f64| e.after_days / (e.after_days + days);
    let test = |n: usize, days: f64| {
        if e.after_days <= 0.0 || days <= 0.0 {
            return 1.0;
        }
        let k = after.len() as u64;
        at_most(k, k + n as u64, share(days))
    };
    let plain = test(before.len(), e.before_days);
    let spell = without_spell(&before, e);
    let careful = spell.map_or(plain, |(n, days)| test(n, days).max(plain));
    let longest_quiet = longest_quiet(&before);
    let needed = (after.is_empty() && !before.is_empty()).then(|| {
        let until = |n: usize, days: f64| days * (ALPHA.powf(-1.0 / n as f64) - 1.0);
        let plain = until(before.len(), e.before_days);
        let careful = spell.map_or(plain, |(n, days)| until(n, days).max(plain));
        (careful.max(longest_quiet) - e.after_days).max(0.0)
    });
    Comparison {
        bursts_before: before.len(),
        bursts_after: after.len(),
        plain,
        careful,
        longest_quiet,
        needed,
        period: 0,
        from: 0,
        to: 0,
        one_spell: false,
    }
}

/// Number of bursts and days before, without the last burst before the change and the time
/// from it to the change.
fn without_spell(before: &[f64], e: &Exposure) -> Option<(usize, f64)> {
    let last = *before.iter().rfind(|t| **t <= e.change)?;
    if before.len() < 2 {
        return None;
    }
    let days = e.before_days - (e.change - last).max(0.0);
    Some((before.len() - 1, days))
}

/// The longest time between bursts, the log's begin counting as one. The quiet between the
/// last burst and the change does not count: the wish to act ended it, not an incident.
fn longest_quiet(before: &[f64]) -> f64 {
    let mut last = 0.0;
    let mut longest: f64 = 0.0;
    for &t in before {
        longest = longest.max(t - last);
        last = t;
    }
    longest
}

/// Up-time in one configuration.
#[derive(Clone, Debug)]
pub struct Period {
    /// `None`: not known, or changed by somebody.
    pub configuration: Option<usize>,
    pub days: f64,
    /// When incidents began, in days from its beginning.
    pub incidents: Vec<f64>,
}

/// A comparison for each change: of a run of one configuration with the run before it.
pub fn weigh(periods: &[Period]) -> Vec<Comparison> {
    let known = periods.iter().enumerate();
    let known = known.filter_map(|(index, period)| Some((index, period.configuration?)));
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (index, configuration) in known {
        if runs.last().is_none_or(|(_, last)| *last != configuration) {
            runs.push((index, configuration));
        }
    }
    let all = |configuration: usize| {
        let (mut times, mut days) = (Vec::new(), 0.0);
        for period in periods
            .iter()
            .filter(|p| p.configuration == Some(configuration))
        {
            times.extend(period.incidents.iter().map(|t| days + t));
            days += period.days;
        }
        (times, days)
    };
    let weighed = runs.windows(2).map(|pair| {
        let ((_, from), (period, to)) = (pair[0], pair[1]);
        let ((before, before_days), (after, after_days)) = (all(from), all(to));
        let change = before_days;
        Comparison {
            period,
            from,
            to,
            ..weigh_two(&Exposure {
                before,
                before_days,
                change,
                after,
                after_days,
            })
        }
    });
    weighed.collect()
}
