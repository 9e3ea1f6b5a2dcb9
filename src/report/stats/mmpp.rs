//! A NIC as a Markov-modulated Poisson process of two states: in a *calm* bursts are rare, in
//! a *spell* they are frequent, and calms and spells take turns by chance. Which NIC it is
//! is not known: a grid of them, each with a weight before anything was seen (`prior`), is led
//! through the history, and the weights follow what happened.

/// One NIC that it might be, and how far it explains what was seen.
#[derive(Clone)]
pub struct Nic {
    /// Changes from calm to spell and back, a day.
    leave: [f64; 2],
    /// Bursts a day, in calm and in spell.
    rates: [f64; 2],
    /// Probability of what was seen, together with that of either state now; times exp(`scale`).
    state: [f64; 2],
    scale: f64,
}

/// The generator without bursts, `[[-leave0 - rate0, leave0], [leave1, -leave1 - rate1]]`, by
/// its eigenvalues `high` and `high` − 2 · `half`: exp(M t) is the chance of a quiet of t days
/// with a change of state.
struct Quiet {
    high: f64,
    half: f64,
    /// M less the mean of its eigenvalues: the first of the diagonal; the second is its negative.
    slant: f64,
}

impl Nic {
    fn quiet(&self, factor: f64) -> Quiet {
        let gone = [0, 1].map(|i| self.leave[i] + self.rates[i] * factor);
        let slant = (gone[1] - gone[0]) / 2.0;
        let half = (slant * slant + self.leave[0] * self.leave[1]).sqrt();
        Quiet {
            high: half - f64::midpoint(gone[0], gone[1]),
            half,
            slant,
        }
    }

    fn probability(&self) -> f64 {
        self.state[0] + self.state[1]
    }

    /// A quiet of `days`, with the rates times `factor`.
    fn pass(&mut self, days: f64, factor: f64) {
        let q = self.quiet(factor);
        let fall = (-2.0 * q.half * days).exp();
        let (even, odd) = (f64::midpoint(1.0, fall), (1.0 - fall) / (2.0 * q.half));
        let [calm, spell] = self.state;
        self.state = [
            even * calm + odd * (calm * q.slant + spell * self.leave[1]),
            even * spell + odd * (calm * self.leave[0] - spell * q.slant),
        ]
        .map(|p| p.max(0.0));
        self.scale += q.high * days;
    }

    fn burst(&mut self, factor: f64) {
        for (p, rate) in self.state.iter_mut().zip(self.rates) {
            *p *= rate * factor;
        }
    }

    /// Neither a tiny nor a huge number, whatever came.
    fn rescale(&mut self) {
        let sum = self.probability();
        if sum > 0.0 && !(1e-100..1e100).contains(&sum) {
            self.state = self.state.map(|p| p / sum);
            self.scale += sum.ln();
        }
    }
}

/// All NICs that it might be.
#[derive(Clone)]
pub struct Nics(Vec<Nic>);

/// Those with less than this share of the probability are let go.
const NEGLIGIBLE: f64 = 1e-12;

impl Nics {
    /// Known NICs with their weights, each in the long-term balance of calm and spell.
    pub fn new(each: impl Iterator<Item = ([f64; 2], [f64; 2], f64)>) -> Nics {
        let nic = |(leave, rates, weight): ([f64; 2], [f64; 2], f64)| Nic {
            leave,
            rates,
            state: [leave[1], leave[0]].map(|p| weight * p / (leave[0] + leave[1])),
            scale: 0.0,
        };
        Nics(each.map(nic).collect())
    }

    /// A quiet of `days` and then, maybe, a burst, where all rates are `factor` times as high.
    pub fn see(&mut self, days: f64, burst: bool, factor: f64) {
        for nic in &mut self.0 {
            nic.pass(days, factor);
            if burst {
                nic.burst(factor);
            }
            nic.rescale();
        }
        if burst {
            self.forget();
        }
    }

    /// The same, believed for the state only: it says nothing about which NIC it is.
    pub fn see_state(&mut self, days: f64, burst: bool) {
        for nic in &mut self.0 {
            let (before, scale) = (nic.probability(), nic.scale);
            nic.pass(days, 1.0);
            if burst {
                nic.burst(1.0);
            }
            let now = nic.probability();
            if now > 0.0 {
                nic.state = nic.state.map(|p| p / now * before);
            }
            nic.scale = scale;
        }
    }

    fn highest_scale(&self) -> f64 {
        let scales = self.0.iter().map(|nic| nic.scale + nic.probability().ln());
        scales.fold(f64::NEG_INFINITY, f64::max)
    }

    fn forget(&mut self) {
        let least = self.highest_scale() + NEGLIGIBLE.ln();
        self.0
            .retain(|nic| nic.scale + nic.probability().ln() >= least);
    }

    /// Logarithm of the probability of all that was seen.
    pub fn ln_probability(&self) -> f64 {
        let highest = self.highest_scale();
        if highest == f64::NEG_INFINITY {
            return highest;
        }
        let parts = self.0.iter();
        let sum: f64 = parts
            .map(|nic| nic.probability() * (nic.scale - highest).exp())
            .sum();
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
        for _ in 0..50 {
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
