//! A NIC as a Markov-modulated Poisson process of two states: in a *calm* bursts are rare, in
//! a *spell* they are frequent, and calms and spells take turns by chance. Which NIC it is
//! is not known: a grid of them, each with a weight before anything was seen (`prior`), is led
//! through the history, and the weights follow what happened.

/// One NIC that it might be, and how far it explains what was seen.
#[derive(Clone)]
struct Nic {
    /// Changes from calm to spell and back, a day.
    leave: [f64; 2],
    /// Bursts a day, in calm and in spell.
    rates: [f64; 2],
    quiet: Quiet,
    /// Which state it is in now: the probability of either.
    state: [f64; 2],
    /// Logarithm of its weight times the probability of what was seen.
    ln: f64,
}

/// The chance of a quiet of t days with a change of state is exp(M t), where M is
/// `[[-leave0 - rate0, leave0], [leave1, -leave1 - rate1]]` with the eigenvalues `high` and
/// `high` − 2 · `half`.
#[derive(Clone, Copy)]
struct Quiet {
    high: f64,
    half: f64,
    /// M less the mean of its eigenvalues: the first of the diagonal; the second is its negative.
    slant: f64,
}

impl Quiet {
    fn new(leave: [f64; 2], rates: [f64; 2]) -> Quiet {
        let gone = [leave[0] + rates[0], leave[1] + rates[1]];
        let slant = (gone[1] - gone[0]) / 2.0;
        let half = (slant * slant + leave[0] * leave[1]).sqrt();
        Quiet {
            high: half - f64::midpoint(gone[0], gone[1]),
            half,
            slant,
        }
    }
}

impl Nic {
    /// A quiet of `days` and then, maybe, a burst, where all rates are `factor` times as high.
    fn see(&mut self, days: f64, burst: bool, factor: f64) {
        let rates = self.rates.map(|rate| rate * factor);
        let q = if (factor - 1.0).abs() < f64::EPSILON {
            self.quiet
        } else {
            Quiet::new(self.leave, rates)
        };
        let fall = (-2.0 * q.half * days).exp();
        let (even, odd) = (f64::midpoint(1.0, fall), (1.0 - fall) / (2.0 * q.half));
        let [calm, spell] = self.state;
        let calm_now = even * calm + odd * (calm * q.slant + spell * self.leave[1]);
        let spell_now = even * spell + odd * (calm * self.leave[0] - spell * q.slant);
        // What ought to be zero may come out as less than that.
        let [mut calm, mut spell] = [calm_now.max(0.0), spell_now.max(0.0)];
        if burst {
            calm *= rates[0];
            spell *= rates[1];
        }
        let sum = calm + spell;
        if sum > 0.0 {
            self.state = [calm / sum, spell / sum];
        }
        self.ln += q.high * days + sum.ln();
    }
}

/// All NICs that it might be.
#[derive(Clone)]
pub struct Nics(Vec<Nic>);

/// Those with less than this share of the probability are let go.
const NEGLIGIBLE: f64 = 1e-12;

impl Nics {
    /// Each with its rates of leaving calm and spell, its rates of bursts in them, and its weight.
    /// Nothing is known of the state at first: a log does not begin at a random time, but when
    /// somebody began to look, or with what the journal just keeps. Begun in the long-term balance
    /// of calm and spell, a log that has forgotten all but the spell would look as if that were
    /// no spell but the rule, and half of its owners would read a wrong "likely fixed".
    pub fn new(each: impl Iterator<Item = ([f64; 2], [f64; 2], f64)>) -> Nics {
        let nic = |(leave, rates, weight): ([f64; 2], [f64; 2], f64)| Nic {
            leave,
            rates,
            quiet: Quiet::new(leave, rates),
            state: [0.5, 0.5],
            ln: weight.ln(),
        };
        Nics(each.map(nic).collect())
    }

    /// A quiet of `days` and then, maybe, a burst, where all rates are `factor` times as high.
    pub fn see(&mut self, days: f64, burst: bool, factor: f64) {
        for nic in &mut self.0 {
            nic.see(days, burst, factor);
        }
        let least = self.highest() + NEGLIGIBLE.ln();
        self.0.retain(|nic| nic.ln >= least);
    }

    /// The same, believed for the state only: it says nothing about which NIC it is.
    pub fn see_state(&mut self, days: f64, burst: bool) {
        for nic in &mut self.0 {
            let ln = nic.ln;
            nic.see(days, burst, 1.0);
            nic.ln = ln;
        }
    }

    fn highest(&self) -> f64 {
        let all = self.0.iter().map(|nic| nic.ln);
        all.fold(f64::NEG_INFINITY, f64::max)
    }

    /// Logarithm of the probability of all that was seen.
    pub fn ln_probability(&self) -> f64 {
        let highest = self.highest();
        let sum: f64 = self.0.iter().map(|nic| (nic.ln - highest).exp()).sum();
        highest + sum.ln()
    }

    /// After how many more days without a burst is the logarithm of the probability down to
    /// `ln`? At most `longest`.
    pub fn until(&self, ln: f64, longest: f64) -> f64 {
        let later = |days: f64| {
            let mut later = self.clone();
            later.see(days, false, 1.0);
            later.ln_probability()
        };
        if later(0.0) <= ln {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, 1.0);
        while high < longest && later(high) > ln {
            low = high;
            high *= 2.0;
        }
        if high >= longest {
            return longest;
        }
        while high - low > 1e-6 * high {
            let middle = f64::midpoint(low, high);
            if later(middle) > ln {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}
