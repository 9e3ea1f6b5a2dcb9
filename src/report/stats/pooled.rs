//! Did it help, on all machines together?
//!
//! Each machine is weighed against its own history only (`mmpp`), stratified by host: what is
//! compared is never a sum of counts, so that a machine that hangs often, or was watched for
//! long, has no more weight than another. (The same stratification, for tables: Mantel,
//! Haenszel: Statistical aspects of the analysis of data from retrospective studies of disease,
//! Journal of the National Cancer Institute 22, 1959.)
//!
//! 1. "Likely fixed": no burst on any of them, and of n machines' chances the k-th smallest, times
//!    n/k, is at most 3 in 100; k is a tenth of n, and two at least. (Rüger's inequality, which holds
//!    however the machines depend on each other: Das maximale Signifikanzniveau des Tests "Lehne H0
//!    ab, wenn k unter n gegebenen Tests zur Ablehnung führen", Metrika 25, 1978.) The product of
//!    the chances would take less waiting, but what the prior gets wrong of one machine it gets
//!    wrong of all: where all act at the end of a bad spell, it tells most fleets wrong.
//! 2. "Fewer": for each machine, the ratio of the probabilities of all that came after with a
//!    half to a sixteenth of the rates, and with the rates as they were; its inverse bounds the
//!    chance, however often one looks (Ville's inequality). These are taken together as in 1. A
//!    product over machines tells four of five fleets wrong where all act at the end of a bad spell.
//! 3. So no machine decides alone.
//! 4. Of several configurations, the k-th that the machines changed to counts k times.
//!
//! A machine without a burst before the change has nothing to compare with, and adds nothing
//! to the chance; its bursts after the change count, so that they rule out 1.

use super::mmpp::Nics;
use super::{
    CHANCE, CHANCE_FEWER, FEWER, LONGEST, Period, count, latest, prior, runs, seen, steps,
};

/// One of so many machines must show it …
const PART: usize = 10;
/// … and so many at least.
const LEAST: usize = 2;

/// A NIC's history around its last change to a configuration.
pub struct Stratum {
    /// Which machine's it is, as a number of the caller's.
    pub host: usize,
    pub bursts_before: usize,
    pub days_before: f64,
    pub bursts_after: usize,
    pub days_after: f64,
    /// `None`: there is nothing to compare with.
    weight: Option<Weight>,
}

struct Weight {
    /// What the NIC may be, if nothing has changed.
    unchanged: Nics,
    /// Logarithms of the probability of all that was seen, with none of the bursts …
    none: f64,
    /// … and with fewer of them.
    fewer: [f64; FEWER.len()],
}

impl Stratum {
    /// The last change to configuration `to`; `None` if there was none.
    pub fn new(host: usize, periods: &[Period], to: usize) -> Option<Stratum> {
        let runs = runs(periods);
        let mut changes = runs.windows(2).rev();
        let change = changes.find(|pair| pair[1].configuration == to)?;
        let from = change[0].configuration;
        let steps = steps(&periods[..change[1].end]);
        let (bursts_before, days_before, _) = count(&steps, from);
        let (bursts_after, days_after, _) = count(&steps, to);
        let kept = latest(&steps);
        let weighed = days_before > 0.0 && count(kept, from).0 > 0;
        let weight = weighed.then(|| {
            let same = |step: &&super::Step| step.configuration != Some(to);
            let (before, since) = kept.split_at(kept.iter().take_while(same).count());
            let before = seen(prior::nics(), before, (from, to), 1.0);
            let seen = |factor: f64| seen(before.clone(), since, (from, to), factor);
            Weight {
                unchanged: seen(1.0),
                none: seen(0.0).ln_probability(),
                fewer: FEWER.map(|factor| seen(factor).ln_probability()),
            }
        });
        Some(Stratum {
            host,
            bursts_before,
            days_before,
            bursts_after,
            days_after,
            weight,
        })
    }
}

