//! Two sides of one change, if bursts came evenly: how likely so few would be after it.

use super::{Comparison, bursts};

/// "Likely fixed" from this probability on: 1 in 20.
pub const ALPHA: f64 = 0.05;

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
        ..Comparison::default()
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
