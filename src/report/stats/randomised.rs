//! Did it help, where chance decided which machines got it?
//!
//! In such a trial nothing need be known of how hangs come. If the setting does nothing, each
//! NIC would have hung, or not, just when it did, whichever of the two arms it was in; so each
//! other way of drawing as many NICs for the trial was as likely, and the chance of what was
//! seen is the share of those draws that come out as well for the trial or better: Fisher's
//! randomisation test (The Design of Experiments, 1935), exact whatever the rates, the load and
//! the season are. Draws keep to the strata, chips, in which the machines were allotted.
//!
//! What is compared is the first hang of each NIC within the time that was asked for when the
//! trial began, counted from there on, whatever became of the trial (so who gives up does not
//! decide). The draws are ordered by the hangs in the trial less those that so many days would
//! have brought at the stratum's rate (the log-rank test's numerator with a constant rate:
//! Mantel: Evaluation of survival data and two new rank order statistics, Cancer Chemotherapy
//! Reports 50, 1966).
//!
//! It is answered once, when the time is over on all of them: to ask before would be a look
//! that must be paid for. The k-th trial counts k times, and each of its two directions is
//! "helps" or "harms" from 3 in 100 on.

use super::CHANCE;

/// Up to so many draws each is looked at; of more, as many at random.
const DRAWS: u64 = 100_000;
/// Sums of the same numbers in another order.
const ROUNDING: f64 = 1e-9;