/// What a change came to on all machines that made it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pooled {
    /// Machines that made it, and how many of them have something to compare with.
    pub hosts: usize,
    pub weighed: usize,
    /// On those with something to compare with.
    pub bursts_before: usize,
    pub days_before: f64,
    /// On all.
    pub bursts_after: usize,
    pub days_after: f64,
    /// So many bursts after would have come at the rates before, each NIC at its own.
    pub expected: f64,
    /// The chance of so few, had nothing changed, as it is judged by: of 1 or of 2.
    pub careful: f64,
    /// Days of further quiet on all until "likely fixed"; 0 if it is so now. `None`: there was a
    /// burst after, or no quiet would do.
    pub needed: Option<f64>,
}

impl Pooled {
    pub fn likely_fixed(&self) -> bool {
        self.needed == Some(0.0)
    }

    pub fn fewer(&self) -> bool {
        self.bursts_after > 0 && self.careful <= CHANCE_FEWER
    }
}

/// Weighs the change on all machines; it is the `looks`-th that they made.
pub fn pool(strata: &[Stratum], looks: usize) -> Pooled {
    let mut pooled = Pooled {
        careful: 1.0,
        ..Pooled::default()
    };
    let count = |strata: &mut dyn Iterator<Item = &Stratum>| {
        let mut hosts: Vec<usize> = strata.map(|s| s.host).collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.len()
    };
    let weighed = || strata.iter().filter(|s| s.weight.is_some());
    pooled.hosts = count(&mut strata.iter());
    pooled.weighed = count(&mut weighed());
    for stratum in strata {
        pooled.bursts_after += stratum.bursts_after;
        pooled.days_after += stratum.days_after;
        if stratum.weight.is_some() {
            pooled.bursts_before += stratum.bursts_before;
            pooled.days_before += stratum.days_before;
            let rate = stratum.bursts_before as f64 / stratum.days_before;
            pooled.expected += rate * stratum.days_after;
        }
    }
    let looks = (looks as f64).ln();
    // Logarithm of the k-th smallest of the machines' chances, times their number by k.
    let together = |of_host: &dyn Fn(&[&Weight]) -> f64| {
        let with_weight: Vec<_> = weighed()
            .filter_map(|s| Some((s.host, s.weight.as_ref()?)))
            .collect();
        let hosts = with_weight.chunk_by(|(one, _), (other, _)| one == other);
        let mut each: Vec<f64> = hosts
            .map(|host| of_host(&host.iter().map(|(_, weight)| *weight).collect::<Vec<_>>()))
            .collect();
        each.sort_by(f64::total_cmp);
        let k = each.len().div_ceil(PART).max(LEAST);
        each.get(k - 1)
            .map_or(0.0, |kth| kth + (each.len() as f64 / k as f64).ln())
    };
    if pooled.weighed < LEAST {
        return pooled;
    }
    if pooled.bursts_after == 0 {
        let later = |days: f64| {
            let quiet = |weight: &&Weight| {
                let mut unchanged = weight.unchanged.clone();
                if days > 0.0 {
                    unchanged.see(days, false, 1.0);
                }
                unchanged.ln_probability() - weight.none
            };
            together(&|nics| nics.iter().map(quiet).sum()) + looks
        };
        pooled.careful = later(0.0).exp().min(1.0);
        pooled.needed = first(|days| later(days) <= CHANCE.ln());
    } else if pooled.bursts_after as f64 <= FEWER[0] * pooled.expected {
        // The mean over what "fewer" may be.
        let few = |nics: &[&Weight]| {
            let ratio = |index: usize| -> f64 {
                let each = nics.iter();
                each.map(|w| w.fewer[index] - w.unchanged.ln_probability())
                    .sum()
            };
            let each: Vec<f64> = (0..FEWER.len()).map(ratio).collect();
            let highest = each.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = each.iter().map(|ln| (ln - highest).exp()).sum();
            -highest - (sum / FEWER.len() as f64).ln()
        };
        pooled.careful = (together(&few) + looks).exp().min(1.0);
    }
    pooled
}

/// The first time (days) from which on it is so, as it stays; `None` if it never is.
fn first(is_so: impl Fn(f64) -> bool) -> Option<f64> {
    if is_so(0.0) {
        return Some(0.0);
    }
    let (mut low, mut high) = (0.0, 1.0);
    while !is_so(high) {
        (low, high) = (high, high * 2.0);
        if high >= LONGEST {
            return None;
        }
    }
    while high - low > 1e-3 * high {
        let middle = f64::midpoint(low, high);
        if is_so(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
