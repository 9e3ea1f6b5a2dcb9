//! The verdict on simulated histories. Where nothing changed, "likely fixed" may come out
//! at most 5 times in 100, although incidents come in bursts, the rate goes up and down,
//! people act right after a bad spell, and ask every day. Where the rate fell to zero, it
//! must come out nearly as soon as the bare test would allow it to one who knew the bursts.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "small numbers all"
)]

use unhang::report::stats::{ALPHA, Exposure, bursts, weigh_two};

/// xorshift64*: the same histories everywhere and always.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }
}

/// What makes people act.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Any time.
    Whenever,
    /// After the k-th burst.
    Count,
    /// As soon as some days were two to four times as bad as usual.
    BadSpell,
    /// After the worst days of all.
    WorstSpell,
}

/// Incidents of 400 days: bursts with a few incidents each.
fn incidents(random: &mut Random, rate: f64, calm_and_bad: bool) -> Vec<f64> {
    let factor = random.between(4.0, 12.0);
    let (calm, bad) = (random.between(7.0, 21.0), random.between(2.0, 7.0));
    let (mut t, mut worse, mut until) = (0.0, false, random.exponential(calm));
    let mut out = Vec::new();
    while t < 400.0 {
        let now = if calm_and_bad && worse {
            rate * factor
        } else {
            rate
        };
        let next = t + random.exponential(1.0 / now);
        if calm_and_bad && next > until {
            t = until;
            worse = !worse;
            until = t + random.exponential(if worse { bad } else { calm });
            continue;
        }
        t = next;
        let mut at = t;
        loop {
            out.push(at);
            at += random.exponential(0.03);
            if random.uniform() < 0.3 {
                break;
            }
        }
    }
    out.sort_by(f64::total_cmp);
    out
}

/// When somebody acts, given what came before; the log begins at 0.
fn acts(random: &mut Random, act: Act, bursts: &[f64], rate: f64) -> Option<f64> {
    let after = random.between(0.05, 1.0);
    let window = [1.0, 3.0, 7.0][(random.uniform() * 3.0) as usize];
    let within = |end: f64| {
        bursts
            .iter()
            .filter(|t| **t <= end && end - **t < window)
            .count()
    };
    match act {
        Act::Whenever => Some(random.between(3.0, 60.0)),
        Act::Count => {
            let k = 1 + (random.uniform() * 11.0) as usize;
            bursts.get(k - 1).map(|t| t + after)
        }
        Act::BadSpell => {
            let many = (rate * window * random.between(2.0, 4.0)).ceil().max(2.0) as usize;
            let at = bursts.iter().find(|t| within(**t) >= many);
            at.map(|t| t + after)
        }
        Act::WorstSpell => {
            let end = random.between(10.0, 90.0);
            let seen = bursts.iter().take_while(|t| **t < end);
            seen.copied().rev_max_by(within).map(|t| t + after)
        }
    }
}

trait RevMax {
    fn rev_max_by(self, key: impl Fn(f64) -> usize) -> Option<f64>;
}

impl<I: Iterator<Item = f64>> RevMax for I {
    /// The first of the largest.
    fn rev_max_by(self, key: impl Fn(f64) -> usize) -> Option<f64> {
        let mut best: Option<(usize, f64)> = None;
        for t in self {
            let value = key(t);
            if best.is_none_or(|(most, _)| value > most) {
                best = Some((value, t));
            }
        }
        best.map(|(_, t)| t)
    }
}

struct Run {
    wrong: f64,
    /// Median days to "likely fixed" where the rate fell to zero, and by the bare test.
    waited: f64,
    bare: f64,
}

fn simulate(seed: u64, act: Act, calm_and_bad: bool, runs: usize) -> Run {
    let mut random = Random(seed);
    let (mut wrong, mut waits, mut bares) = (0, Vec::new(), Vec::new());
    while waits.len() < runs {
        let rate = (random.between((0.05f64).ln(), (2.0f64).ln())).exp();
        let start = random.between(0.0, 150.0);
        let all = incidents(&mut random, rate, calm_and_bad);
        let all: Vec<f64> = all
            .iter()
            .filter(|t| **t >= start)
            .map(|t| t - start)
            .collect();
        let Some(change) = acts(&mut random, act, &bursts(&all), rate) else {
            continue;
        };
        let before: Vec<f64> = all.iter().copied().filter(|t| *t < change).collect();
        if before.is_empty() || change > 200.0 {
            continue;
        }
        let first_after = all
            .iter()
            .find(|t| **t >= change)
            .map_or(f64::INFINITY, |t| t - change);
        let mut e = Exposure {
            before,
            before_days: change,
            change,
            ..Exposure::default()
        };
        let bare = {
            let n = bursts(&e.before).len() as f64;
            change * (ALPHA.powf(-1.0 / n) - 1.0)
        };
        let needed = weigh_two(&e).needed.expect("incidents before, none after");
        // Asked every day until the first incident comes: ever a wrong yes?
        let mut day = 1.0;
        while day < first_after && day < 180.0 {
            e.after_days = day;
            if weigh_two(&e).likely_fixed() {
                wrong += 1;
                break;
            }
            day += 1.0;
        }
        waits.push(needed);
        bares.push(bare);
    }
    let median = |v: &mut Vec<f64>| {
        v.sort_by(f64::total_cmp);
        v[v.len() / 2]
    };
    Run {
        wrong: f64::from(wrong) / runs as f64,
        waited: median(&mut waits),
        bare: median(&mut bares),
    }
}

#[test]
fn wrong_praise_is_rare_and_right_praise_is_early() {
    let kinds = [Act::Whenever, Act::Count, Act::BadSpell, Act::WorstSpell];
    for (i, act) in kinds.into_iter().enumerate() {
        for calm_and_bad in [false, true] {
            let seed = 0x9e37_79b9_7f4a_7c15 ^ ((i as u64) << 8) ^ u64::from(calm_and_bad);
            let run = simulate(seed, act, calm_and_bad, 3000);
            println!(
                "{act:?}, rate {}: wrong {:.1} in 100; fixed is seen after {:.1} days (bare test {:.1})",
                if calm_and_bad { "changing" } else { "constant" },
                run.wrong * 100.0,
                run.waited,
                run.bare
            );
            assert!(run.wrong <= 0.05, "{act:?}: {}", run.wrong);
            assert!(
                run.waited <= 2.0 * run.bare + 1.0,
                "{act:?}: {} days",
                run.waited
            );
        }
    }
}