/// A NIC in the trial or beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// Within it was drawn, as a number of the caller's.
    pub stratum: usize,
    pub in_trial: bool,
    /// Up-time until its first hang, or as long as was asked for.
    pub days: f64,
    pub hung: bool,
    /// Neither of both has come yet.
    pub is_open: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arm {
    pub nics: usize,
    pub hung: usize,
    pub days: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Randomised {
    pub trial: Arm,
    pub control: Arm,
    /// NICs that have time to go.
    pub open: usize,
    /// The chance of so few hangs in the trial by the draw alone, and of so many; 1 while it is open.
    pub fewer: f64,
    pub more: f64,
}

impl Randomised {
    pub fn helps(&self) -> bool {
        self.fewer <= CHANCE
    }

    pub fn harms(&self) -> bool {
        self.more <= CHANCE
    }
}

/// `None` unless there are NICs in both arms. It is the `looks`-th such trial.
pub fn weigh(units: &[Unit], looks: usize) -> Option<Randomised> {
    let arm = |in_trial: bool| {
        let of = units.iter().filter(|unit| unit.in_trial == in_trial);
        of.fold(Arm::default(), |arm, unit| Arm {
            nics: arm.nics + 1,
            hung: arm.hung + usize::from(unit.hung),
            days: arm.days + unit.days,
        })
    };
    let (trial, control) = (arm(true), arm(false));
    if trial.nics == 0 || control.nics == 0 {
        return None;
    }
    let open = units.iter().filter(|unit| unit.is_open).count();
    let (fewer, more) = if open == 0 {
        chances(units)
    } else {
        (1.0, 1.0)
    };
    Some(Randomised {
        trial,
        control,
        open,
        fewer: (fewer * looks as f64).min(1.0),
        more: (more * looks as f64).min(1.0),
    })
}

/// A stratum in which there was something to draw.
struct Drawn {
    /// Of each NIC, its hangs less those that its days would have brought.
    scores: Vec<f64>,
    /// How many were drawn for the trial.
    trial: usize,
}

fn chances(units: &[Unit]) -> (f64, f64) {
    let mut strata: Vec<usize> = units.iter().map(|unit| unit.stratum).collect();
    strata.sort_unstable();
    strata.dedup();
    let mut observed = 0.0;
    let mut drawn = Vec::new();
    for stratum in strata {
        let of: Vec<&Unit> = units.iter().filter(|u| u.stratum == stratum).collect();
        let days: f64 = of.iter().map(|unit| unit.days).sum();
        let hung = of.iter().filter(|unit| unit.hung).count() as f64;
        let rate = if days > 0.0 { hung / days } else { 0.0 };
        let score = |unit: &Unit| f64::from(u8::from(unit.hung)) - rate * unit.days;
        let trial = of.iter().filter(|unit| unit.in_trial).count();
        if trial > 0 && trial < of.len() {
            let chosen = of.iter().filter(|unit| unit.in_trial);
            observed += chosen.map(|unit| score(unit)).sum::<f64>();
            let scores = of.iter().map(|unit| score(unit)).collect();
            drawn.push(Drawn { scores, trial });
        }
    }
    let ways = |d: &Drawn| ways(d.scores.len() as u64, d.trial as u64);
    let all = drawn.iter().map(ways).fold(1, u64::saturating_mul);
    let (mut fewer, mut more, mut count) = (0_u64, 0_u64, 0_u64);
    let mut see = |sum: f64| {
        count += 1;
        fewer += u64::from(sum <= observed + ROUNDING);
        more += u64::from(sum >= observed - ROUNDING);
    };
    if all <= DRAWS {
        each(&drawn, 0.0, &mut see);
    } else {
        // What was drawn is one of the draws, so that the chance is never below one in their number.
        see(observed);
        let mut random = fastrand::Rng::with_seed(0);
        for _ in 1..DRAWS {
            let draw = |d: &mut Drawn| -> f64 {
                random.shuffle(&mut d.scores);
                d.scores[..d.trial].iter().sum()
            };
            see(drawn.iter_mut().map(draw).sum());
        }
    }
    (fewer as f64 / count as f64, more as f64 / count as f64)
}

/// How many ways there are to choose `k` of `n`, as far as it matters.
fn ways(n: u64, k: u64) -> u64 {
    let mut ways: u64 = 1;
    for i in 0..k.min(n - k) {
        ways = ways.saturating_mul(n - i) / (i + 1);
        if ways > DRAWS {
            return u64::MAX;
        }
    }
    ways
}

/// The sum of each draw.
fn each(strata: &[Drawn], sum: f64, see: &mut dyn FnMut(f64)) {
    let Some((first, rest)) = strata.split_first() else {
        return see(sum);
    };
    choose(&first.scores, first.trial, sum, &mut |sum| {
        each(rest, sum, see);
    });
}

fn choose(scores: &[f64], many: usize, sum: f64, see: &mut dyn FnMut(f64)) {
    if many == 0 {
        return see(sum);
    }
    for (index, score) in scores.iter().enumerate().take(scores.len() + 1 - many) {
        choose(&scores[index + 1..], many - 1, sum + score, see);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(stratum: usize, in_trial: bool, hung: bool) -> Unit {
        Unit {
            stratum,
            in_trial,
            days: 30.0,
            hung,
            is_open: false,
        }
    }

    /// NICs of one chip: so many in each arm, of which so many hung, all watched for as long.
    fn arms((trial, hung): (usize, usize), (control, hung_too): (usize, usize)) -> Vec<Unit> {
        let trial = (0..trial).map(|n| unit(0, true, n < hung));
        trial
            .chain((0..control).map(|n| unit(0, false, n < hung_too)))
            .collect()
    }

    fn is_near(is: f64, expected: f64) {
        assert!((is - expected).abs() < 1e-9, "{is} {expected}");
    }

    #[test]
    fn of_equal_days_it_is_fishers_exact_test() {
        // Hypergeometric: of 8, 4 hung; none of the 4 drawn. 1 of C(8, 4) draws.
        let none = weigh(&arms((4, 0), (4, 4)), 1).unwrap();
        is_near(none.fewer, 1.0 / 70.0);
        is_near(none.more, 1.0);
        assert!(none.helps() && !none.harms());
        // One of 4 drawn: (C(4,0)·C(4,4) + C(4,1)·C(4,3)) / C(8,4).
        let one = weigh(&arms((4, 1), (4, 3)), 1).unwrap();
        is_near(one.fewer, 17.0 / 70.0);
        let second = weigh(&arms((4, 0), (4, 4)), 2).unwrap();
        is_near(second.fewer, 2.0 / 70.0);
        let harms = weigh(&arms((4, 4), (4, 0)), 1).unwrap();
        assert!(harms.harms() && !harms.helps());
        // Of more draws than can be looked at, as many at random: 0.01124 by the same formula.
        let many = weigh(&arms((20, 4), (20, 12)), 1).unwrap();
        assert!((many.fewer - 0.01124).abs() < 2e-3, "{}", many.fewer);
    }

    #[test]
    fn draws_keep_to_the_chips() {
        // All hangs are of one chip, whose NICs were all drawn for one arm: that says nothing.
        let chips = [
            unit(0, true, false),
            unit(0, true, false),
            unit(1, false, true),
            unit(1, false, true),
        ];
        let weighed = weigh(&chips, 1).unwrap();
        is_near(weighed.fewer, 1.0);
        is_near(weighed.more, 1.0);
    }

    #[test]
    fn one_arm_is_no_trial_and_an_open_one_has_no_answer() {
        assert_eq!(weigh(&arms((4, 0), (0, 0)), 1), None);
        let mut units = arms((4, 0), (4, 4));
        units[0].is_open = true;
        let weighed = weigh(&units, 1).unwrap();
        assert_eq!((weighed.open, weighed.helps()), (1, false));
    }

    #[test]
    fn a_nic_that_was_watched_for_longer_without_a_hang_counts_for_more() {
        let mut short = arms((3, 0), (3, 1));
        let mut long = short.clone();
        short
            .iter_mut()
            .filter(|u| u.in_trial)
            .for_each(|u| u.days = 1.0);
        long.iter_mut()
            .filter(|u| u.in_trial)
            .for_each(|u| u.days = 300.0);
        let [short, long] = [short, long].map(|units| weigh(&units, 1).unwrap().fewer);
        is_near(short, 0.5);
        is_near(long, 0.05);
    }
}
